/** @file What a training keeps in its run's directory while it runs, and how it goes on from there. */

import { readdir, rm, rmdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { checkpoints, readCheckpoint } from '../node/checkpoints.ts'
import { METRICS, runLog } from '../node/run-log.ts'
import type { Callback } from '../train/callbacks.ts'
import type { TrainingState } from '../train/state.ts'
import { UsageError, warn } from './failure.ts'
import { dropRecord, loadRecord, type RunRecord, saveRecord } from './run.ts'
import type { Target } from './values.ts'

const CHECKPOINTS = 'checkpoints'

export interface KeepOptions {
  /** Steps between checkpoints, besides those after epochs. */
  readonly checkpointEvery?: number
  /** What is known of the run to go on with. */
  readonly begun?: RunRecord
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
  { begun, checkpointEvery }: KeepOptions,
): Promise<Kept> {
  const path = join(directory, CHECKPOINTS)
  const state = begun ? await readCheckpoint(path, { report: warn }) : null
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
      if (begun || left.some((name) => name.startsWith('step-'))) return
      await dropRecord(directory)
      const logs = (await readdir(directory)).filter(
        (name) => name === METRICS || name.startsWith('events.out.tfevents.'),
      )
      for (const name of logs) await rm(join(directory, name), { force: true })
      await rmdir(path).catch(() => {})
    },
  }
}

/** What a person may say again, or not at all, when resuming. */
interface Sayable {
  readonly data?: string
  readonly out?: string
}

/**
 * What is known of the run to resume.
 *
 * @throws UsageError if it is another recipe's
 */
export async function begunRun(run: string, recipe: string): Promise<RunRecord> {
  const record = await loadRecord(run)
  if (record.recipe === recipe) return record
  throw new UsageError(
    `${run} is a run of ${record.recipe}, not of ${recipe}; try glia train ${record.recipe} --resume ${run}.`,
  )
}

/**
 * `given`, completed by what a run was begun with.
 *
 * @param before options that must be the same, undefined for those that were not given
 * @throws UsageError if one of `given` says something else
 */
export function resumedOptions<T extends Sayable>(run: string, given: T, before: Readonly<Record<string, unknown>>): T {
  for (const [name, now] of Object.entries(given)) {
    if (!Object.hasOwn(before, name) || now === undefined) continue
    const value = before[name]
    const same = name === 'data' && typeof value === 'string' ? resolve(String(now)) === resolve(value) : now === value
    if (same) continue
    const option = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
    throw new UsageError(
      `${run} was begun with ${option} ${value ?? 'by default'}; leave ${option} ${now} out to resume it.`,
    )
  }
  if (given.out !== undefined) throw new UsageError('A resumed run stays where it is; leave --out out.')
  return { ...given, ...Object.fromEntries(Object.entries(before).filter(([, value]) => value !== undefined)) }
}

/** What a run was computed on; another choice may be made, which gives other bits. */
export function computedOn({ settings }: RunRecord): { readonly target: Target; readonly threads: number } {
  return { target: settings.target as Target, threads: settings.threads }
}
