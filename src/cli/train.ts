/** @file `glia train`. */

import { join, resolve } from 'node:path'
import type { Device, KernelTime } from '../plan/device.ts'
import type { Recipe } from '../recipes/recipe.ts'
import { manualSeed } from '../tensor/random.ts'
import type { Callback, History } from '../train/callbacks.ts'
import { baselineLoss, diagnose, diagnosisText } from '../train/diagnose/index.ts'
import { fit } from '../train/fit.ts'
import { progressBar, scores } from '../train/progress.ts'
import { loadSets, type Sets, sizes } from './data.ts'
import { type DeviceChoice, describe, useDevice } from './device.ts'
import { type Interruption, onInterrupt } from './interrupt.ts'
import { drawCurves, keepRun, resumedOptions } from './keep.ts'
import { recipeNamed } from './lookup.ts'
import { type OutDirectory, prepareOut } from './out.ts'
import { profileTable } from './profile.ts'
import { version } from './program.ts'
import { saveRun } from './run.ts'
import { trainingStep } from './step.ts'

export interface TrainOptions extends DeviceChoice {
  readonly data?: string
  readonly epochs?: number
  readonly batch?: number
  readonly lr?: number
  readonly seed?: number
  readonly limit?: number
  readonly out?: string
  /** Directory of a run to go on with. */
  readonly resume?: string
  readonly checkpointEvery?: number
  readonly profile?: boolean
  readonly json?: boolean
}

interface Settings {
  readonly epochs: number
  readonly batch: number
  readonly lr: number
  readonly seed: number
}

/** Trains a recipe, measures it and saves it. */
export async function train(name: string, given: TrainOptions): Promise<void> {
  const recipe = recipeNamed(name)
  const options = given.resume === undefined ? given : await resumedOptions(given.resume, recipe.name, given)
  const { epochs, batchSize, lr } = recipe.defaults
  const settings: Settings = {
    epochs: options.epochs ?? epochs,
    batch: options.batch ?? batchSize,
    lr: options.lr ?? lr,
    seed: options.seed ?? 0,
  }
  const interruption = onInterrupt()
  const out = await prepareOut(options.resume ?? options.out, recipe.name)
  try {
    await trainInto(out, recipe, settings, options, interruption)
  } finally {
    // Only if nothing was saved: directories that hold something stay.
    await out.discard()
    interruption.release()
  }
}

async function trainInto(
  out: OutDirectory,
  recipe: Recipe,
  settings: Settings,
  options: TrainOptions,
  { signal, error, race }: Interruption,
): Promise<void> {
  // Ten thousand digits take a moment to write.
  const waiting = process.stdout.isTTY && !options.json
  if (waiting) process.stdout.write('Preparing the data …')
  const early = 'Interrupted before the training began; nothing was saved.'
  const sets = await race(loadSets(recipe, options.data, options.limit), early).finally(() => {
    if (waiting) process.stdout.write('\r\x1b[K')
  })
  const device = await useDevice(options)
  if (signal.aborted) throw error(early)
  manualSeed(settings.seed)
  const model = recipe.build(sets.train)
  const say = options.json ? new JsonLines(recipe, settings) : new Lines(recipe, settings)
  say.start(model.parameterCount(), device, sets, out.path)
  const perEpoch = Math.ceil(sets.train.length / settings.batch)
  const record = {
    glia: version(),
    recipe: recipe.name,
    settings: {
      ...settings,
      data: options.data === undefined ? null : resolve(options.data),
      limit: options.limit ?? null,
      target: device.name,
      threads: device.threads,
    },
    classes: sets.train.classes ?? [],
  }
  const kept = await keepRun(out.path, record, options)
  const trained = await fit(model, sets.train, {
    loss: recipe.loss,
    ...(recipe.objective ? { objective: recipe.objective } : {}),
    optimizer: recipe.optimizer(model.parameters(), settings.lr),
    ...(recipe.schedule ? { schedule: recipe.schedule(perEpoch * settings.epochs) } : {}),
    metrics: recipe.metrics,
    validation: sets.test,
    epochs: settings.epochs,
    batchSize: settings.batch,
    seed: settings.seed,
    callbacks: [say.callback, ...kept.callbacks],
    // Twice an epoch, in batches that are full.
    watch: Math.max(1, Math.floor(perEpoch / 2)),
    ...(kept.state ? { resume: kept.state } : {}),
    signal,
  }).catch(async (failure: unknown) => {
    await kept.drop()
    throw failure
  })
  if (trained.steps === 0) {
    await kept.drop()
    throw error(early)
  }
  const baseline = await baselineLoss(recipe.loss, sets.train)
  const history = { ...trained, ...(baseline === null ? {} : { baseline }) }
  await saveRun(out.path, model, { ...record, history })
  await drawCurves(out.path, history)
  if (history.stopped) {
    const done = `${history.epochs.length} of ${settings.epochs} epochs`
    throw error(`Interrupted after ${history.steps} steps (${done} complete); saved in ${out.path}.`)
  }
  say.done(history, out.path)
  // On the model itself, now that it is saved: a profile takes steps.
  if (options.profile) say.profile(trainingStep(recipe, model, sets.train, settings.batch, device).profile())
}

/** What a person sees. */
class Lines {
  readonly #recipe: Recipe
  readonly #settings: Settings
  readonly callback: Callback = progressBar()

  constructor(recipe: Recipe, settings: Settings) {
    this.#recipe = recipe
    this.#settings = settings
  }

  start(parameters: number, device: Device, sets: Sets, out: string): void {
    const { epochs, batch, lr, seed } = this.#settings
    const rows = [
      ['parameters', parameters.toLocaleString('en-US')],
      ['data', `${sets.name}: ${sizes(sets)}`],
      ['target', describe(device)],
      ['settings', `${epochs} epochs, batch ${batch}, learning rate ${lr}, seed ${seed}`],
      ['out', out],
    ]
    console.log(`${this.#recipe.name}: ${this.#recipe.description}`)
    for (const [key, value] of rows) console.log(`  ${key.padEnd(10)}  ${value}`)
  }

  done(history: History, out: string): void {
    const last = history.epochs.at(-1)?.val
    if (last) console.log(`Test: ${scores(last)}`)
    console.log(`Saved ${join(out, 'model.safetensors')} and run.json. Try: glia eval ${out}`)
    const findings = diagnose(history)
    if (findings.length > 0) console.log(`\n${diagnosisText(findings)}`)
  }

  profile(kernels: readonly KernelTime[]): void {
    if (kernels.length > 0) console.log(`A step takes ${profileTable(kernels)}`)
    else console.log('This target has no kernels to time.')
  }
}

/** What a program reads. */
class JsonLines {
  readonly #recipe: Recipe
  readonly #settings: Settings
  readonly callback: Callback = {
    onEpochEnd: ({ epoch, train, val, seconds }) => print({ event: 'epoch', epoch, train, val, seconds }),
  }

  constructor(recipe: Recipe, settings: Settings) {
    this.#recipe = recipe
    this.#settings = settings
  }

  start(parameters: number, { name, threads }: Device): void {
    print({ event: 'start', recipe: this.#recipe.name, parameters, target: name, threads, seed: this.#settings.seed })
  }

  done(history: History, out: string): void {
    print({ event: 'done', metrics: history.epochs.at(-1)?.val ?? {}, findings: diagnose(history), out })
  }

  profile(kernels: readonly KernelTime[]): void {
    print({ event: 'profile', kernels })
  }
}

function print(value: object): void {
  console.log(JSON.stringify(value))
}
