/** @file Losses for one class out of several. */

import { isFloat } from '../core/dtype.ts'
import { GliaError } from '../core/errors.ts'
import { checkNumber } from '../core/ranges.ts'
import { sameShape, showShape } from '../core/shape.ts'
import type { TensorBase } from '../tensor/base.ts'
import { where } from '../tensor/elementwise.ts'
import { arange } from '../tensor/factories.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type LossOptions, reduced, strictIndices } from './reduction.ts'

export interface NllOptions extends LossOptions {
  /** Weight of each class, `[C]`. The mean is then weighted too. */
  readonly weight?: Tensor
  /** Targets that do not count (default −100). */
  readonly ignoreIndex?: number
}

export interface CrossEntropyOptions extends NllOptions {
  /** Share of the target spread evenly over all classes (default 0; Szegedy et al. 2015). */
  readonly labelSmoothing?: number
}

/**
 * Cross-entropy of logits: −log softmax(logits)[target].
 *
 * @param logits `[B, C]`, or `[B, C, …]` with a class for each position (`[C]` for a single example)
 * @param target int32 class numbers `[B, …]`, or probabilities of the logits' shape
 * @returns one number, or `[B, …]` with `reduction: 'none'`
 * @throws GliaError if shapes do not fit or (when computed) a class number is not in [0, C)
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const { labelSmoothing = 0 } = options
  checkNumber('crossEntropy', 'labelSmoothing', labelSmoothing, { min: 0, max: 1 })
  const axis = classAxis('crossEntropy', logits)
  if (isFloat(target.dtype)) return ofProbabilities(logits, target, axis, options)
  const picked = pick('crossEntropy', logits, target, axis, options)
  const lse = logits.logsumexp(axis)
  const misses = lse.sub(picked.value)
  const hard = average(picked, picked.weigh(misses), options)
  if (labelSmoothing === 0) return hard
  // −Σ_c w_c log p_c = Σ_c w_c (lse − x_c)
  const spread = weighted(lse.unsqueeze(axis).sub(logits), options.weight, axis).sum(axis)
  const soft = average(picked, picked.count(spread), options)
  return hard.mul(1 - labelSmoothing).add(soft.mul(labelSmoothing / logits.shape[axis]))
}

/**
 * −logProbabilities[target]: cross-entropy after `logSoftmax`.
 *
 * @param logProbabilities `[B, C]` or `[B, C, …]`
 * @param target int32 class numbers `[B, …]`
 */
export function nll(logProbabilities: Tensor, target: Tensor, options: NllOptions = {}): Tensor {
  const picked = pick('nll', logProbabilities, target, classAxis('nll', logProbabilities), options)
  return average(picked, picked.weigh(picked.value.neg()), options)
}

function classAxis(operation: string, logits: TensorBase): number {
  const axis = logits.rank === 1 ? 0 : 1
  if (logits.rank > 0 && logits.shape[axis] > 0) return axis
  throw new GliaError(
    `${operation}: needs logits [B, C], [B, C, …] or [C] with C of at least 1; received ${showShape(logits.shape)}.`,
  )
}

export interface FocalOptions extends NllOptions {
  /** How strongly easy examples are played down (default 2); 0 gives `crossEntropy`. */
  readonly gamma?: number
}

/**
 * Focal loss for one class out of several (Lin et al. 2017): −w_y (1 − p_y)^γ log p_y, with p = softmax(logits). The mean
 * divides by the weights that count, as that of `crossEntropy`.
 *
 * @param logits `[B, C]`, `[B, C, …]`, or `[C]`
 * @param target int32 class numbers `[B, …]`
 */
export function focal(logits: Tensor, target: Tensor, options: FocalOptions = {}): Tensor {
  const { gamma = 2 } = options
  checkNumber('focal', 'gamma', gamma, { min: 0 })
  const axis = classAxis('focal', logits)
  const picked = pick('focal', logits.logSoftmax(axis), target, axis, options)
  const logP = picked.value
  // 1 − p, kept above 0 so that no power has an infinite slope.
  const miss = logP.expm1().neg().clamp(1e-12)
  return average(picked, picked.weigh(miss.pow(gamma).mul(logP).neg()), options)
}

function ofProbabilities(logits: Tensor, target: Tensor, axis: number, options: CrossEntropyOptions): Tensor {
  if (showShape(logits.shape) !== showShape(target.shape)) {
    throw new GliaError(
      `crossEntropy: a float target holds probabilities and needs the logits' shape ${showShape(logits.shape)}; received ` +
        `${showShape(target.shape)}. Class numbers must be int32: tensor(classes, { dtype: 'int32' }) or target.int().`,
    )
  }
  const { labelSmoothing = 0 } = options
  const classes = logits.shape[axis]
  const y = labelSmoothing === 0 ? target : target.mul(1 - labelSmoothing).add(labelSmoothing / classes)
  const losses = weighted(y.mul(logits.logSoftmax(axis)), options.weight, axis)
    .sum(axis)
    .neg()
  return reduced(losses, options.reduction)
}

/** `x` times the weight of each class. */
function weighted(x: Tensor, weight: Tensor | undefined, axis: number): Tensor {
  return weight ? x.mul(weight.reshape(x.shape.map((_, i) => (i === axis ? -1 : 1)))) : x
}

interface Picked {
  /** The entry of the target's class, `[B, …]`. */
  readonly value: Tensor
  /** Losses times the target's weight, 0 where the target is ignored. */
  weigh(losses: Tensor): Tensor
  /** Losses, 0 where the target is ignored. */
  count(losses: Tensor): Tensor
  /** Sum of the weights that count: what a mean divides by. */
  total(): Tensor
}

/** Compares with a counter and sums, rather than gathering: that fuses with what comes before and after. */
function pick(operation: string, x: Tensor, target: Tensor, axis: number, options: NllOptions): Picked {
  const { ignoreIndex = -100, weight } = options
  if (weight && !sameShape(weight.shape, [x.shape[axis]])) {
    throw new GliaError(
      `${operation}: weight must be [${x.shape[axis]}], one number per class; received ${showShape(weight.shape)}.`,
    )
  }
  const shape = x.shape.filter((_, i) => i !== axis)
  if (showShape(target.shape) !== showShape(shape) || isFloat(target.dtype)) {
    throw new GliaError(
      `${operation}: for logits ${showShape(x.shape)} the class numbers must be int32 ${showShape(shape)}; received ` +
        `${target.dtype} ${showShape(target.shape)}.`,
    )
  }
  const classes = x.shape[axis]
  const y = target.int()
  const counts = y.ne(ignoreIndex)
  const checked = strictIndices(operation, where(counts, y, 0), classes)
  const counter = arange(classes, undefined, 1, { device: x.device }).reshape(
    x.shape.map((_, i) => (i === axis ? classes : 1)),
  )
  const isTarget = checked.unsqueeze(axis).eq(counter)
  const count = (losses: Tensor): Tensor => where(counts, losses, 0)
  const share = weight && where(isTarget, weighted(isTarget.cast(weight.dtype), weight, axis), 0).sum(axis)
  return {
    value: where(isTarget, x, 0).sum(axis),
    count,
    weigh: (losses) => count(share ? losses.mul(share) : losses),
    total: () => count(share ?? counts.cast(x.dtype)).sum(),
  }
}

function average(picked: Picked, losses: Tensor, { reduction = 'mean' }: LossOptions): Tensor {
  if (losses.size === 0) return reduced(losses, reduction)
  return reduction === 'mean' ? losses.sum().div(picked.total()) : reduced(losses, reduction)
}
