/** @file What losses share: how the losses of all elements become one number, and checks of what they are given. */
import { isFloat } from '../core/dtype.ts'
import { GliaError } from '../core/errors.ts'
import { sameShape, showShape } from '../core/shape.ts'
import { ops } from '../graph/ops.ts'
import { unary } from '../tensor/apply.ts'
import type { TensorBase } from '../tensor/base.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** `mean` (the default), `sum`, or `none` for the losses one by one. */
export type Reduction = 'mean' | 'sum' | 'none'

export interface LossOptions {
  /** Default `mean`. */
  readonly reduction?: Reduction
}

export interface WeightedOptions extends LossOptions {
  /** Weight of each element's loss; broadcasts. The mean still divides by the number of elements. */
  readonly weight?: TensorBase
}

/**
 * The losses as they are, their sum or their mean.
 * @throws GliaError for an unknown reduction, and for the mean of no losses
 */
export function reduced(losses: Tensor, reduction: Reduction = 'mean'): Tensor {
  if (reduction === 'none') return losses
  if (reduction === 'sum') return losses.sum()
  if (reduction !== 'mean') {
    throw new GliaError(`loss: reduction must be 'mean', 'sum' or 'none'; received ${String(reduction)}.`)
  }
  if (losses.size === 0) {
    throw new GliaError(
      `loss: an empty batch (losses ${showShape(losses.shape)}) has no mean; leave it out, or use { reduction: 'sum' }.`,
    )
  }
  return losses.mean()
}

/** `reduced` of the losses times their weights. */
export function weighed(losses: Tensor, { weight, reduction }: WeightedOptions): Tensor {
  return reduced(weight ? losses.mul(weight) : losses, reduction)
}

/** @throws GliaError if shapes differ: broadcasting here hides mistakes such as `[B, 1]` against `[B]` */
export function checkSame(operation: string, prediction: TensorBase, target: TensorBase): void {
  if (sameShape(prediction.shape, target.shape)) return
  throw new GliaError(
    `${operation}: prediction ${showShape(prediction.shape)} and target ${showShape(target.shape)} must have one shape. Reshape or ` +
      'squeeze one of them.',
  )
}

/** @throws GliaError unless `x` has the shape that the operation needs, given in words */
export function checkShape(operation: string, what: string, x: TensorBase, fits: boolean, needs: string): void {
  if (!fits) throw new GliaError(`${operation}: ${what} must be ${needs}; received ${x.dtype} ${showShape(x.shape)}.`)
}

/** int32 numbers, each from 0 to `extent` − 1. @throws GliaError if they are floats or (when computed) out of range */
export function strictIndices(operation: string, indices: Tensor, extent: number): Tensor {
  if (isFloat(indices.dtype)) {
    throw new GliaError(`${operation}: class numbers must be int32; received ${indices.dtype}. Cast them with int().`)
  }
  // bound lets negative numbers count from the end; here they are mistakes.
  return unary(operation, indices.int(), (n) =>
    ops.bound(ops.select(ops.lt(n, 0), ops.sub(n, extent), n), extent, operation),
  )
}
