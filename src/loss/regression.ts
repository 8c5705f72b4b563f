/** @file Losses between real numbers. Each takes a prediction and a target of one shape. */
import type { TensorBase } from '../tensor/base.ts'
import { where } from '../tensor/elementwise.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { checkSame, type LossOptions, reduced } from './reduction.ts'

/** Squared error: (p − t)². */
export function mse(prediction: Tensor, target: TensorBase, options: LossOptions = {}): Tensor {
  checkSame('mse', prediction, target)
  return reduced(prediction.sub(target).square(), options.reduction)
}

/** Absolute error: |p − t|. */
export function l1(prediction: Tensor, target: TensorBase, options: LossOptions = {}): Tensor {
  checkSame('l1', prediction, target)
  return reduced(prediction.sub(target).abs(), options.reduction)
}

/** Absolute error, Keras's name. */
export const mae = l1

export interface HuberOptions extends LossOptions {
  /** Where the square turns into a line (default 1). */
  readonly delta?: number
}

/** Square near zero, straight beyond δ (Huber 1964): d²/2 where |d| ≤ δ, else δ (|d| − δ/2). */
export function huber(prediction: Tensor, target: TensorBase, options: HuberOptions = {}): Tensor {
  checkSame('huber', prediction, target)
  const { delta = 1 } = options
  const d = prediction.sub(target)
  const size = d.abs()
  const losses = where(size.le(delta), d.square().mul(0.5), size.sub(delta / 2).mul(delta))
  return reduced(losses, options.reduction)
}
