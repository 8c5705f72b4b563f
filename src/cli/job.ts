/** @file One training from the command line, whatever it learns: kept while it runs, saved, measured, drawn and diagnosed. */

import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { GliaError } from '../core/errors.ts'
import type { ArrayDataset } from '../data/dataset.ts'
import { writeFileAtomic } from '../node/files.ts'
import type { Optimizer, Schedule } from '../optim/index.ts'
import type { Device } from '../plan/device.ts'
import type { Parameter } from '../tensor/parameter.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { Callback, History } from '../train/callbacks.ts'
import { baselineLoss, diagnose } from '../train/diagnose/index.ts'
import { evaluate, type Loss } from '../train/evaluate.ts'
import { fit } from '../train/fit.ts'
import type { EpochMetric, Metric } from '../train/metrics.ts'
import { earlyStopping } from '../train/monitor.ts'
import type { TrainingState } from '../train/state.ts'
import { environment } from './environment.ts'
import type { Interruption } from './interrupt.ts'
import { type KeepOptions, keepRun } from './keep.ts'
import type { OutDirectory } from './out.ts'
import { version } from './program.ts'
import { drawCurves } from './report/curves.ts'
import { type Subject, writeReport } from './report/index.ts'
import { type FileRecord, type RunRecord, type RunSettings, saveRecord, saveRun } from './run.ts'
import type { Ending, Say } from './say.ts'
import { trainingStep } from './step.ts'

/** What recipes with data of their own, and tasks made of a user's file, have in common. */
export interface Learnable {
  /** What is reported, and decides when a training with patience ends. */
  readonly loss: Loss
  /** What is minimised, where that is more than the loss. */
  readonly objective?: Loss
  /** Changes training inputs at random, within the step. */
  readonly augment?: (x: Tensor) => Tensor
  readonly metrics: readonly (Metric | EpochMetric)[]
  optimizer(parameters: readonly Parameter[], lr: number): Optimizer
  schedule?(steps: number): Schedule
}

/** Settings of the training itself. */
export interface Settings {
  /** At most, where there is patience. */
  readonly epochs: number
  readonly batch: number
  readonly lr: number
  /** Epochs without improvement that end the training, which then keeps its best weights; absent: none do. */
  readonly patience?: number
  readonly seed: number
}

/** What is trained on and measured. Without patience, one set may serve as validation and test. */
export interface TrainingSets {
  readonly train: ArrayDataset
  readonly validation: ArrayDataset
  readonly test: ArrayDataset
}

export interface Job extends Omit<Subject, 'test' | 'batch'> {
  /** Name of the recipe. */
  readonly recipe: string
  readonly learnable: Learnable
  readonly sets: TrainingSets
  readonly settings: Settings
  /** Where the data come from: a path, or null for the recipe's own. */
  readonly data: string | null
  readonly limit: number | null
  readonly files?: FileRecord
  readonly baselines?: Ending['baselines']
  /** What the data were read without, one sentence each. */
  readonly skipped?: readonly string[]
  /** A command to go on with, for the run's directory. */
  readonly next: (out: string) => string
}

export interface JobOptions extends KeepOptions {
  readonly profile?: boolean
}

const SKIPPED = 'skipped.txt'

/** What is said of a training that was ended too soon to leave anything. */
export const TOO_EARLY = 'Interrupted before the training began; nothing was saved.'

/**
 * Trains, and leaves in `out` what the training came to.
 *
 * @throws Interrupted after saving, if the user ended it; GliaError if it cannot go on from where it was
 */
