/** @file Factorisations: Cholesky, QR, eigenvalues of symmetric matrices, singular values. All in float64. */
import { GliaError } from '../core/errors.ts'
import type { HostFunction, Node } from '../graph/node.ts'
import { ops } from '../graph/ops.ts'
import { apply, applyAll, toFloat } from '../tensor/apply.ts'
import type { TensorBase } from '../tensor/base.ts'
import type { Tensor } from '../tensor/tensor.ts'
import {
  batchOf,
  call,
  checkMatrix,
  checkSquare,
  matrixAt,
  multiply,
  onDiagonal,
  orZeros,
  outputOf,
  scaleColumns,
  scaleRows,
  sides,
  transpose,
  triangle,
  unit,
  which,
} from './matrices.ts'
import { factorQr, factorSvd } from './orthogonal.ts'
import { triangularNode } from './solve.ts'
import { symmetricEigen } from './symmetric.ts'

const choleskyFactor: HostFunction = {
  name: 'cholesky',
  run: ([a], [y]) => {
    const [n] = sides(a)
    for (let b = 0; b < batchOf(a); b++) {
      const l = matrixAt(a, b)
      for (let j = 0; j < n; j++) {
        for (let i = j; i < n; i++) {
          let sum = l[i * n + j]
          for (let k = 0; k < j; k++) sum -= l[i * n + k] * l[j * n + k]
          if (i > j) l[i * n + j] = sum / l[j * n + j]
          else if (sum > 0) l[j * n + j] = Math.sqrt(sum)
          else {
            throw new GliaError(
              `cholesky: ${which(a, b)} is not positive definite: its leading minor of order ${j + 1} is not. Add a ` +
                'small multiple of the unit matrix, or use linalg.eigh.',
            )
          }
        }
        for (let i = 0; i < j; i++) l[i * n + j] = 0
      }
      y.data.set(l, b * n * n)
    }
  },
  // L⁻ᵀ Φ(Lᵀ g) L⁻¹, symmetric, with Φ the lower triangle with half the diagonal (Murray 2016).
  vjp: ([g], node) => {
    if (!g) return [null]
    const l = outputOf(node, 0)
    const n = l.shape[l.shape.length - 1]
    const half = ops.sub(1, ops.mul(unit(n, l.dtype), 0.5))
    const phi = ops.mul(triangle(ops.matmul(transpose(l), g), false), half)
    const left = triangularNode(transpose(l), phi, true)
    const both = transpose(triangularNode(transpose(l), transpose(left), true))
    return [ops.mul(ops.add(both, transpose(both)), 0.5)]
  },
}

/**
 * L of A = L Lᵀ, lower triangular: `[…, n, n]` → `[…, n, n]`; with `upper` U of A = Uᵀ U. Only the lower triangle of A is
 * looked at; the gradient is symmetric.
 * @throws GliaError (when computed) for a matrix that is not positive definite
 */
export function cholesky(a: TensorBase, options: { readonly upper?: boolean } = {}): Tensor {
  checkSquare('cholesky', a)
  return apply('cholesky', [a], (n) => {
    const x = options.upper ? transpose(toFloat(n)) : toFloat(n)
    const [l] = call(choleskyFactor, [x], [x.shape])
    return options.upper ? transpose(l) : l
  })
}

const qrFactors: HostFunction = {
  name: 'qr',
  run: ([a], [q, r]) => {
    const [m, n] = sides(a)
    const columns = sides(r)[0]
    for (let i = 0; i < batchOf(a); i++) {
      const factors = factorQr(matrixAt(a, i), m, n, columns)
      q.data.set(factors.q, i * m * columns)
      r.data.set(factors.r, i * columns * n)
    }
  },
  vjp: ([gq, gr], node) => {
    if (!gq && !gr) return [null]
    const [q, r] = [outputOf(node, 0), outputOf(node, 1)]
    const [m, k] = sides(q)
    const n = sides(r)[1]
    if (k > n) {
      throw new GliaError(
        `qr: complete factors of ${m} × ${n} matrices have no gradient: columns of Q beyond the ${n}th are not ` +
          'determined. Use the mode reduced.',
      )
    }
    if (k === n) return [qrGradient(q, r, orZeros(gq, q), orZeros(gr, r))]
    // A = [X Y] with X square: Q and the first part of R are X's factors, and Y = Q V.
    const lead = r.shape.slice(0, -2)
    const cut = (x: Node, from: number, to: number): Node =>
      ops.slice(x, [...lead.map(() => 0), 0, from], [...lead, sides(x)[0], to - from])
    const g = orZeros(gr, r)
    const gv = cut(g, k, n)
    const fromY = ops.matmul(cut(node.inputs[0], k, n), transpose(gv))
    const gx = qrGradient(q, cut(r, 0, k), gq ? ops.add(gq, fromY) : fromY, cut(g, 0, k))
    return [ops.concat([gx, ops.matmul(q, gv)], gx.shape.length - 1)]
  },
}

