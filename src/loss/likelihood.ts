/** @file Negative log-likelihoods of counts and of normal variables. */
import { GliaError } from '../core/errors.ts'
import { checkNumber } from '../core/ranges.ts'
import { sameShape, showShape } from '../core/shape.ts'
import { where } from '../tensor/elementwise.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { checkSame, type LossOptions, reduced } from './reduction.ts'

export interface PoissonNllOptions extends LossOptions {
  /** Whether the prediction is the logarithm of the rate (default true) or the rate. */
  readonly logInput?: boolean
  /** Whether to add Stirling's approximation of log t! for t > 1 (default false). */
  readonly full?: boolean
  /** Added to a rate before its logarithm is taken (default 1e-8). */
  readonly eps?: number
}

/** Counts t of a Poisson variable: λ − t log λ, with the prediction x = log λ or x = λ. Prediction and target `[…]`. */
export function poissonNll(prediction: Tensor, target: Tensor, options: PoissonNllOptions = {}): Tensor {
  checkSame('poissonNll', prediction, target)
  const { logInput = true, full = false, eps = 1e-8 } = options
  checkNumber('poissonNll', 'eps', eps, { min: 0 })
  const t = target.cast(prediction.dtype)
  const losses = logInput ? prediction.exp().sub(t.mul(prediction)) : prediction.sub(t.mul(prediction.add(eps).log()))
  if (!full) return reduced(losses, options.reduction)
  const large = t.gt(1)
  const safe = where(large, t, 1)
  // t log t − t + log(2πt)/2
  const stirling = safe
    .log()
    .mul(safe)
    .sub(safe)
    .add(
      safe
        .mul(2 * Math.PI)
        .log()
        .mul(0.5),
    )
  return reduced(losses.add(where(large, stirling, 0)), options.reduction)
}

export interface GaussianNllOptions extends LossOptions {
  /** Whether to add log(2π)/2 (default false). */
  readonly full?: boolean
  /** The least variance that counts (default 1e-6); gradients flow as if it were not limited. */
  readonly eps?: number
}

/**
 * A normal variable with predicted mean and variance (Nix & Weigend 1994): (log σ² + (μ − t)² / σ²) / 2.
 *
 * @param mean `[…]`
 * @param target the mean's shape
 * @param variance σ², the mean's shape, or that with a last extent of 1, or without the last axis
 */
export function gaussianNll(mean: Tensor, target: Tensor, variance: Tensor, options: GaussianNllOptions = {}): Tensor {
  checkSame('gaussianNll', mean, target)
  const { full = false, eps = 1e-6 } = options
  checkNumber('gaussianNll', 'eps', eps, { above: 0 })
  const v = fitted(mean, variance)
  const kept = v.add(v.detach().clamp(eps).sub(v.detach()))
  const losses = kept
    .log()
    .add(mean.sub(target).square().div(kept))
    .mul(0.5)
    .add(full ? 0.5 * Math.log(2 * Math.PI) : 0)
  return reduced(losses, options.reduction)
}

function fitted(mean: Tensor, variance: Tensor): Tensor {
  const wide = sameShape(variance.shape, mean.shape.slice(0, -1)) ? variance.unsqueeze(-1) : variance
  if (sameShape(variance.shape, mean.shape) || sameShape(wide.shape, [...mean.shape.slice(0, -1), 1])) return wide
  throw new GliaError(
    `gaussianNll: the variance must have the mean's shape ${showShape(mean.shape)}, or that with one entry (or none) in place ` +
      `of the last axis; received ${showShape(variance.shape)}.`,
  )
}