export async function runJob(
  job: Job,
  device: Device,
  out: OutDirectory,
  options: JobOptions,
  { signal, error }: Interruption,
  say: Say,
): Promise<void> {
  const { learnable, model, sets, settings } = job
  const digest = digestOf(sets)
  const record = recordOf(job, device, digest)
  const before = options.begun?.digest
  if (before !== undefined && before !== digest) throw new GliaError(changed(job.data, 'the run was begun'))
  const kept = await keepRun(out.path, record, options)
  const trained = await learn(job, { signal, callbacks: [say.callback(), ...kept.callbacks], state: kept.state }).catch(
    async (failure: unknown) => {
      await kept.drop()
      throw failure
    },
  )
  if (trained.steps === 0) {
    await kept.drop()
    throw error(TOO_EARLY)
  }
  const baseline = await baselineLoss(learnable.loss, sets.train)
  const best = settings.patience === undefined ? undefined : bestEpoch(trained)
  const history = {
    ...trained,
    ...(baseline === null ? {} : { baseline }),
    ...(best === undefined ? {} : { kept: best }),
  }
  const whole = { ...record, history }
  await saveRun(out.path, model, whole)
  const about = await drawCurves(out.path, history)
  if (job.skipped && job.skipped.length > 0) {
    await writeFileAtomic(join(out.path, SKIPPED), job.skipped.map((sentence) => `${sentence}\n`).join(''))
    about.push(SKIPPED)
  }
  if (signal.aborted && history.stopped) {
    const done = `${history.epochs.length} of ${settings.epochs} epochs`
    throw error(`Interrupted after ${history.steps} steps (${done} complete); saved in ${out.path}.`)
  }
  const scores = await measured(job, history)
  await saveRecord(out.path, { ...whole, test: scores })
  const { files } = await writeReport(out.path, { ...job, test: sets.test, batch: settings.batch })
  say.done({
    epochs: history.epochs,
    stopped: history.stopped,
    ...(best === undefined ? {} : { best }),
    measured: scores,
    baselines: job.baselines ?? [],
    findings: diagnose(history),
    out: out.path,
    files: [...about, ...files],
    next: job.next(out.path),
  })
  if (!options.profile) return
  // On the model itself, now that it is saved: a profile takes steps.
  const { batch, lr } = settings
  say.profile(trainingStep(learnable, model, sets.train, { batch, lr }, device).profile())
}

/** The training alone, back to its best weights where there is patience. */
export function learn(
  { learnable, model, sets, settings }: Pick<Job, 'learnable' | 'model' | 'sets' | 'settings'>,
  { signal, callbacks, state = null }: LearnOptions,
): Promise<History> {
  const { epochs, batch, lr, patience, seed } = settings
  const perEpoch = Math.ceil(sets.train.length / batch)
  const schedule = learnable.schedule?.(perEpoch * epochs)
  const { objective, augment } = learnable
  return fit(model, sets.train, {
    loss: learnable.loss,
    ...(objective ? { objective } : {}),
    ...(augment ? { augment } : {}),
    ...(schedule ? { schedule } : {}),
    optimizer: learnable.optimizer(model.parameters(), lr),
    metrics: learnable.metrics,
    validation: sets.validation,
    epochs,
    batchSize: batch,
    seed,
    // Those that write come last, so that what early stopping notes is saved too.
    callbacks: [...(patience === undefined ? [] : [earlyStopping(model, { patience })]), ...callbacks],
    // Twice an epoch, in batches that are full.
    watch: Math.max(1, Math.floor(perEpoch / 2)),
    ...(state ? { resume: state } : {}),
    signal,
  })
}

export interface LearnOptions {
  readonly signal: AbortSignal
  readonly callbacks: readonly Callback[]
  /** Where to go on. */
  readonly state?: TrainingState | null
}

/** On the test set: what the last validation said, where that is the same. */
async function measured({ learnable, model, sets, settings }: Job, { epochs }: History): Promise<RunScores> {
  const last = epochs.at(-1)?.val
  if (sets.test === sets.validation && settings.patience === undefined && last) return last
  const { loss, metrics } = learnable
  return evaluate(model, sets.test, { loss, metrics, batchSize: settings.batch })
}

type RunScores = NonNullable<RunRecord['test']>

/** From 1: the epoch of the least validation loss. */
function bestEpoch({ epochs }: History): number {
  const losses = epochs.map(({ val }) => val?.loss ?? Number.POSITIVE_INFINITY)
  return losses.indexOf(Math.min(...losses)) + 1
}

type NewRecord = Omit<RunRecord, 'format' | 'history'>

function recordOf({ recipe, settings, data, limit, classes, files }: Job, device: Device, digest: string): NewRecord {
  const { patience, ...others } = settings
  const computed: RunSettings = {
    ...others,
    ...(patience === undefined ? {} : { patience }),
    data,
    limit,
    target: device.name,
    threads: device.threads,
  }
  return {
    glia: version(),
    recipe,
    settings: computed,
    environment: environment(device),
    digest,
    classes,
    ...(files ? { files } : {}),
  }
}

/** A number that is another one if any example, or its place, is another one. */
export function digestOf(sets: TrainingSets): string {
  const hash = createHash('sha256')
  for (const set of new Set([sets.train, sets.validation, sets.test])) {
    for (const { data, shape } of [set.x, set.y]) {
      hash.update(`${set.length} ${shape.join()} ${data.constructor.name}\n`)
      hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    }
  }
  return hash.digest('hex').slice(0, 32)
}

/** What to say where data are not those that they were `when`. */
export function changed(data: string | null, when: string): string {
  if (data === null) return `The recipe's own data are not what they were when ${when}; train anew.`
  return (
    `${data} is not what it was when ${when}: its examples are others, or are divided in another way. ` +
    'Bring back what it was, or train anew.'
  )
}
