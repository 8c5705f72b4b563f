/** @file `glia train <recipe> --data <file>`: trains on a user's own file. */

import { join, resolve } from 'node:path'
import { fileRecipes } from '../../recipes/files/index.ts'
import type { FileOptions, FileRecipe, Prepared, Source } from '../../recipes/files/task.ts'
import { manualSeed } from '../../tensor/random.ts'
import type { History } from '../../train/callbacks.ts'
import { evaluate, type Model } from '../../train/evaluate.ts'
import { fit } from '../../train/fit.ts'
import type { Scores } from '../../train/metrics.ts'
import { earlyStopping } from '../../train/monitor.ts'
import { progressBar, scores } from '../../train/progress.ts'
import { describe, useDevice } from '../device.ts'
import { type Interruption, onInterrupt } from '../interrupt.ts'
import { type OutDirectory, prepareOut } from '../out.ts'
import { version } from '../program.ts'
import { saveRun } from '../run.ts'
import type { Target } from '../values.ts'
import { readSource } from './source.ts'

/** As on the command line; whatever a recipe decides about files is among them. */
export interface FileTrainOptions extends FileOptions {
  readonly data: string
  readonly folds?: number
  readonly epochs?: number
  readonly batch?: number
  readonly lr?: number
  readonly patience?: number
  readonly device?: Target
  readonly threads?: number
  readonly out?: string
  readonly json?: boolean
}

interface Settings {
  readonly epochs: number
  readonly batch: number
  readonly lr: number
  readonly patience: number
  readonly seed: number
}

/** Trains on a file, measures the model on what it has not seen, and saves it. */
export async function trainOnFile(name: string, options: FileTrainOptions): Promise<void> {
  const recipe = fileRecipes[name]
  const interruption = onInterrupt()
  const out = await prepareOut(options.out, name)
  try {
    await trainInto(out, recipe, options, interruption)
  } finally {
    // Only if nothing was saved: directories that hold something stay.
    await out.discard()
    interruption.release()
  }
}

async function trainInto(
  out: OutDirectory,
  recipe: FileRecipe,
  options: FileTrainOptions,
  { signal, error, race }: Interruption,
): Promise<void> {
  const early = 'Interrupted before the training began; nothing was saved.'
  const source = await race(readSource(recipe, options.data), early)
  const prepared = await race(recipe.prepare(source, options), early)
  const { defaults, task, test } = prepared
  const settings: Settings = {
    epochs: options.epochs ?? defaults.epochs,
    batch: options.batch ?? defaults.batchSize,
    lr: options.lr ?? defaults.lr,
    patience: options.patience ?? defaults.patience,
    seed: options.seed ?? 0,
  }
  const { device: target, threads } = options
  const device = await useDevice({ ...(target ? { target } : {}), ...(threads ? { threads } : {}) })
  if (signal.aborted) throw error(early)
  const say = options.json ? jsonLines : lines
  manualSeed(settings.seed)
  const model = task.build(prepared.train)
  say.start(recipe, prepared, settings, [
    ['parameters', model.parameterCount().toLocaleString('en-US')],
    ['computes', describe(device)],
    ['out', out.path],
  ])
  if (options.folds !== undefined) {
    await crossValidate(recipe, source, options, options.folds, settings, signal, say)
    if (signal.aborted) throw error(early)
    manualSeed(settings.seed)
  }
  const history = await learn(model, prepared, settings, signal, say)
  if (history.steps === 0) throw error(early)
  const measured = await evaluate(model, test, { loss: task.loss, metrics: task.metrics, batchSize: settings.batch })
  await saveRun(out.path, model, {
    glia: version(),
    recipe: recipe.name,
    settings: {
      ...settings,
      data: resolve(options.data),
      limit: null,
      target: device.name,
      threads: device.threads,
    },
    classes: task.classes,
    history,
    files: { task: task.spec, options: fileOptions(options), test: measured },
  })
  if (signal.aborted) throw error(`Interrupted after ${history.steps} steps; saved in ${out.path}.`)
  say.done(history, measured, out.path)
}

