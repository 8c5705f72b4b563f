/** @file What `fit` can be told, and what it refuses. */

import { GliaError } from '../core/errors.ts'
import { checkNumber } from '../core/ranges.ts'
import { showShape } from '../core/shape.ts'
import type { ArrayDataset } from '../data/dataset.ts'
import type { EMA } from '../optim/ema.ts'
import type { Generator } from '../tensor/random.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { checkCount, checkDataset } from './batches.ts'
import type { Callback } from './callbacks.ts'
import type { TrainControl } from './control.ts'
import type { Loss } from './evaluate.ts'
import type { EpochMetric, Metric } from './metrics.ts'
import { isArrays, isLoader, type Loader, type SourceOptions, type TrainingData } from './source.ts'
import type { TrainingState } from './state.ts'

/** What `fit` needs of an optimizer. */
export interface Minimizer {
  /** Learning rate of the next step. */
  lr: number
  /** Where parameters have learning rates of their own: a schedule multiplies each, and may set momenta. */
  readonly groups?: readonly { lr: number; momentum?: number | null }[]
  /** Gradients of the loss, and one update with them. */
  minimize(loss: Tensor): void
  /** Forgets the gradients. With `step`, needed to accumulate or clip them, and where there are several optimizers. */
  zeroGrad?(): void
  /** One update with the gradients that there are. */
  step?(): void
  /** Everything that a resumed run needs, by name. Needed for checkpoints. */
  stateDict?(): Record<string, Tensor>
  /** Takes over what `stateDict` gave. */
  loadStateDict?(dict: Readonly<Record<string, Tensor>>): void
}

/** Limits to gradients, applied before the update: first to each element, then to the norm of all. */
export interface Clip {
  /** Greatest common norm of all gradients (Pascanu et al. 2013). */
  readonly norm?: number
  /** Greatest magnitude of any element. */
  readonly value?: number
}

/** Factor on learning rates at a step, counted from 0, of all steps; and, if it says so, the momentum. */
export type FitSchedule = ((step: number, steps: number) => number) & { readonly momentum?: (step: number) => number }

/** What a step of one's own returns: the loss to report first, and whatever else is to be reported, each one number. */
export type StepFigures = { readonly loss: Tensor; readonly [name: string]: Tensor }

export interface FitOptions {
  /** From outputs and targets to one number, such as `crossEntropy`. `combine` makes one of several. */
  readonly loss: Loss
  /** What is minimised, where that is more than the loss: with label smoothing or a penalty. Default: `loss`. */
  readonly objective?: Loss
  /** Several may be given (as for adversaries that `step` trains in turn): rates of all follow the schedule. */
  readonly optimizer: Minimizer | readonly Minimizer[]
  /**
   * A step of one's own, in place of forward pass, `loss` and update: it takes a batch's inputs and targets, updates what
   * it wants, and returns what is to be reported. Compiled like the usual step.
   */
  readonly step?: (x: Tensor, y: Tensor) => StepFigures
  /** Changes the inputs of training steps, at random from the default generator, say. Not used in validation. */
  readonly augment?: (x: Tensor) => Tensor
  /** Measured after every epoch; of a loader its first epoch, every time. */
  readonly validation?: ArrayDataset | Loader
  /** Measure the validation set also after every so many steps; the results are in the history's `checks`. */
  readonly validateEvery?: number
  /** Times that the training set is gone through; 1 by default, or as many as `maxSteps` needs. */
  readonly epochs?: number
  /**
   * Steps in an epoch, for data that is too long or endless, such as a stream: the next epoch goes on where this one ended,
   * and the data begins anew whenever it is through. Default: an epoch is the whole of the data.
   */
  readonly stepsPerEpoch?: number
  /** Steps after which training ends, even within an epoch, which is then measured and recorded like others. */
  readonly maxSteps?: number
  /** Examples per step, 32 by default. This, `shuffle`, `seed` and `dropLast` are a loader's own affair where it is given. */
  readonly batchSize?: number
  /** Parts of equal size that a batch is computed in, one after the other, to save memory; 1 by default. */
  readonly accumulate?: number
  /** Limits to the gradients. */
  readonly clip?: Clip
  /** Averages of the weights, moved after every step; validation measures them instead of the weights. */
  readonly ema?: EMA
  /** Another order in every epoch (default true). */
  readonly shuffle?: boolean
  /** Of the order; 0 by default. Weights and dropout follow from `manualSeed`. */
  readonly seed?: number
  /** Leave out an epoch's last batch if it is smaller than the others (default false). */
  readonly dropLast?: boolean
  /**
   * Factor on the optimizer's learning rate at a step, counted from 0, of all steps. Default: always 1. Schedules of
   * `glia/optim` that move momentum, too, do so here.
   */
  readonly schedule?: FitSchedule
  /** Beside the loss. Default: accuracy where the targets are class numbers. See `overEpoch` for those of `glia/metrics`. */
  readonly metrics?: readonly (Metric | EpochMetric)[]
  readonly callbacks?: readonly Callback[]
  /** Every so many steps, note gradients, updates and silent units layer by layer in the history's `layers`. Default: never. */
  readonly watch?: number
  /** When aborted, training ends after the step at hand; history and weights are kept. */
  readonly signal?: AbortSignal
  /** Pauses and continues the training. */
  readonly control?: TrainControl
  /** What an earlier training had come to: it goes on exactly there. Data and options must be those it had. */
  readonly resume?: TrainingState
  /** Random generators to be saved and resumed beside the default one. */
  readonly generators?: readonly Generator[]
  /**
   * When the loss is no longer finite, find out which operation began it, by repeating the last steps (default true).
   * Costs a copy of weights and optimizer state in host memory, renewed now and then.
   */
  readonly locate?: boolean
  /** Record the step once and replay it (default true); false for debugging. */
  readonly compile?: boolean
}

