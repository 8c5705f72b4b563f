/** @file Checkpoints: states of a training in a directory, of which the last and the best are kept, and going on from them. */

import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { GliaError } from '../core/errors.ts'
import { checkNumber } from '../core/ranges.ts'
import type { Callback, EpochInfo, TrainInfo } from '../train/callbacks.ts'
import { isMax, type Monitored, monitored } from '../train/monitor.ts'
import type { TrainingState } from '../train/state.ts'
import { decodeState, encodeState } from '../train/state-file.ts'
import { writeFileAtomic } from './files.ts'

export interface CheckpointOptions extends Monitored {
  /** Steps between two checkpoints, besides those after epochs and of a training that is aborted. Default: none. */
  readonly everySteps?: number
  /** Epochs between two checkpoints (default 1). */
  readonly everyEpochs?: number
  /** How many of the last are kept (default 3). The best is kept besides. */
  readonly keep?: number
  /** Told, in a sentence, when a checkpoint cannot be written; training goes on. Default: `console.warn`. */
  readonly report?: (message: string) => void
  /** Writes a file so that it is there completely or not at all. Default: `writeFileAtomic`. */
  readonly write?: (path: string, bytes: Uint8Array | string) => Promise<void>
}

const NAME = /^step-(\d{10})\.safetensors$/
/** What a process that was killed while it wrote leaves behind. */
const LEFT = /^\.(step-\d{10}\.safetensors|best\.json)\..*\.tmp$/
const BEST = 'best.json'

interface Best {
  readonly step: number
  readonly score: number
  readonly monitor: string
}

const nameOf = (step: number): string => `step-${String(step).padStart(10, '0')}.safetensors`

/**
 * A callback that saves the whole state of a training: weights, optimizer, schedule, random generators, position in the
 * data and history. `readCheckpoint` reads it for `fit`'s `resume`, which goes on as if nothing had happened.
 *
 * Each file is written beside its place, flushed to the disk and renamed; older ones are removed only then. A process may
 * be killed at any moment. A full disk is reported, and the last good checkpoint stays.
 *
 * To come last among the callbacks, so that what others note of an epoch is saved with it.
 *
 * @throws GliaError if the directory cannot be made, or an option makes no sense
 */
export function checkpoints(directory: string, options: CheckpointOptions = {}): Callback {
  return new Checkpoints(directory, options).callback
}

class Checkpoints {
  readonly #directory: string
  readonly #options: CheckpointOptions
  readonly #write: (path: string, bytes: Uint8Array | string) => Promise<void>
  #info: TrainInfo | null = null
  #best: Best | null = null
  readonly callback: Callback

  constructor(directory: string, options: CheckpointOptions) {
    const { everySteps = 1, everyEpochs = 1, keep = 3, write = writeFileAtomic } = options
    for (const [name, value] of Object.entries({ everySteps, everyEpochs, keep })) {
      checkNumber('checkpoints', name, value, { min: 1, whole: true })
    }
    this.#directory = directory
    this.#options = options
    this.#write = write
    this.callback = {
      onTrainBegin: (info) => this.#begin(info),
      onBatchEnd: ({ total }) => {
        const due = options.everySteps !== undefined && total % options.everySteps === 0
        return due ? this.#save() : undefined
      },
      onEpochEnd: (info) => this.#afterEpoch(info),
      onAbort: () => this.#save(),
    }
  }

