/** @file Dropout: elements or channels set to zero at random. */
import { GliaError } from '../../core/errors.ts'
import { type Shape, showShape } from '../../core/shape.ts'
import { ops } from '../../graph/ops.ts'
import { apply } from '../../tensor/apply.ts'
import type { TensorBase } from '../../tensor/base.ts'
import { bernoulli, type RandomOptions } from '../../tensor/random.ts'
import type { Tensor } from '../../tensor/tensor.ts'

/** Zeros with probability `p`, the rest scaled by 1 / (1 − p), so that the mean stays (Srivastava et al. 2014). */
export function dropout(x: TensorBase, p = 0.5, options: RandomOptions = {}): Tensor {
  return dropped('dropout', x, x.shape, p, options)
}

/** As `dropout`, but whole channels of `[B, C, …]` at once (Tompson et al. 2015). */
export function channelDropout(x: TensorBase, p = 0.5, options: RandomOptions = {}): Tensor {
  return dropped('channelDropout', x, channelsOf('channelDropout', x), p, options)
}

function checkRate(operation: string, p: number): void {
  if (!(p >= 0 && p <= 1)) throw new GliaError(`${operation}: p must lie in [0, 1]; received ${p}.`)
}

/** One per channel: `[B, C, 1, …]`. */
function channelsOf(operation: string, x: TensorBase): number[] {
  if (x.rank < 2) throw new GliaError(`${operation}: expects [B, C, …]; received ${showShape(x.shape)}.`)
  return x.shape.map((d, i) => (i < 2 ? d : 1))
}

function dropped(operation: string, x: TensorBase, mask: Shape, p: number, options: RandomOptions): Tensor {
  checkRate(operation, p)
  const keep = bernoulli(1 - p, mask, { ...options, device: x.device })
  return apply(operation, [x, keep], (n, k) =>
    ops.select(k, ops.mul(n, p < 1 ? 1 / (1 - p) : 0), ops.constant(0, n.dtype)),
  )
}

/** What SELU tends to for x → −∞: −λ α. */
const saturation = -1.7580993408473766

/**
 * Dropout for SELU networks (Klambauer et al. 2017): elements become SELU's lower limit with probability `p`, and an
 * affine map keeps mean 0 and variance 1.
 */
export function alphaDropout(x: TensorBase, p = 0.5, options: RandomOptions = {}): Tensor {
  return saturated('alphaDropout', x, x.shape, p, options)
}

/** As `alphaDropout`, but whole channels of `[B, C, …]` at once. */
export function featureAlphaDropout(x: TensorBase, p = 0.5, options: RandomOptions = {}): Tensor {
  return saturated('featureAlphaDropout', x, channelsOf('featureAlphaDropout', x), p, options)
}

function saturated(operation: string, x: TensorBase, mask: Shape, p: number, options: RandomOptions): Tensor {
  checkRate(operation, p)
  const keep = bernoulli(1 - p, mask, { ...options, device: x.device })
  // Everything dropped is 0, not the limit of the affine map, as in PyTorch.
  const a = p < 1 ? 1 / Math.sqrt((1 - p) * (1 + p * saturation ** 2)) : 0
  const b = -a * saturation * p
  return apply(operation, [x, keep], (n, k) => ops.add(ops.mul(ops.select(k, n, saturation), a), b))
}
