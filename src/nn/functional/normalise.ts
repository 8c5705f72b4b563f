/** @file Normalisation: elements minus their mean, divided by their standard deviation, over some axes. */
import type { CustomVjp } from '../../graph/node.ts'
import { ops } from '../../graph/ops.ts'
import { apply, applyAll } from '../../tensor/apply.ts'
import type { TensorBase } from '../../tensor/base.ts'
import { countOf } from '../../tensor/reduce.ts'
import type { Tensor } from '../../tensor/tensor.ts'

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
export function batchNormTrain(x: TensorBase, weight: TensorBase, bias: TensorBase, eps: number): Normalised {
  const axes = x.shape.flatMap((_, i) => (i === 1 ? [] : [i]))
  const count = countOf(x, axes)
  const column = x.shape.map((d, i) => (i === 1 ? d : 1))
  const [y, mean, variance] = applyAll('batchNorm', [x, weight, bias], (n, w, b) => {
    const mean = ops.div(ops.reduceSum(n, axes, true), count)
    const centred = ops.sub(n, mean)
    const variance = ops.div(ops.reduceSum(ops.mul(centred, centred), axes, true), count)
    const rstd = ops.div(1, ops.sqrt(ops.add(variance, eps)))
    const xhat = ops.mul(centred, rstd)
    const value = ops.add(ops.mul(xhat, ops.reshape(w, column)), ops.reshape(b, column))
    const channels = [x.shape[1]]
    const vjp: CustomVjp = (g, self) => {
      const [, , scale, , xhat, rstd] = self.inputs
      const sum = ops.reduceSum(g, axes, true)
      const product = ops.reduceSum(ops.mul(g, xhat), axes, true)
      const inner = ops.sub(ops.sub(g, ops.div(sum, count)), ops.mul(xhat, ops.div(product, count)))
      const dx = ops.mul(ops.mul(inner, rstd), ops.reshape(scale, column))
      return [dx, ops.reshape(product, channels), ops.reshape(sum, channels), null, null]
    }
    // x̂ and 1/σ ride along for the gradient rule; no gradient flows to them.
    const result = ops.alias([value, n, w, b, xhat, rstd], { name: 'batchNorm', vjp })
    return [result, ops.reshape(mean, channels), ops.reshape(variance, channels)]
  })
  return { y, mean: mean.detach(), variance: variance.detach() }
}

/** As `batchNormTrain`, with given statistics `[C]`. */
export function batchNormEval(
  x: TensorBase,
  mean: TensorBase,
  variance: TensorBase,
  weight: TensorBase,
  bias: TensorBase,
  eps: number,
): Tensor {
  const column = x.shape.map((d, i) => (i === 1 ? d : 1))
  return apply('batchNorm', [x, mean, variance, weight, bias], (n, m, v, w, b) => {
    const factor = ops.div(w, ops.sqrt(ops.add(v, eps)))
    const offset = ops.sub(b, ops.mul(m, factor))
    return ops.add(ops.mul(n, ops.reshape(factor, column)), ops.reshape(offset, column))
  })
}
