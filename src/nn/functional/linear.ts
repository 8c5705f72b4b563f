/** @file Matrix products with a weight, and rows of a table. */
import { GliaError } from '../../core/errors.ts'
import { showShape } from '../../core/shape.ts'
import { ops } from '../../graph/ops.ts'
import { apply } from '../../tensor/apply.ts'
import type { TensorBase } from '../../tensor/base.ts'
import { where } from '../../tensor/elementwise.ts'
import { indexSelect } from '../../tensor/indexing.ts'
import type { Tensor } from '../../tensor/tensor.ts'

/** `x Wᵀ + b`: `[…, in] × [out, in] → […, out]`. */
export function linear(x: TensorBase, weight: TensorBase, bias: TensorBase | null = null): Tensor {
  const [out, features] = weight.shape
  if (x.rank === 0 || x.shape[x.rank - 1] !== features) {
    throw new GliaError(
      `linear: expects an input whose last axis has ${features} entries (weight ${showShape(weight.shape)}); received ${showShape(x.shape)}.`,
    )
  }
  return apply('linear', bias ? [x, weight, bias] : [x, weight], (n, w, b) => {
    const rows = ops.reshape(n, [x.size / features, features])
    const y = ops.matmul(rows, ops.transpose(w))
    return ops.reshape(b ? ops.add(y, b) : y, [...x.shape.slice(0, -1), out])
  })
}

/** Rows of a table: int32 indices I into `[N, D]` → `[…I, D]`. The gradient of row `paddingIdx` stays zero. */
export function embedding(indices: TensorBase, weight: TensorBase, paddingIdx: number | null = null): Tensor {
  const rows = indexSelect(weight, 0, indices, 'embedding')
  if (paddingIdx === null) return rows
  const isPadding = apply('embedding', [indices], (i) => ops.reshape(ops.eq(i, paddingIdx), [...i.shape, 1]))
  return where(isPadding, rows.detach(), rows)
}
