/** @file `glia train` for recipes that have data of their own. */

import { resolve } from 'node:path'
import type { Recipe } from '../recipes/recipe.ts'
import { manualSeed } from '../tensor/random.ts'
import { loadSets, sizes } from './data.ts'
import { type DeviceChoice, describe, useDevice } from './device.ts'
import { type Interruption, onInterrupt } from './interrupt.ts'
import { type JobOptions, runJob, type Settings, TOO_EARLY } from './job.ts'
import { begunRun, computedOn, resumedOptions } from './keep.ts'
import { recipeNamed } from './lookup.ts'
import { type OutDirectory, prepareOut } from './out.ts'
import { jsonLines, lines } from './say.ts'

export interface TrainOptions extends DeviceChoice, JobOptions {
  readonly data?: string
  readonly epochs?: number
  readonly batch?: number
  readonly lr?: number
  readonly seed?: number
  readonly limit?: number
  readonly out?: string
  /** Directory of a run to go on with. */
  readonly resume?: string
  readonly json?: boolean
}

/** Trains a recipe, measures it and saves it. */
export async function train(name: string, given: TrainOptions): Promise<void> {
  const recipe = recipeNamed(name)
  const options = given.resume === undefined ? given : await resumed(given.resume, recipe, given)
  const interruption = onInterrupt()
  const out = await prepareOut(options.resume ?? options.out, recipe.name)
  try {
    await trainInto(out, recipe, options, interruption)
  } finally {
    // Only if nothing was saved: directories that hold something stay.
    await out.discard()
    interruption.release()
  }
}

async function resumed(run: string, recipe: Recipe, given: TrainOptions): Promise<TrainOptions> {
  const begun = await begunRun(run, recipe.name)
  const { epochs, batch, lr, seed, data, limit } = begun.settings
  const before = { epochs, batch, lr, seed, data: data ?? undefined, limit: limit ?? undefined }
  return { ...computedOn(begun), ...resumedOptions(run, given, before), begun }
}

async function trainInto(
  out: OutDirectory,
  recipe: Recipe,
  options: TrainOptions,
  interruption: Interruption,
): Promise<void> {
  const { signal, error, race } = interruption
  const settings: Settings = {
    epochs: options.epochs ?? recipe.defaults.epochs,
    batch: options.batch ?? recipe.defaults.batchSize,
    lr: options.lr ?? recipe.defaults.lr,
    seed: options.seed ?? 0,
  }
  // Ten thousand digits take a moment to write.
  const waiting = process.stdout.isTTY && !options.json
  if (waiting) process.stdout.write('Preparing the data …')
  const sets = await race(loadSets(recipe, options.data, options.limit), TOO_EARLY).finally(() => {
    if (waiting) process.stdout.write('\r\x1b[K')
  })
  const device = await useDevice(options)
  if (signal.aborted) throw error(TOO_EARLY)
  manualSeed(settings.seed)
  const model = recipe.build(sets.train)
  const say = options.json ? jsonLines : lines
  const { epochs, batch, lr, seed } = settings
  const parameters = model.parameterCount()
  say.start({
    title: `${recipe.name}: ${recipe.description}`,
    rows: [
      ['parameters', parameters.toLocaleString('en-US')],
      ['data', `${sets.name}: ${sizes(sets)}`],
      ['target', describe(device)],
      ['settings', `${epochs} epochs, batch ${batch}, learning rate ${lr}, seed ${seed}`],
      ['out', out.path],
    ],
    event: { recipe: recipe.name, parameters, target: device.name, threads: device.threads, seed },
  })
  const job = {
    recipe: recipe.name,
    learnable: recipe,
    model,
    // The test set is looked at after every epoch, but decides nothing.
    sets: { train: sets.train, validation: sets.test, test: sets.test },
    settings,
    data: options.data === undefined ? null : resolve(options.data),
    limit: options.limit ?? null,
    classes: sets.train.classes ?? [],
    next: (run: string) => `glia eval ${run}`,
  }
  await runJob(job, device, out, options, interruption, say)
}
