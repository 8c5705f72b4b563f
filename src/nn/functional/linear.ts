/** @file Matrix products with a weight. */
import { GliaError } from '../../core/errors.ts'
import { sameShape, showShape, sizeOf } from '../../core/shape.ts'
import { ops } from '../../graph/ops.ts'
import { apply } from '../../tensor/apply.ts'
import type { TensorBase } from '../../tensor/base.ts'
import type { Tensor } from '../../tensor/tensor.ts'

/** `x Wᵀ + b`: `[…, in] × [out, in] → […, out]`. */
export function linear(x: TensorBase, weight: TensorBase, bias: TensorBase | null = null): Tensor {
  const [out, features] = weight.shape
  checkWeight('linear', weight, 2, out, bias)
  if (x.rank === 0 || x.shape[x.rank - 1] !== features) {
    throw new GliaError(
      `linear: expects an input whose last axis has ${features} entries (weight ${showShape(weight.shape)}); received ${showShape(x.shape)}.`,
    )
  }
  const lead = x.shape.slice(0, -1)
  return apply('linear', bias ? [x, weight, bias] : [x, weight], (n, w, b) => {
    const y = ops.matmul(ops.reshape(n, [sizeOf(lead), features]), ops.transpose(w))
    return ops.reshape(b ? ops.add(y, b) : y, [...lead, out])
  })
}

/** `y[o] = x₁ᵀ W[o] x₂ + b[o]`: `[…, in₁], […, in₂] × [out, in₁, in₂] → […, out]`. */
export function bilinear(a: Tensor, b: Tensor, weight: Tensor, bias: TensorBase | null = null): Tensor {
  const [out, p, q] = weight.shape
  checkWeight('bilinear', weight, 3, out, bias)
  const lead = a.shape.slice(0, -1)
  const fits = a.rank > 0 && a.shape.at(-1) === p && b.shape.at(-1) === q && sameShape(lead, b.shape.slice(0, -1))
  if (!fits) {
    throw new GliaError(
      `bilinear: a weight ${showShape(weight.shape)} takes […, ${p}] and […, ${q}] with equal leading axes; received ` +
        `${showShape(a.shape)} and ${showShape(b.shape)}.`,
    )
  }
  const rows = sizeOf(lead)
  const half = a.reshape([rows, p]).matmul(weight.permute([1, 0, 2]).reshape([p, out * q]))
  const y = half
    .reshape([rows, out, q])
    .mul(b.reshape([rows, 1, q]))
    .sum(2)
  return (bias ? y.add(bias) : y).reshape([...lead, out])
}

function checkWeight(
  operation: string,
  weight: TensorBase,
  rank: number,
  outputs: number,
  bias: TensorBase | null,
): void {
  const fits = weight.rank === rank && (bias === null || sameShape(bias.shape, [outputs]))
  if (fits) return
  throw new GliaError(
    `${operation}: the weight must have ${rank} axes and the bias one entry per output; received weight ` +
      `${showShape(weight.shape)}${bias ? `, bias ${showShape(bias.shape)}` : ''}.`,
  )
}
