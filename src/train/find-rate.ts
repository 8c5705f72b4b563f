/** @file The learning-rate range test: one short training in which the rate grows until the loss does. */

import { checkNumber } from '../core/ranges.ts'
import type { Callback } from './callbacks.ts'
import type { Model } from './evaluate.ts'
import { fit } from './fit.ts'
import { NotFiniteError } from './not-finite.ts'
import { type FitOptions, optimizersOf } from './options.ts'
import type { TrainingData } from './source.ts'
import { captureTensors, generatorsOf, restoreTensors } from './state.ts'

export interface FindRateOptions
  extends Omit<FitOptions, 'schedule' | 'epochs' | 'maxSteps' | 'resume' | 'validateEvery' | 'watch' | 'locate'> {
  /** Rate of the first step (default 1e-7). */
  readonly from?: number
  /** Rate of the last step (default 10). */
  readonly to?: number
  /** Steps in all (default 100). */
  readonly steps?: number
}

export interface RateRange {
  /** The rate of each step taken. */
  readonly rates: readonly number[]
  /** Running average of the losses before these steps. */
  readonly losses: readonly number[]
  /** The rate at which the loss falls most steeply: a good one to train with. */
  readonly steepest: number
  /** The rate at which the loss is least; from a tenth of it on, training tends to be unstable. */
  readonly least: number
}

/** How much of the running average is kept at each step. */
const SMOOTH = 0.9
/** The test ends once the average is so many times its least value. */
const DIVERGED = 4

/**
 * Finds a learning rate (Smith 2017): trains for a few steps while the rate grows geometrically, until the loss blows up or
 * the steps are over. Weights, optimizer, rates and random generators are as before afterwards.
 *
 * @throws GliaError for rates and steps that make no sense, and what `fit` throws
 */
export async function findLearningRate(model: Model, data: TrainingData, options: FindRateOptions): Promise<RateRange> {
  const { from = 1e-7, to = 10, steps = 100, callbacks = [], ...rest } = options
  checkNumber('findLearningRate', 'from', from, { above: 0 })
  checkNumber('findLearningRate', 'to', to, { above: from })
  checkNumber('findLearningRate', 'steps', steps, { min: 10, whole: true })
  const optimizers = optimizersOf(options)
  const parts = { model, optimizers, ema: options.ema, generators: generatorsOf(options.generators), callbacks: [] }
  const tensors = captureTensors(parts)
  const draws = parts.generators.map((g) => g.state)
  const before = optimizers.map((o) => o.lr)
  const rateOf = (step: number): number => from * (to / from) ** (step / (steps - 1))
  const [rates, losses]: [number[], number[]] = [[], []]
  let average = 0
  const note: Callback = {
    onBatchEnd: ({ batchLoss, total, stop }) => {
      average = SMOOTH * average + (1 - SMOOTH) * batchLoss
      rates.push(rateOf(total - 1))
      losses.push(average / (1 - SMOOTH ** total))
      if ((losses.at(-1) ?? 0) > DIVERGED * Math.min(...losses)) stop()
    },
  }
  try {
    // Factors multiply the optimizer's own rates.
    for (const optimizer of optimizers) optimizer.lr = from
    const { validation: _, ...own } = rest
    await fit(model, data, {
      ...own,
      maxSteps: steps,
      schedule: (step) => rateOf(step) / from,
      callbacks: [...callbacks, note],
      locate: false,
    })
  } catch (error) {
    // A loss that is no number ends the test like one that is too large.
    if (!(error instanceof NotFiniteError) || losses.length < 3) throw error
  } finally {
    restoreTensors(parts, tensors)
    parts.generators.forEach((g, i) => {
      g.state = draws[i]
    })
    optimizers.forEach((o, i) => {
      o.lr = before[i]
    })
  }
  return { rates, losses, ...extremes(rates, losses) }
}

/** Where the losses fall most steeply against the logarithm of the rate, and where they are least. */
function extremes(rates: readonly number[], losses: readonly number[]): { steepest: number; least: number } {
  const least = losses.indexOf(Math.min(...losses))
  let steepest = 0
  let slope = Number.POSITIVE_INFINITY
  for (let i = 1; i < Math.max(2, least); i++) {
    const fall = (losses[i + 1] ?? losses[i]) - losses[i - 1]
    if (fall < slope) [slope, steepest] = [fall, i]
  }
  return { steepest: rates[steepest], least: rates[least] }
}
