/** @file `glia train <recipe> --data <file>`: trains on a user's own file. */

import { resolve } from 'node:path'
import type { ArrayDataset } from '../../data/dataset.ts'
import {
  type Baseline,
  type FileOptions,
  type FileRecipe,
  fileRecipes,
  type Prepared,
  type Source,
} from '../../recipes/files/index.ts'
import { manualSeed } from '../../tensor/random.ts'
import { evaluate } from '../../train/evaluate.ts'
import type { Scores } from '../../train/metrics.ts'
import { describe, useDevice } from '../device.ts'
import { UsageError } from '../failure.ts'
import { type Interruption, onInterrupt } from '../interrupt.ts'
import { type JobOptions, learn, runJob, type Settings, TOO_EARLY } from '../job.ts'
import { begunRun, computedOn, resumedOptions } from '../keep.ts'
import { type OutDirectory, prepareOut } from '../out.ts'
import type { FileRecord } from '../run.ts'
import { jsonLines, lines, type Say } from '../say.ts'
import type { Target } from '../values.ts'
import { readSource } from './source.ts'
import { aboutFile } from './use.ts'

/** As on the command line; whatever a recipe decides about files is among them. */
export interface FileTrainOptions extends FileOptions, JobOptions {
  readonly data?: string
  readonly folds?: number
  readonly epochs?: number
  readonly batch?: number
  readonly lr?: number
  readonly patience?: number
  readonly device?: Target
  readonly threads?: number
  readonly out?: string
  /** Directory of a run to go on with. */
  readonly resume?: string
  readonly json?: boolean
  readonly debug?: boolean
}

/** Trains on a file, measures the model on what it has not seen, and saves it. */
export async function trainOnFile(name: string, given: FileTrainOptions): Promise<void> {
  const recipe = fileRecipes[name]
  const options = given.resume === undefined ? given : await resumed(given.resume, recipe, given)
  const { data } = options
  if (data === undefined) throw new UsageError(`glia train ${name} needs the option --data <path>.`)
  const interruption = onInterrupt()
  const out = await prepareOut(options.resume ?? options.out, name)
  try {
    await trainInto(out, recipe, { ...options, data }, interruption)
  } finally {
    // Only if nothing was saved: directories that hold something stay.
    await out.discard()
    interruption.release()
  }
}

async function resumed(run: string, recipe: FileRecipe, given: FileTrainOptions): Promise<FileTrainOptions> {
  const begun = await begunRun(run, recipe.name)
  const { epochs, batch, lr, patience, seed, data } = begun.settings
  const { target, threads } = computedOn(begun)
  const said = Object.fromEntries(Object.keys(fileOptions(given)).map((name) => [name, undefined]))
  const before = { ...said, ...begun.files?.options, epochs, batch, lr, patience, seed, data, folds: undefined }
  return { device: target, threads, ...resumedOptions(run, given, before), begun }
}

async function trainInto(
  out: OutDirectory,
  recipe: FileRecipe,
  options: FileTrainOptions & { readonly data: string },
  interruption: Interruption,
): Promise<void> {
  const { signal, error, race } = interruption
  const source = await race(readSource(recipe, options.data), TOO_EARLY)
  const prepared = await race(recipe.prepare(source, fileOptions(options)), TOO_EARLY)
  const { defaults, task, choices } = prepared
  const settings = {
    epochs: options.epochs ?? defaults.epochs,
    batch: options.batch ?? defaults.batchSize,
    lr: options.lr ?? defaults.lr,
    patience: options.patience ?? defaults.patience,
    seed: options.seed ?? 0,
  }
  const { device: target, threads } = options
  const device = await useDevice({ ...(target ? { target } : {}), ...(threads ? { threads } : {}) })
  if (signal.aborted) throw error(TOO_EARLY)
  const say = options.json ? jsonLines : lines
  manualSeed(settings.seed)
  const model = task.build(prepared.train)
  const { epochs, batch, lr, patience, seed } = settings
  const training = `at most ${epochs} epochs, batch ${batch}, learning rate ${lr}, patience ${patience}, seed ${seed}`
  say.start({
    title: `${recipe.name}: ${recipe.description}`,
    rows: [
      ...choices,
      ['settings', training],
      ['parameters', model.parameterCount().toLocaleString('en-US')],
      ['computes', describe(device)],
      ['out', out.path],
    ],
    event: { recipe: recipe.name, choices, settings },
  })
  if (options.folds !== undefined) {
    await crossValidate(recipe, source, fileOptions(options), options.folds, settings, signal, say)
    if (signal.aborted) throw error(TOO_EARLY)
    manualSeed(settings.seed)
  }
  const job = {
    recipe: recipe.name,
    ...aboutFile(task, model, source),
    sets: prepared,
    settings,
    baselines: prepared.baselines ?? [],
    skipped: prepared.skipped ?? [],
    data: resolve(options.data),
    limit: null,
    files: { task: task.spec, options: fileOptions(options), input: inputOf(prepared.train) },
    next: (run: string) => `glia predict ${run} <file>`,
  }
  await runJob(job, device, out, options, interruption, say)
}

/** What the model takes. */
function inputOf({ x }: ArrayDataset): NonNullable<FileRecord['input']> {
  return { shape: x.shape, dtype: x.data instanceof Int32Array ? 'int32' : 'float32' }
}

/** The scores of trainings that leave out one part of the data each, and are measured on it. */
async function crossValidate(
  recipe: FileRecipe,
  source: Source,
  options: FileOptions,
  folds: number,
  settings: Settings,
  signal: AbortSignal,
  say: Say,
): Promise<void> {
  const all: Scores[] = []
  const rules: (readonly Baseline[])[] = []
  for (let fold = 0; fold < folds && !signal.aborted; fold++) {
    const part: Prepared = await recipe.prepare(source, { ...options, fold: [fold, folds] })
    manualSeed(settings.seed)
    const model = part.task.build(part.train)
    await learn({ learnable: part.task, model, sets: part, settings }, { signal, callbacks: [] })
    if (signal.aborted) return
    const { loss, metrics } = part.task
    all.push(await evaluate(model, part.test, { loss, metrics, batchSize: settings.batch }))
    rules.push(part.baselines ?? [])
    say.fold(fold + 1, folds, all[fold], rules[fold])
  }
  const baselines = rules[0].map(({ name }, i) => ({ name, scores: meanOf(rules.map((list) => list[i].scores)) }))
  say.folds(meanOf(all) as Scores, baselines)
}

function meanOf(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const mean = (name: string): number => all.reduce((sum, scores) => sum + scores[name], 0) / all.length
  return Object.fromEntries(Object.keys(all[0]).map((name) => [name, mean(name)]))
}

/** What was decided on the command line about the file, to be decided the same way by `glia eval`. */
function fileOptions(options: FileTrainOptions): FileOptions {
  const { data, folds, epochs, batch, lr, patience, device, threads, out, json, ...rest } = options
  const { resume, begun, checkpointEvery, profile, debug, ...about } = rest
  return about
}