/** (gQ + Q sym(M)) R⁻ᵀ with M = R gRᵀ − gQᵀ Q, whose lower triangle is mirrored (Walter & Lehmann 2010). */
function qrGradient(q: Node, r: Node, gq: Node, gr: Node): Node {
  const m = ops.sub(ops.matmul(r, transpose(gr)), ops.matmul(transpose(gq), q))
  const mirrored = ops.add(triangle(m, false), transpose(triangle(m, false, true)))
  const right = ops.add(gq, ops.matmul(q, mirrored))
  return transpose(triangularNode(r, transpose(right), true))
}

export interface QrOptions {
  /** `reduced`: Q `[…, m, k]`, R `[…, k, n]` with k = min(m, n), the default; `complete`: k = m. */
  readonly mode?: 'reduced' | 'complete'
}

export function qrNodes(a: Node, complete = false): [q: Node, r: Node] {
  const lead = a.shape.slice(0, -2)
  const [m, n] = sides(a)
  const k = complete ? m : Math.min(m, n)
  const [q, r] = call(
    qrFactors,
    [a],
    [
      [...lead, m, k],
      [...lead, k, n],
    ],
  )
  return [q, r]
}

/** A = Q R with orthonormal columns in Q and an upper triangular R, signs as LAPACK's: `[…, m, n]`. */
export function qr(a: TensorBase, options: QrOptions = {}): { Q: Tensor; R: Tensor } {
  checkMatrix('qr', a)
  const [Q, R] = applyAll('qr', [a], (n) => qrNodes(toFloat(n), options.mode === 'complete'))
  return { Q, R }
}

/** The shared refusal of matrices with NaN or infinities. */
function checkConverged(operation: string, converged: boolean, name: string): void {
  if (converged) return
  throw new GliaError(`${operation}: ${name} has no decomposition: it holds NaN, infinities or numbers too large.`)
}

const eigen: HostFunction = {
  name: 'eigh',
  run: ([a], [values, vectors]) => {
    const [n] = sides(a)
    for (let i = 0; i < batchOf(a); i++) {
      const found = symmetricEigen(matrixAt(a, i), n)
      checkConverged('eigh', found.converged, which(a, i))
      values.data.set(found.values, i * n)
      vectors.data.set(found.vectors, i * n * n)
    }
  },
  // V (diag(gλ) + Vᵀ gV / (λⱼ − λᵢ)) Vᵀ
  vjp: ([gl, gv], node) => {
    if (!gl && !gv) return [null]
    const [l, v] = [outputOf(node, 0), outputOf(node, 1)]
    const inner: Node[] = []
    if (gl) inner.push(onDiagonal(gl))
    if (gv) inner.push(overGaps(ops.matmul(transpose(v), gv), l))
    return [
      multiply(
        v,
        inner.reduce((x, y) => ops.add(x, y)),
        transpose(v),
      ),
    ]
  },
}

/** Elements (i, j) divided by dⱼ − dᵢ, 0 on the diagonal. */
function overGaps(x: Node, d: Node): Node {
  const n = d.shape[d.shape.length - 1]
  const lead = d.shape.slice(0, -1)
  const gaps = ops.sub(ops.reshape(d, [...lead, 1, n]), ops.reshape(d, [...lead, n, 1]))
  const diagonal = ops.broadcastTo(ops.cast(unit(n, d.dtype), 'bool'), gaps.shape)
  return ops.select(diagonal, 0, ops.div(x, ops.select(diagonal, 1, gaps)))
}