/** The optimizers as a list. */
export function optimizersOf({ optimizer }: Pick<FitOptions, 'optimizer'>): readonly Minimizer[] {
  return isList(optimizer) ? optimizer : [optimizer]
}

function isList(optimizer: Minimizer | readonly Minimizer[]): optimizer is readonly Minimizer[] {
  return Array.isArray(optimizer)
}

/**
 * How the data is cut into batches: as the loader says, or the options.
 *
 * @throws GliaError if both say something
 */
export function batchingOf(data: TrainingData, options: FitOptions): SourceOptions {
  const { batchSize = 32, shuffle = true, seed = 0, dropLast = false } = options
  if (!isLoader(data)) return { batchSize, shuffle, seed, dropLast }
  const given = (['batchSize', 'shuffle', 'seed', 'dropLast'] as const).filter((name) => options[name] !== undefined)
  if (given.length === 0) return data.setup
  throw new GliaError(
    `fit: received ${given.join(', ')} beside a DataLoader, which decides that; pass it to the loader.`,
  )
}

/** @throws GliaError if the schedule wants to know the number of steps, but nobody does */
export function checkSchedule(schedule: FitSchedule | undefined, total: number): void {
  if (!schedule || schedule.length < 2 || Number.isFinite(total)) return
  throw new GliaError(
    'fit: the schedule asks for the number of steps, which is unknown for data of unknown length. Pass maxSteps, or ' +
      'stepsPerEpoch and epochs.',
  )
}

/** @throws GliaError if an option makes no sense, alone or beside the others */
export function checkOptions(data: TrainingData, options: FitOptions, batchSize: number): void {
  const { epochs = 1, maxSteps = 1, validateEvery = 1, watch = 1, accumulate = 1, dropLast = false, seed = 0 } = options
  const dataset = isArrays(data) ? data : null
  if (dataset) checkDataset('fit', 'training set', dataset)
  checkCount('fit', 'epochs', epochs)
  checkCount('fit', 'maxSteps', maxSteps)
  checkCount('fit', 'stepsPerEpoch', options.stepsPerEpoch ?? 1)
  checkCount('fit', 'validateEvery', validateEvery)
  checkCount('fit', 'watch', watch)
  checkCount('fit', 'batchSize', batchSize)
  checkCount('fit', 'accumulate', accumulate)
  if (accumulate > batchSize) {
    throw new GliaError(`fit: a batch of ${batchSize} cannot be divided into ${accumulate} parts. Use fewer parts.`)
  }
  if (!Number.isSafeInteger(seed)) throw new GliaError(`fit: seed must be a whole number; received ${seed}.`)
  checkOptimizers(options, accumulate)
  if (dataset && dropLast && dataset.length < batchSize) {
    throw new GliaError(
      `fit: with dropLast, ${dataset.length} examples make no batch of ${batchSize}. Use a smaller batchSize.`,
    )
  }
  if (options.validateEvery !== undefined && !options.validation) {
    throw new GliaError(
      `fit: validateEvery (${validateEvery}) needs a validation set; pass validation, or leave it out.`,
    )
  }
  if (options.validation && isArrays(options.validation)) checkValidation(dataset, options.validation)
}

function checkOptimizers(options: FitOptions, accumulate: number): void {
  const optimizers = optimizersOf(options)
  if (optimizers.length === 0) throw new GliaError('fit: received an empty list of optimizers; pass at least one.')
  for (const { lr } of optimizers) {
    if (Number.isFinite(lr) && lr >= 0) continue
    throw new GliaError(`fit: the optimizer's learning rate must be a number of at least 0; received ${lr}.`)
  }
  const { norm, value } = options.clip ?? {}
  for (const [name, limit] of Object.entries({ norm, value })) {
    if (limit !== undefined) checkNumber('fit', `clip.${name}`, limit, { above: 0 })
  }
  const own = { accumulate: accumulate > 1, clip: options.clip, objective: options.objective, augment: options.augment }
  const useless = Object.entries(own).flatMap(([name, given]) => (given ? [name] : []))
  if (options.step && useless.length > 0) {
    throw new GliaError(`fit: a step of one's own leaves no use for ${useless.join(' and ')}; do that within the step.`)
  }
  const apart = accumulate > 1 || options.clip !== undefined || optimizers.length > 1
  if (!options.step && apart && optimizers.some((o) => !o.zeroGrad || !o.step)) {
    throw new GliaError(
      'fit: accumulating or clipping gradients, or several optimizers, need optimizers with zeroGrad() and step().',
    )
  }
}

function checkValidation(data: ArrayDataset | null, validation: ArrayDataset): void {
  checkDataset('fit', 'validation set', validation)
  if (!data) return
  for (const key of ['x', 'y'] as const) {
    const [a, b] = [data[key].shape, validation[key].shape]
    if (showShape(a) === showShape(b)) continue
    throw new GliaError(
      `fit: the training set's ${key} has examples of shape ${showShape(a)}, the validation set's ${showShape(b)}; they must be alike.`,
    )
  }
}
