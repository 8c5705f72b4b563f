/** @file Matrix products. */
import { GliaError } from '../core/errors.ts'
import { broadcastShapes, showShape } from '../core/shape.ts'
import type { Node } from '../graph/node.ts'
import { ops } from '../graph/ops.ts'
import { apply, commonDtype } from './apply.ts'
import type { TensorBase } from './base.ts'
import type { Tensor } from './tensor.ts'

/**
 * Matrix product, as NumPy's and PyTorch's `matmul`: `[M, K] × [K, N] → [M, N]`; leading axes broadcast
 * (`[…, M, K] × […, K, N]`); a vector counts as one row (left) or one column (right), and that axis goes again.
 */
export function matmul(a: TensorBase, b: TensorBase): Tensor {
  const fail = (): never => {
    throw new GliaError(
      `matmul: received shapes ${showShape(a.shape)} and ${showShape(b.shape)}; both need at least one axis, and the last ` +
        'of the first must equal the last but one of the second (or its only one).',
    )
  }
  if (a.rank === 0 || b.rank === 0) fail()
  if (a.shape[a.rank - 1] !== b.shape[Math.max(b.rank - 2, 0)]) fail()
  return apply('matmul', [a, b], (x, y) => {
    const dtype = commonDtype(x, y)
    let p = ops.cast(x, dtype === 'bool' ? 'int32' : dtype)
    let q = ops.cast(y, dtype === 'bool' ? 'int32' : dtype)
    if (a.rank === 1) p = ops.reshape(p, [1, a.size])
    if (b.rank === 1) q = ops.reshape(q, [b.size, 1])
    const product = batched(p, q)
    const shape = [...product.shape]
    if (b.rank === 1) shape.pop()
    if (a.rank === 1) shape.splice(b.rank === 1 ? -1 : -2, 1)
    return ops.reshape(product, shape)
  })
}

function batched(p: Node, q: Node): Node {
  const [leadP, leadQ] = [p.shape.slice(0, -2), q.shape.slice(0, -2)]
  const [m, k] = p.shape.slice(-2)
  const n = q.shape[q.shape.length - 1]
  if (leadQ.length === 0 && leadP.length > 0) {
    // One matrix on the right: a single tall product.
    const rows = leadP.reduce((s, d) => s * d, m)
    return ops.reshape(ops.matmul(ops.reshape(p, [rows, k]), q), [...leadP, m, n])
  }
  const lead = broadcastShapes('matmul', leadP, leadQ)
  return ops.matmul(ops.broadcastTo(p, [...lead, m, k]), ops.broadcastTo(q, [...lead, k, n]))
}