/** Early stopping by the validation set, back to its best weights. */
function learn(
  model: Model,
  { task, train, validation }: Prepared,
  { epochs, batch, lr, patience, seed }: Settings,
  signal: AbortSignal,
  say: Pick<Say, 'callback'>,
): Promise<History> {
  const steps = Math.ceil(train.length / batch) * epochs
  return fit(model, train, {
    loss: task.loss,
    ...(task.objective ? { objective: task.objective } : {}),
    ...(task.schedule ? { schedule: task.schedule(steps) } : {}),
    optimizer: task.optimizer(model.parameters(), lr),
    metrics: task.metrics,
    validation,
    epochs,
    batchSize: batch,
    seed,
    callbacks: [say.callback(), earlyStopping(model, { patience })],
    signal,
  })
}

/** The scores of trainings that leave out one part of the data each, and are measured on it. */
async function crossValidate(
  recipe: FileRecipe,
  source: Source,
  options: FileTrainOptions,
  folds: number,
  settings: Settings,
  signal: AbortSignal,
  say: Say,
): Promise<void> {
  const all: Scores[] = []
  for (let fold = 0; fold < folds && !signal.aborted; fold++) {
    const part = await recipe.prepare(source, { ...options, fold: [fold, folds] })
    manualSeed(settings.seed)
    const model = part.task.build(part.train)
    await learn(model, part, settings, signal, { callback: () => ({}) })
    if (signal.aborted) return
    const { loss, metrics } = part.task
    all.push(await evaluate(model, part.test, { loss, metrics, batchSize: settings.batch }))
    say.fold(fold + 1, folds, all[fold])
  }
  const mean = (name: string): number => all.reduce((sum, s) => sum + s[name], 0) / all.length
  say.folds(Object.fromEntries(Object.keys(all[0]).map((name) => [name, mean(name)])) as Scores)
}

/** What was decided on the command line about the file, to be decided the same way by `glia eval`. */
function fileOptions(options: FileTrainOptions): FileOptions {
  const { data, folds, epochs, batch, lr, patience, device, threads, out, json, ...rest } = options
  return rest
}

type Row = readonly [name: string, value: string]

/** Tells how a training goes. */
interface Say {
  start(recipe: FileRecipe, prepared: Prepared, settings: Settings, rows: readonly Row[]): void
  fold(fold: number, folds: number, measured: Scores): void
  folds(mean: Scores): void
  callback(): ReturnType<typeof progressBar>
  done(history: History, measured: Scores, out: string): void
}

/** For people. */
const lines: Say = {
  start({ name, description }, { choices }, { epochs, batch, lr, patience, seed }, rows) {
    const training = `at most ${epochs} epochs, batch ${batch}, learning rate ${lr}, patience ${patience}, seed ${seed}`
    const table = [...choices, ['settings', training] as const, ...rows]
    const width = Math.max(...table.map(([key]) => key.length))
    console.log(`${name}: ${description}`)
    for (const [key, value] of table) console.log(`  ${key.padEnd(width)}  ${value}`)
  },
  fold: (fold, folds, measured) => console.log(`Fold ${fold}/${folds}: ${scores(measured)}`),
  folds: (mean) => console.log(`Mean of the folds: ${scores(mean)}`),
  callback: () => progressBar(),
  done({ epochs, stopped }, measured, out) {
    const best = bestEpoch(epochs)
    const ended = stopped ? 'Ended early' : 'Ended'
    console.log(`${ended} after epoch ${epochs.length}; kept the weights of epoch ${best}.`)
    console.log(`Test: ${scores(measured)}`)
    console.log(`Saved ${join(out, 'model.safetensors')} and run.json. Try: glia predict ${out} <file>`)
  },
}

/** For programs. */
const jsonLines: Say = {
  start: ({ name }, { choices }, settings) => print({ event: 'start', recipe: name, choices, settings }),
  fold: (fold, folds, metrics) => print({ event: 'fold', fold, folds, metrics }),
  folds: (metrics) => print({ event: 'folds', metrics }),
  callback: () => ({
    onEpochEnd: ({ epoch, train, val, seconds }) => print({ event: 'epoch', epoch, train, val, seconds }),
  }),
  done: ({ epochs }, metrics, out) => print({ event: 'done', best: bestEpoch(epochs), metrics, out }),
}

function bestEpoch(epochs: History['epochs']): number {
  const losses = epochs.map(({ val }) => val?.loss ?? Number.POSITIVE_INFINITY)
  return losses.indexOf(Math.min(...losses)) + 1
}

function print(value: object): void {
  console.log(JSON.stringify(value))
}
