/** @file What a training keeps in its run's directory while it runs, and how it goes on from there. */

import { readdir, rm, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { GliaError } from '../core/errors.ts'
import type { Chart } from '../lessons/figure.ts'
import { checkpoints, readCheckpoint } from '../node/checkpoints.ts'
import { METRICS, runLog } from '../node/run-log.ts'
import type { Callback, History } from '../train/callbacks.ts'
import type { TrainingState } from '../train/state.ts'
import { UsageError } from './failure.ts'
import { dropRecord, loadRecord, type RunRecord, saveRecord } from './run.ts'
import type { TrainOptions } from './train.ts'

const CHECKPOINTS = 'checkpoints'

/** To standard error, whatever the output's form. */
function warn(message: string): void {
  process.stderr.write(`glia: ${message}\n`)
}

export interface Kept {
  readonly callbacks: readonly Callback[]
  /** Where the run is to go on. */
  readonly state: TrainingState | null
  /** Removes everything, unless there is a checkpoint to go on from: nothing came of it. */
  drop(): Promise<void>
}

/** Has a training leave its record, its metrics and its checkpoints in `directory`. */
export async function keepRun(
  directory: string,
  record: Omit<RunRecord, 'format' | 'history'>,
  { resume, checkpointEvery }: Pick<TrainOptions, 'resume' | 'checkpointEvery'>,
): Promise<Kept> {
  const path = join(directory, CHECKPOINTS)
  const state = resume === undefined ? null : await readCheckpoint(path, { report: warn })
  // From the first moment on, so that a run that is killed can be resumed.
  const begin: Callback = {
    onTrainBegin: ({ done, history }) =>
      done > 0 ? undefined : saveRecord(directory, { ...record, history: history() }),
  }
  const every = checkpointEvery === undefined ? {} : { everySteps: checkpointEvery }
  return {
    callbacks: [begin, runLog(directory, { report: warn }), checkpoints(path, { ...every, report: warn })],
    state,
    drop: async () => {
      const left = await readdir(path).catch(() => [])
      if (resume !== undefined || left.some((name) => name.startsWith('step-'))) return
      await dropRecord(directory)
      const logs = (await readdir(directory)).filter(
        (name) => name === METRICS || name.startsWith('events.out.tfevents.'),
      )
      for (const name of logs) await rm(join(directory, name), { force: true })
      await rmdir(path).catch(() => {})
    },
  }
}

/**
 * The options that a run was begun with.
 * @throws UsageError if the run is another recipe's, or one of `given` says something else
 */
export async function resumedOptions(run: string, recipe: string, given: TrainOptions): Promise<TrainOptions> {
  const record = await loadRecord(run)
  if (record.recipe !== recipe) {
    throw new UsageError(
      `${run} is a run of ${record.recipe}, not of ${recipe}; try glia train ${record.recipe} --resume ${run}.`,
    )
  }
  const { epochs, batch, lr, seed, data, limit, target, threads } = record.settings
  const before = { epochs, batch, lr, seed, data: data ?? undefined, limit: limit ?? undefined }
  for (const [name, value] of Object.entries(before)) {
    const now = given[name as keyof typeof before]
    if (now === undefined || now === value) continue
    throw new UsageError(
      `${run} was begun with --${name} ${value ?? 'by default'}; leave --${name} ${now} out to resume it.`,
    )
  }
  if (given.out !== undefined) throw new UsageError('A resumed run stays where it is; leave --out out.')
  const kept = Object.fromEntries(Object.entries(before).filter(([, value]) => value !== undefined))
  return { target: target as NonNullable<TrainOptions['target']>, threads, ...given, ...kept }
}

/** Draws losses and metrics over the epochs as `curves.svg`, if the packages that draw are installed. */
export async function drawCurves(directory: string, { epochs }: History): Promise<void> {
  if (epochs.length < 2) return
  const x = epochs.map((e) => e.epoch)
  const parts = Object.keys(epochs[0].train).map((name): Chart => {
    const validated = epochs.filter((e) => e.val)
    const lines = [
      { name: 'training', x, y: epochs.map((e) => e.train[name]) },
      { name: 'validation', x: validated.map((e) => e.epoch), y: validated.map((e) => e.val?.[name] ?? Number.NaN) },
    ]
    const marks = lines.filter((l) => l.x.length > 0).map((l) => ({ mark: 'line' as const, ...l }))
    return { title: name, x: { title: 'epoch' }, y: { title: name }, marks }
  })
  const { drawSvg } = await import('../lessons/draw.ts')
  try {
    await writeFile(join(directory, 'curves.svg'), await drawSvg({ name: 'curves', figure: { parts } }))
  } catch (error) {
    // Vega-Lite is not installed: a run is complete without its picture.
    if (!(error instanceof GliaError))
      warn(`curves.svg was not written: ${error instanceof Error ? error.message : error}`)
  }
}
