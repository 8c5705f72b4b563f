/** @file Norms of matrices and of vectors. */
import { GliaError } from '../core/errors.ts'
import { apply, toFloat } from '../tensor/apply.ts'
import type { TensorBase } from '../tensor/base.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { svdvals } from './factor.ts'
import { checkMatrix } from './matrices.ts'

/** `fro`: root of the sum of squares; `nuc`: sum of singular values; ±2: greatest, least; ±1: columns' sums; ±∞: rows'. */
export type MatrixOrder = 'fro' | 'nuc' | number

/**
 * Norms of matrices: `[…, m, n]` → `[…]`. Norms of vectors are `Tensor.norm`.
 * @throws GliaError for another order
 */
export function matrixNorm(a: TensorBase, order: MatrixOrder = 'fro'): Tensor {
  checkMatrix('matrixNorm', a)
  const x = apply('matrixNorm', [a], (n) => toFloat(n))
  switch (order) {
    case 'fro':
      return x.norm(2, [-2, -1])
    case 'nuc':
      return svdvals(x).sum(-1)
    case 2:
      return svdvals(x).max(-1)
    case -2:
      return svdvals(x).min(-1)
    case 1:
      return x.abs().sum(-2).max(-1)
    case -1:
      return x.abs().sum(-2).min(-1)
    case Infinity:
      return x.abs().sum(-1).max(-1)
    case -Infinity:
      return x.abs().sum(-1).min(-1)
    default:
      throw new GliaError(`matrixNorm: the order must be 'fro', 'nuc', ±1, ±2 or ±Infinity; received ${order}.`)
  }
}
