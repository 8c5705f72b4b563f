/** @file Least squares, pseudoinverses, ranks and condition numbers. */
import { GliaError } from '../core/errors.ts'
import type { HostFunction, Node } from '../graph/node.ts'
import { ops } from '../graph/ops.ts'
import { apply, toFloat } from '../tensor/apply.ts'
import type { TensorBase } from '../tensor/base.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { qrNodes, svdvals } from './factor.ts'
import { batchOf, call, checkMatrix, matrixAt, multiply, outputOf, sides, transpose, which } from './matrices.ts'
import { type MatrixOrder, matrixNorm } from './norms.ts'
import { factorSvd } from './orthogonal.ts'
import { inv, triangularNode, withRows } from './solve.ts'

/**
 * X that minimises ‖A X − B‖, of several the one of least norm: `[…, m, n]` and `[…, m, k]` (or vectors `[…, m]`) →
 * `[…, n, k]`. By QR, for matrices of full rank.
 * @throws GliaError (when computed) for matrices that are not of full rank: `pinv(A).matmul(B)` serves them
 */
export function lstsq(a: TensorBase, b: TensorBase): Tensor {
  checkMatrix('lstsq', a)
  const [m, n] = sides(a)
  return withRows('lstsq', a, b, (p, q) => {
    if (m >= n) {
      const [orthogonal, r] = qrNodes(p)
      return triangularNode(r, ops.matmul(transpose(orthogonal), q), true, false, true)
    }
    const [orthogonal, r] = qrNodes(transpose(p))
    return ops.matmul(orthogonal, triangularNode(transpose(r), q, false, false, true))
  })
}

const pseudoinverse: HostFunction = {
  name: 'pinv',
  run: ([a, cut], [y]) => {
    const [m, n] = sides(a)
    const k = Math.min(m, n)
    for (let b = 0; b < batchOf(a); b++) {
      const { u, s, v, converged } = factorSvd(matrixAt(a, b), m, n)
      if (!converged) throw new GliaError(`pinv: ${which(a, b)} holds NaN, infinities or numbers too large.`)
      const least = cut.data[0] * (s[0] ?? 0)
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < m; j++) {
          let sum = 0
          for (let l = 0; l < k; l++) if (s[l] > least) sum += (v[i * k + l] * u[j * k + l]) / s[l]
          y.data[(b * n + i) * m + j] = sum
        }
      }
    }
  },
  // Golub & Pereyra 1973.
  vjp: ([g], node) => {
    if (!g) return [null, null]
    const [a] = node.inputs
    const p = outputOf(node, 0)
    const [pt, gt] = [transpose(p), transpose(g)]
    const left = multiply(gt, p, pt)
    const right = multiply(pt, p, gt)
    const fromLeft = ops.sub(left, multiply(a, p, left))
    const fromRight = ops.sub(right, multiply(right, p, a))
    return [ops.add(ops.sub(fromLeft, multiply(pt, g, pt)), fromRight), null]
  },
}

export interface RankOptions {
  /** Singular values up to this share of the greatest count as 0 (default: max(m, n) · 2⁻²³). */
  readonly rtol?: number
}

function cutoff(a: TensorBase, { rtol }: RankOptions): number {
  return rtol ?? Math.max(...sides(a)) * 2 ** -23
}

/** The pseudoinverse of Moore and Penrose: `[…, m, n]` → `[…, n, m]`. */
export function pinv(a: TensorBase, options: RankOptions = {}): Tensor {
  checkMatrix('pinv', a)
  return apply('pinv', [a], (n) => {
    const x = toFloat(n)
    const shape = [...x.shape.slice(0, -2), ...sides(x).reverse()]
    return call(pseudoinverse, [x, ops.constant(cutoff(a, options), x.dtype)], [shape])[0]
  })
}

/** int32: how many singular values are not 0: `[…, m, n]` → `[…]`. */
export function matrixRank(a: TensorBase, options: RankOptions = {}): Tensor {
  checkMatrix('matrixRank', a)
  const s = svdvals(a.requiresGrad ? detached(a) : a)
  if (s.size === 0) return s.gt(0).sum(-1)
  return s.gt(s.max(-1, { keepdim: true }).mul(cutoff(a, options))).sum(-1)
}

function detached(a: TensorBase): Tensor {
  return apply('matrixRank', [a], (n: Node) => n).detach()
}

/** Condition number ‖A‖ ‖A⁻¹‖ by the norm of `order` (default 2: greatest over least singular value): `[…, m, n]` → `[…]`. */
export function cond(a: TensorBase, order: MatrixOrder = 2): Tensor {
  checkMatrix('cond', a)
  if (order === 2 || order === -2) {
    const s = svdvals(a)
    const ratio = s.select(-1, 0).div(s.select(-1, -1))
    return order === 2 ? ratio : ratio.reciprocal()
  }
  return matrixNorm(a, order).mul(matrixNorm(inv(a), order))
}
