/** @file Losses between real numbers. Each takes a prediction and a target of one shape, `[…]`. */
import { checkNumber } from '../core/ranges.ts'
import type { TensorBase } from '../tensor/base.ts'
import { where } from '../tensor/elementwise.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { checkSame, type WeightedOptions, weighed } from './reduction.ts'

/** Squared error: (p − t)². */
export function mse(prediction: Tensor, target: TensorBase, options: WeightedOptions = {}): Tensor {
  checkSame('mse', prediction, target)
  return weighed(prediction.sub(target).square(), options)
}

/** Absolute error: |p − t|. */
export function l1(prediction: Tensor, target: TensorBase, options: WeightedOptions = {}): Tensor {
  checkSame('l1', prediction, target)
  return weighed(prediction.sub(target).abs(), options)
}

/** Absolute error, Keras's name. */
export const mae = l1

/** Squared error of logarithms: (log(1 + p) − log(1 + t))², for p and t above −1 where ratios matter. */
export function msle(prediction: Tensor, target: Tensor, options: WeightedOptions = {}): Tensor {
  checkSame('msle', prediction, target)
  return weighed(prediction.log1p().sub(target.log1p()).square(), options)
}

export interface HuberOptions extends WeightedOptions {
  /** Where the square turns into a line (default 1). */
  readonly delta?: number
}

/** Square near zero, straight beyond δ (Huber 1964): d²/2 where |d| ≤ δ, else δ (|d| − δ/2). */
export function huber(prediction: Tensor, target: TensorBase, options: HuberOptions = {}): Tensor {
  checkSame('huber', prediction, target)
  const { delta = 1 } = options
  checkNumber('huber', 'delta', delta, { above: 0 })
  const d = prediction.sub(target)
  const size = d.abs()
  return weighed(where(size.le(delta), d.square().mul(0.5), size.sub(delta / 2).mul(delta)), options)
}

export interface SmoothL1Options extends WeightedOptions {
  /** Where the square turns into a line (default 1); 0 gives `l1`. */
  readonly beta?: number
}

/** Huber's loss divided by β (Girshick 2015): d²/2β where |d| < β, else |d| − β/2. */
export function smoothL1(prediction: Tensor, target: TensorBase, options: SmoothL1Options = {}): Tensor {
  checkSame('smoothL1', prediction, target)
  const { beta = 1 } = options
  checkNumber('smoothL1', 'beta', beta, { min: 0 })
  if (beta === 0) return l1(prediction, target, options)
  const d = prediction.sub(target)
  const size = d.abs()
  return weighed(where(size.lt(beta), d.square().mul(0.5 / beta), size.sub(beta / 2)), options)
}

/** log cosh(p − t) = d + log(1 + e^−2d) − log 2, which does not overflow. */
export function logCosh(prediction: Tensor, target: TensorBase, options: WeightedOptions = {}): Tensor {
  checkSame('logCosh', prediction, target)
  const d = prediction.sub(target)
  return weighed(d.add(d.mul(-2).softplus()).sub(Math.LN2), options)
}