/**
 * Eigenvalues, ascending, `[…, n]`, and eigenvectors, as columns `[…, n, n]`, of symmetric matrices, of which only the
 * lower triangle is looked at. The gradient of the vectors needs different eigenvalues; their signs are arbitrary.
 * @throws GliaError (when computed) for NaN and infinities
 */
export function eigh(a: TensorBase): { eigenvalues: Tensor; eigenvectors: Tensor } {
  checkSquare('eigh', a)
  const [eigenvalues, eigenvectors] = applyAll('eigh', [a], (n) =>
    call(eigen, [toFloat(n)], [n.shape.slice(0, -1), n.shape]),
  )
  return { eigenvalues, eigenvectors }
}

/** The eigenvalues of `eigh` alone. */
export function eigvalsh(a: TensorBase): Tensor {
  return eigh(a).eigenvalues
}

const singular: HostFunction = {
  name: 'svd',
  run: ([a], [u, s, vh]) => {
    const [m, n] = sides(a)
    const k = Math.min(m, n)
    for (let b = 0; b < batchOf(a); b++) {
      const found = factorSvd(matrixAt(a, b), m, n)
      checkConverged('svd', found.converged, which(a, b))
      u.data.set(found.u, b * m * k)
      s.data.set(found.s, b * k)
      for (let i = 0; i < k; i++) for (let j = 0; j < n; j++) vh.data[(b * k + i) * n + j] = found.v[j * k + i]
    }
  },
  vjp: ([gu, gs, gvh], node) => {
    if (!gu && !gs && !gvh) return [null]
    const [u, s, vh] = [0, 1, 2].map((i) => outputOf(node, i))
    const square = ops.mul(s, s)
    const skew = (x: Node): Node => ops.sub(x, transpose(x))
    const inner: Node[] = []
    if (gs) inner.push(onDiagonal(gs))
    if (gu) inner.push(scaleColumns(overGaps(skew(ops.matmul(transpose(u), gu)), square), s))
    if (gvh) inner.push(scaleRows(s, overGaps(skew(ops.matmul(vh, transpose(gvh))), square)))
    let ga = multiply(
      u,
      inner.reduce((x, y) => ops.add(x, y)),
      vh,
    )
    const inverse = ops.div(1, s)
    const [m, k] = sides(u)
    const n = sides(vh)[1]
    // What U and V do not span, where the matrix is not square.
    if (gu && m > k) {
      const scaled = scaleColumns(gu, inverse)
      const beyond = ops.sub(scaled, multiply(u, transpose(u), scaled))
      ga = ops.add(ga, ops.matmul(beyond, vh))
    }
    if (gvh && n > k) {
      const scaled = scaleRows(inverse, gvh)
      const beyond = ops.sub(scaled, multiply(scaled, transpose(vh), vh))
      ga = ops.add(ga, ops.matmul(u, beyond))
    }
    return [ga]
  },
}

export function svdNodes(a: Node): [u: Node, s: Node, vh: Node] {
  const lead = a.shape.slice(0, -2)
  const [m, n] = sides(a)
  const k = Math.min(m, n)
  const [u, s, vh] = call(
    singular,
    [a],
    [
      [...lead, m, k],
      [...lead, k],
      [...lead, k, n],
    ],
  )
  return [u, s, vh]
}

/**
 * A = U diag(S) Vh, singular values in descending order: `[…, m, n]` → U `[…, m, k]`, S `[…, k]`, Vh `[…, k, n]` with
 * k = min(m, n). The gradient of U and Vh needs different singular values; their signs are arbitrary.
 * @throws GliaError (when computed) for NaN and infinities
 */
export function svd(a: TensorBase): { U: Tensor; S: Tensor; Vh: Tensor } {
  checkMatrix('svd', a)
  const [U, S, Vh] = applyAll('svd', [a], (n) => svdNodes(toFloat(n)))
  return { U, S, Vh }
}

/** The singular values of `svd` alone. */
export function svdvals(a: TensorBase): Tensor {
  return svd(a).S
}
