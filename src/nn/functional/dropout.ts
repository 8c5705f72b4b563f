/** @file Dropout: elements or channels set to zero at random. */
import { GliaError } from '../../core/errors.ts'
import { ops } from '../../graph/ops.ts'
import { apply } from '../../tensor/apply.ts'
import type { TensorBase } from '../../tensor/base.ts'
import { bernoulli, type RandomOptions } from '../../tensor/random.ts'
import type { Tensor } from '../../tensor/tensor.ts'

/** Zeros with probability `p`, the rest scaled by 1 / (1 − p), so that the mean stays (Srivastava et al. 2014). */
export function dropout(x: TensorBase, p = 0.5, options: RandomOptions = {}): Tensor {
  if (!(p >= 0 && p <= 1)) throw new GliaError(`dropout: p must lie in [0, 1]; received ${p}.`)
  const keep = bernoulli(1 - p, x.shape, { ...options, device: x.device })
  return apply('dropout', [x, keep], (n, k) =>
    ops.select(k, ops.mul(n, p < 1 ? 1 / (1 - p) : 0), ops.constant(0, n.dtype)),
  )
}
