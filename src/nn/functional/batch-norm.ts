/** @file Batch normalisation (Ioffe & Szegedy 2015): statistics per channel over the batch. */
import type { CustomVjp } from '../../graph/node.ts'
import { ops } from '../../graph/ops.ts'
import { apply, applyAll } from '../../tensor/apply.ts'
import type { TensorBase } from '../../tensor/base.ts'
import { countOf } from '../../tensor/reduce.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { affine, columnOf, moments, present, standardised } from './normalise.ts'

export interface Normalised {
  readonly y: Tensor
  /** Mean and mean square deviation, `[C]`: constants as far as gradients are concerned. */
  readonly mean: Tensor
  readonly variance: Tensor
}

/**
 * `(x − mean) / √(variance + ε) · weight + bias` per channel of `[B, C, …]`, with the statistics of this batch.
 *
 * Gradient (Ioffe & Szegedy 2015): w / σ · (g − mean(g) − x̂ mean(g x̂)).
 */
export function batchNormTrain(
  x: TensorBase,
  weight: TensorBase | null,
  bias: TensorBase | null,
  eps = 1e-5,
): Normalised {
  const axes = x.shape.flatMap((_, i) => (i === 1 ? [] : [i]))
  const count = countOf(x, axes)
  const channels = [x.shape[1]]
  const column = columnOf(x)
  const { inputs, pick } = present(x, weight, bias)
  const [y, mean, variance] = applyAll('batchNorm', inputs, (n, ...rest) => {
    const [w, b] = pick(rest)
    const { mean, centred, variance } = moments(n, axes)
    const statistics = [ops.reshape(mean, channels), ops.reshape(variance, channels)]
    if (!w || !b) return [affine(standardised(n, axes, eps), column, w, b), ...statistics]
    const rstd = ops.div(1, ops.sqrt(ops.add(variance, eps)))
    const xhat = ops.mul(centred, rstd)
    // One rule for all three, so that the sums serve the gradients of weight and bias, too.
    const vjp: CustomVjp = (g, self) => {
      const [, , scale, , xhat, rstd] = self.inputs
      const sum = ops.reduceSum(g, axes, true)
      const product = ops.reduceSum(ops.mul(g, xhat), axes, true)
      const inner = ops.sub(ops.sub(g, ops.div(sum, count)), ops.mul(xhat, ops.div(product, count)))
      const dx = ops.mul(ops.mul(inner, rstd), ops.reshape(scale, column))
      return [dx, ops.reshape(product, channels), ops.reshape(sum, channels), null, null]
    }
    // x̂ and 1/σ ride along for the gradient rule; no gradient flows to them.
    const result = ops.alias([affine(xhat, column, w, b), n, w, b, xhat, rstd], { name: 'batchNorm', vjp })
    return [result, ...statistics]
  })
  return { y, mean: mean.detach(), variance: variance.detach() }
}

/** As `batchNormTrain`, with given statistics `[C]`. */
export function batchNormEval(
  x: TensorBase,
  mean: TensorBase,
  variance: TensorBase,
  weight: TensorBase | null,
  bias: TensorBase | null,
  eps = 1e-5,
): Tensor {
  const { inputs, pick } = present(x, weight, bias)
  return apply('batchNorm', [mean, variance, ...inputs], (m, v, n, ...rest) => {
    const [w, b] = pick(rest)
    const root = ops.sqrt(ops.add(v, eps))
    const factor = w ? ops.div(w, root) : ops.div(1, root)
    const shift = ops.mul(m, factor)
    return affine(n, columnOf(x), factor, b ? ops.sub(b, shift) : ops.neg(shift))
  })
}
