/** @file What losses share: how the losses of all elements become one number. */
import { GliaError } from '../core/errors.ts'
import { sameShape, showShape } from '../core/shape.ts'
import type { TensorBase } from '../tensor/base.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** `mean` (the default), `sum`, or `none` for the losses one by one. */
export type Reduction = 'mean' | 'sum' | 'none'

export interface LossOptions {
  /** Default `mean`. */
  readonly reduction?: Reduction
}

export function reduced(losses: Tensor, reduction: Reduction = 'mean'): Tensor {
  if (reduction === 'none') return losses
  return reduction === 'sum' ? losses.sum() : losses.mean()
}

/** @throws GliaError if shapes differ: broadcasting here hides mistakes such as `[B, 1]` against `[B]` */
export function checkSame(operation: string, prediction: TensorBase, target: TensorBase): void {
  if (sameShape(prediction.shape, target.shape)) return
  throw new GliaError(
    `${operation}: prediction ${showShape(prediction.shape)} and target ${showShape(target.shape)} must have one shape. Reshape or ` +
      'squeeze one of them.',
  )
}
