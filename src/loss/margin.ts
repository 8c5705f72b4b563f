/** @file Losses that are content once the right answer leads by a margin. */
import { GliaError } from '../core/errors.ts'
import { checkNumber } from '../core/ranges.ts'
import { sameShape, showShape } from '../core/shape.ts'
import type { TensorBase } from '../tensor/base.ts'
import { where } from '../tensor/elementwise.ts'
import { arange } from '../tensor/factories.ts'
import type { Tensor } from '../tensor/tensor.ts'
import {
  checkSame,
  checkShape,
  type LossOptions,
  reduced,
  strictIndices,
  type WeightedOptions,
  weighed,
} from './reduction.ts'

export interface MarginOptions extends LossOptions {
  /** By how much the right answer must lead. */
  readonly margin?: number
}

function marginOf(operation: string, { margin = 1 }: MarginOptions): number {
  checkNumber(operation, 'margin', margin)
  return margin
}

/** Hinge loss (Cortes & Vapnik 1995): max(0, margin − y x), for scores x `[…]` and targets y = ±1 of the same shape. */
export function hinge(scores: Tensor, target: Tensor, options: MarginOptions & WeightedOptions = {}): Tensor {
  checkSame('hinge', scores, target)
  const losses = scores.mul(target).neg().add(marginOf('hinge', options)).relu()
  return weighed(losses, options)
}

/** Squared hinge: max(0, margin − y x)². */
export function squaredHinge(scores: Tensor, target: Tensor, options: MarginOptions & WeightedOptions = {}): Tensor {
  checkSame('squaredHinge', scores, target)
  const losses = scores.mul(target).neg().add(marginOf('squaredHinge', options)).relu()
  return weighed(losses.square(), options)
}

/** For distances x `[…]`: x where y = 1, max(0, margin − x) where y = −1. */
export function hingeEmbedding(distances: Tensor, target: Tensor, options: MarginOptions = {}): Tensor {
  checkSame('hingeEmbedding', distances, target)
  const apart = distances.neg().add(marginOf('hingeEmbedding', options)).relu()
  // As PyTorch: a target that is neither 1 nor −1 counts both.
  const losses = where(target.ne(1), apart, 0).add(where(target.ne(-1), distances, 0))
  return reduced(losses, options.reduction)
}

/** log(1 + e^(−y x)), for scores x `[…]` and targets y = ±1 of the same shape. */
export function softMargin(scores: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkSame('softMargin', scores, target)
  return reduced(scores.mul(target).neg().softplus(), options.reduction)
}

/** max(0, margin − y (a − b)): a shall rank above b where y = 1, below where y = −1. All `[…]`; margin 0 by default. */
export function marginRanking(a: Tensor, b: Tensor, target: Tensor, options: MarginOptions = {}): Tensor {
  checkSame('marginRanking', a, b)
  checkSame('marginRanking', a, target)
  const { margin = 0 } = options
  checkNumber('marginRanking', 'margin', margin)
  return reduced(a.sub(b).mul(target).neg().add(margin).relu(), options.reduction)
}

export interface MultiMarginOptions extends MarginOptions {
  /** 1 (the default) or 2: power of the shortfall. */
  readonly p?: 1 | 2
  /** Weight of each class, `[C]`. */
  readonly weight?: Tensor
}

/**
 * Hinge loss for several classes: Σ_{i ≠ y} w_y max(0, margin − x_y + x_i)ᵖ / C.
 *
 * @param scores `[B, C]`, or `[C]` for one example
 * @param target int32 class numbers `[B]`, or `[]`
 */
export function multiMargin(scores: Tensor, target: Tensor, options: MultiMarginOptions = {}): Tensor {
  const { p = 1, weight } = options
  const margin = marginOf('multiMargin', options)
  if (p !== 1 && p !== 2) throw new GliaError(`multiMargin: p must be 1 or 2; received ${String(p)}.`)
  checkShape('multiMargin', 'scores', scores, scores.rank === 1 || scores.rank === 2, '[B, C] or [C]')
  checkShape(
    'multiMargin',
    'target',
    target,
    sameShape(target.shape, scores.shape.slice(0, -1)),
    'class numbers, one per example',
  )
  const classes = scores.shape[scores.rank - 1]
  if (weight && !sameShape(weight.shape, [classes])) {
    throw new GliaError(`multiMargin: weight must be [${classes}], one per class; received ${showShape(weight.shape)}.`)
  }
  const isTarget = oneOf(strictIndices('multiMargin', target, classes).unsqueeze(-1), classes)
  const own = where(isTarget, scores, 0).sum(-1, { keepdim: true })
  const short = scores.sub(own).add(margin).relu()
  const losses = where(isTarget, 0, p === 2 ? short.square() : short)
  const shares = weight ? losses.mul(where(isTarget, weight, 0).sum(-1, { keepdim: true })) : losses
  return reduced(shares.sum(-1).div(classes), options.reduction)
}

/** Where the class counter equals the class numbers `[…, 1]`: bool `[…, C]`. */
function oneOf(numbers: Tensor, classes: number): Tensor {
  return numbers.eq(arange(classes, undefined, 1, { device: numbers.device }))
}

/**
 * Hinge loss for several right classes: Σ_{j right} Σ_{i wrong} max(0, 1 − (x_j − x_i)) / C.
 *
 * @param scores `[B, C]`, or `[C]`
 * @param target int32 of the scores' shape: the right classes, then −1; what follows the first −1 does not count
 */
export function multilabelMargin(scores: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  checkShape('multilabelMargin', 'scores', scores, scores.rank === 1 || scores.rank === 2, '[B, C] or [C]')
  checkSame('multilabelMargin', scores, target)
  const classes = scores.shape[scores.rank - 1]
  const ended = target.lt(0).int().cumsum(-1).gt(0)
  const numbers = strictIndices('multilabelMargin', where(ended, 0, target.int()), classes)
  // [B, j, C]: whether entry j of the list is class c.
  const named = oneOf(numbers.unsqueeze(-1), classes).and(ended.not().unsqueeze(-1))
  const right = named.any(-2)
  const listed = named.float().mul(scores.unsqueeze(-2)).sum(-1, { keepdim: true })
  const short = scores.unsqueeze(-2).sub(listed).add(1).relu()
  const counts = ended.not().unsqueeze(-1).and(right.not().unsqueeze(-2))
  return reduced(where(counts, short, 0).sum([-2, -1]).div(classes), options.reduction)
}

/**
 * Cross-entropy of each class as a question of its own: −Σ_c (y_c log σ(x_c) + (1 − y_c) log σ(−x_c)) / C.
 *
 * @param scores `[…, C]`
 * @param target 0 and 1, of the scores' shape
 * @param options.weight of each class, `[C]`
 */
export function multilabelSoftMargin(
  scores: Tensor,
  target: Tensor,
  options: LossOptions & { readonly weight?: TensorBase } = {},
): Tensor {
  checkSame('multilabelSoftMargin', scores, target)
  const y = target.cast(scores.dtype)
  // −y log σ(x) − (1 − y) log σ(−x) = (1 − y) x + log(1 + e^−x)
  const misses = y.neg().add(1).mul(scores).add(scores.neg().softplus())
  const losses = options.weight ? misses.mul(options.weight) : misses
  return reduced(losses.mean(-1), options.reduction)
}