  async #begin(info: TrainInfo): Promise<void> {
    this.#info = info
    await mkdir(this.#directory, { recursive: true }).catch((cause: unknown) => {
      throw new GliaError(`checkpoints: the directory ${this.#directory} cannot be made: ${messageOf(cause)}`, {
        cause,
      })
    })
    const names = await readdir(this.#directory)
    for (const name of names.filter((n) => LEFT.test(n))) await rm(join(this.#directory, name), { force: true })
    if (info.done === 0) {
      // Those of another run, from which nobody wants to go on.
      for (const name of names.filter((n) => NAME.test(n) || n === BEST)) await rm(join(this.#directory, name))
    }
    this.#best = info.done === 0 ? null : await readBest(this.#directory)
  }

  async #afterEpoch(info: EpochInfo): Promise<void> {
    const { everyEpochs = 1 } = this.#options
    const improved = this.#improved(info)
    const due = info.epoch % everyEpochs === 0 || info.epoch === info.epochs
    if (due || improved) await this.#save(improved)
  }

  /** The figure of an epoch that is better than all before, or null. */
  #improved(info: EpochInfo): Best | null {
    const monitor = this.#options.monitor ?? (info.val ? 'val.loss' : 'train.loss')
    if (monitor.startsWith('val.') && !info.val) return null
    const score = monitored('checkpoints', info, monitor)
    const sign = isMax({ ...this.#options, monitor }) ? -1 : 1
    const before = this.#best?.monitor === monitor ? sign * this.#best.score : Number.POSITIVE_INFINITY
    return sign * score < before ? { step: 0, score, monitor } : null
  }

  async #save(improved: Best | null = null): Promise<void> {
    const state = this.#info?.capture()
    if (!state) return
    const step = state.progress.steps
    try {
      await this.#write(join(this.#directory, nameOf(step)), encodeState(state))
      if (improved) {
        this.#best = { ...improved, step }
        await this.#write(join(this.#directory, BEST), JSON.stringify(this.#best))
      }
      await sync(this.#directory)
      await this.#prune()
    } catch (error) {
      const { report = console.warn } = this.#options
      const last = (await stepsIn(this.#directory).catch(() => [])).at(-1)
      const left = last === undefined ? 'there is no checkpoint so far' : `the last checkpoint is that of step ${last}`
      report(`The checkpoint of step ${step} was not saved: ${messageOf(error)} Training goes on; ${left}.`)
    }
  }

  async #prune(): Promise<void> {
    const { keep = 3 } = this.#options
    const old = (await stepsIn(this.#directory)).slice(0, -keep).filter((step) => step !== this.#best?.step)
    for (const step of old) await rm(join(this.#directory, nameOf(step)), { force: true })
  }
}

export interface ReadCheckpointOptions {
  /** The last (default), or the one with the best figure. */
  readonly which?: 'last' | 'best'
  /** Told of files that are damaged; the one before them is taken then. Default: `console.warn`. */
  readonly report?: (message: string) => void
}

/**
 * The state that a training saved in `directory`, null if there is none.
 *
 * @throws GliaError if there are checkpoints, but none that can be read
 */
export async function readCheckpoint(
  directory: string,
  { which = 'last', report = console.warn }: ReadCheckpointOptions = {},
): Promise<TrainingState | null> {
  const steps = await stepsIn(directory)
  if (steps.length === 0) return null
  const best = which === 'best' ? await readBest(directory) : null
  const order = best && steps.includes(best.step) ? [best.step] : steps.toReversed()
  const problems: string[] = []
  for (const step of order) {
    const path = join(directory, nameOf(step))
    try {
      const state = decodeState(await readFile(path))
      for (const problem of problems) report(problem)
      return state
    } catch (error) {
      problems.push(`${path} cannot be used: ${messageOf(error)}`)
    }
  }
  throw new GliaError(`There is no checkpoint to go on from: ${problems.join(' ')}`)
}

/** Steps that there are checkpoints of, in rising order. */
async function stepsIn(directory: string): Promise<number[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return []
    throw new GliaError(`${directory} cannot be read: ${messageOf(error)}`, { cause: error })
  })
  return names.flatMap((name) => (NAME.test(name) ? [Number(NAME.exec(name)?.[1])] : [])).sort((a, b) => a - b)
}

async function readBest(directory: string): Promise<Best | null> {
  try {
    const value = JSON.parse(await readFile(join(directory, BEST), 'utf8')) as Partial<Best>
    const { step, score, monitor } = value
    return typeof step === 'number' && typeof score === 'number' && typeof monitor === 'string'
      ? { step, score, monitor }
      : null
  } catch {
    // Without it, the next epoch counts as the best so far.
    return null
  }
}

/** Makes renames last through a power failure, where the system knows of such a thing. */
async function sync(directory: string): Promise<void> {
  const handle = await open(directory, 'r').catch(() => null)
  await handle?.sync().catch(() => {})
  await handle?.close()
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
