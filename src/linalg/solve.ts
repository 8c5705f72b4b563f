/** @file Systems of equations, inverses and determinants, by Gaussian elimination in float64. */
import { GliaError } from '../core/errors.ts'
import { sameShape, showShape } from '../core/shape.ts'
import { gradients } from '../graph/autograd.ts'
import type { HostFunction, Node } from '../graph/node.ts'
import { ops } from '../graph/ops.ts'
import { apply, applyAll, toFloat } from '../tensor/apply.ts'
import type { TensorBase } from '../tensor/base.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { factorLu, type Lu, solveLu, substitute } from './lu.ts'
import {
  batchOf,
  call,
  checkSquare,
  matrixAt,
  multiply,
  outputOf,
  sameBatch,
  sides,
  transpose,
  triangle,
  which,
} from './matrices.ts'
import { factorSvd } from './orthogonal.ts'

function checkRegular(operation: string, { singular }: Lu, name: string): void {
  if (singular < 0) return
  throw new GliaError(
    `${operation}: ${name} is singular: no pivot is left in column ${singular}. linalg.pinv or linalg.lstsq give the ` +
      'solution of least squares.',
  )
}

const inverse: HostFunction = {
  name: 'inv',
  run: ([a], [y]) => {
    const [n] = sides(a)
    for (let i = 0; i < batchOf(a); i++) {
      const lu = matrixAt(a, i)
      const factors = factorLu(lu, n)
      checkRegular('inv', factors, which(a, i))
      const identity = new Float64Array(n * n)
      for (let k = 0; k < n; k++) identity[k * n + k] = 1
      y.data.set(solveLu(lu, factors, n, identity, n), i * n * n)
    }
  },
  // dA⁻¹ = −A⁻¹ dA A⁻¹
  vjp: ([g], node) => {
    const y = transpose(outputOf(node, 0))
    return [g ? ops.neg(multiply(y, g, y)) : null]
  },
}

export function invNode(a: Node): Node {
  return call(inverse, [a], [a.shape])[0]
}

/** A⁻¹ of `[…, n, n]`. @throws GliaError (when computed) for a singular matrix */
export function inv(a: TensorBase): Tensor {
  checkSquare('inv', a)
  return apply('inv', [a], (n) => invNode(toFloat(n)))
}

const solution: HostFunction = {
  name: 'solve',
  run: ([a, b], [x]) => {
    const [n, k] = sides(b)
    for (let i = 0; i < batchOf(a); i++) {
      const lu = matrixAt(a, i)
      const factors = factorLu(lu, n)
      checkRegular('solve', factors, which(a, i))
      x.data.set(solveLu(lu, factors, n, matrixAt(b, i), k), i * n * k)
    }
  },
  // A dX = dB − dA X
  vjp: ([g], node) => {
    if (!g) return [null, null]
    const gb = solveNode(transpose(node.inputs[0]), g)
    return [ops.neg(ops.matmul(gb, transpose(outputOf(node, 0)))), gb]
  },
}

function solveNode(a: Node, b: Node): Node {
  return call(solution, [a, b], [b.shape])[0]
}

/** Whether the right side is a batch of vectors rather than of matrices (PyTorch's rule). */
function isVector(a: TensorBase, b: TensorBase): boolean {
  return b.rank === 1 || (b.rank === a.rank - 1 && sameShape(b.shape, a.shape.slice(0, -1)))
}

/** Checks the right side, adds an axis to vectors and takes it away again. */
function withColumns(
  operation: string,
  a: TensorBase,
  b: TensorBase,
  build: (a: Node, b: Node) => Node,
  rowsOf: number,
): Tensor {
  const vector = isVector(a, b)
  if (b.rank === 0 || b.shape[b.rank - (vector ? 1 : 2)] !== a.shape[a.rank - rowsOf]) {
    throw new GliaError(
      `${operation}: received matrices of shape ${showShape(a.shape)} and a right side of shape ${showShape(b.shape)}; it ` +
        'needs as many rows, as […, n, k] or […, n].',
    )
  }
  return apply(operation, [a, b], (p, q) => {
    const wide = vector ? ops.reshape(q, [...q.shape, 1]) : q
    const x = build(...sameBatch(operation, p, wide))
    return vector ? ops.reshape(x, x.shape.slice(0, -1)) : x
  })
}

/**
 * X of A X = B: `[…, n, n]` and `[…, n, k]` → `[…, n, k]`, or vectors `[…, n]`; leading axes broadcast.
 * @throws GliaError (when computed) for a singular matrix
 */
export function solve(a: TensorBase, b: TensorBase): Tensor {
  checkSquare('solve', a)
  return withColumns('solve', a, b, solveNode, 2)
}

/** Used by `lstsq`: a right side for `[…, m, n]` with m rows. */
export function withRows(operation: string, a: TensorBase, b: TensorBase, build: (a: Node, b: Node) => Node): Tensor {
  return withColumns(operation, a, b, build, 2)
}

export interface TriangularOptions {
  /** Whether the upper triangle counts, else the lower; the other is not looked at. */
  readonly upper: boolean
  /** false: X A = B instead (default true: A X = B). */
  readonly left?: boolean
  /** Whether the diagonal counts as ones (default false). */
  readonly unitriangular?: boolean
}

/** `fullRank`: elements of the diagonal that rounding errors of float32 could have made do not count as other than 0. */
function triangularFunction(upper: boolean, unitDiagonal: boolean, fullRank: boolean): HostFunction {
  const name = fullRank ? 'lstsq' : 'solveTriangular'
  return {
    name,
    run: ([a, b], [y]) => {
      const [n, k] = sides(b)
      for (let i = 0; i < batchOf(a); i++) {
        const x = matrixAt(b, i)
        const t = matrixAt(a, i)
        const least = fullRank ? n * 2 ** -23 * greatestOnDiagonal(t, n) : 0
        for (let d = 0; d < n && !unitDiagonal; d++) {
          if (Math.abs(t[d * n + d]) > least || Number.isNaN(t[d * n + d])) continue
          const problem = fullRank ? 'not of full rank' : `singular: element ${d} of its diagonal is 0`
          throw new GliaError(`${name}: ${which(a, i)} is ${problem}. linalg.pinv gives the solution of least squares.`)
        }
        substitute(t, n, x, k, { upper, unit: unitDiagonal })
        y.data.set(x, i * n * k)
      }
    },
    vjp: ([g], node) => {
      if (!g) return [null, null]
      const gb = triangularNode(transpose(node.inputs[0]), g, !upper, unitDiagonal)
      const ga = ops.neg(ops.matmul(gb, transpose(outputOf(node, 0))))
      return [triangle(ga, upper, unitDiagonal), gb]
    },
  }
}

function greatestOnDiagonal(a: Float64Array, n: number): number {
  let greatest = 0
  for (let i = 0; i < n; i++) greatest = Math.max(greatest, Math.abs(a[i * n + i]))
  return greatest
}

const triangular = new Map<string, HostFunction>()

/** X of T X = B with T a triangle of `a`. */
export function triangularNode(a: Node, b: Node, upper: boolean, unitDiagonal = false, fullRank = false): Node {
  const key = `${upper} ${unitDiagonal} ${fullRank}`
  const fn = triangular.get(key) ?? triangularFunction(upper, unitDiagonal, fullRank)
  triangular.set(key, fn)
  return call(fn, [a, b], [b.shape])[0]
}

/**
 * X of A X = B for a triangular A: `[…, n, n]` and `[…, n, k]`; leading axes broadcast. With `left: false` X A = B and
 * B `[…, k, n]`.
 * @throws GliaError (when computed) for a 0 on the diagonal
 */
export function solveTriangular(a: TensorBase, b: TensorBase, options: TriangularOptions): Tensor {
  checkSquare('solveTriangular', a)
  const { upper, left = true, unitriangular = false } = options
  const rows = b.shape[b.rank - (left ? 2 : 1)]
  if (b.rank < 2 || rows !== a.shape[a.rank - 1]) {
    throw new GliaError(
      `solveTriangular: received matrices of shape ${showShape(a.shape)} and a right side of shape ${showShape(b.shape)}; ` +
        `with left: ${left} it must be ${left ? '[…, n, k]' : '[…, k, n]'} with the same n.`,
    )
  }
  return apply('solveTriangular', [a, b], (p, q) => {
    const [t, y] = sameBatch('solveTriangular', p, q)
    if (left) return triangularNode(t, y, upper, unitriangular)
    return transpose(triangularNode(transpose(t), transpose(y), !upper, unitriangular))
  })
}

const determinant: HostFunction = {
  name: 'det',
  run: ([a], [y]) => {
    const [n] = sides(a)
    for (let i = 0; i < batchOf(a); i++) {
      const lu = matrixAt(a, i)
      let product = factorLu(lu, n).sign
      for (let k = 0; k < n; k++) product *= lu[k * n + k]
      y.data[i] = product
    }
  },
  vjp: ([g], node) => {
    if (!g) return [null]
    const [a] = node.inputs
    return [ops.mul(ops.reshape(g, [...g.shape, 1, 1]), call(cofactors, [a], [a.shape])[0])]
  },
}

/** ∂ det A / ∂A, also where A is singular. */
const cofactors: HostFunction = {
  name: 'cofactors',
  run: ([a], [y]) => {
    const [n] = sides(a)
    for (let i = 0; i < batchOf(a); i++) y.data.set(cofactorsOf(matrixAt(a, i), n), i * n * n)
  },
  // Of a regular matrix they are det(A) A⁻ᵀ.
  vjp: ([g], node) => {
    if (!g) return [null]
    const [a] = node.inputs
    const det = detNode(a)
    const same = ops.mul(ops.reshape(det, [...det.shape, 1, 1]), transpose(invNode(a)))
    return gradients(ops, [{ node: same, g }], [a])
  },
}

/** det(U) det(V) U diag(products of the other singular values) Vᵀ. */
function cofactorsOf(a: Float64Array, n: number): Float64Array {
  const { u, s, v } = factorSvd(a, n, n)
  const sign = orientation(u, n) * orientation(v, n)
  const others = s.map((_, i) => s.reduce((product, value, j) => (i === j ? product : product * value), sign))
  const out = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0
      for (let k = 0; k < n; k++) sum += u[i * n + k] * others[k] * v[j * n + k]
      out[i * n + j] = sum
    }
  }
  return out
}

/** Determinant of an orthogonal matrix: 1 or −1. */
function orientation(q: Float64Array, n: number): number {
  const lu = q.slice()
  let sign = factorLu(lu, n).sign
  for (let k = 0; k < n; k++) sign *= Math.sign(lu[k * n + k])
  return sign
}

function detNode(a: Node): Node {
  return call(determinant, [a], [a.shape.slice(0, -2)])[0]
}

/** Determinants: `[…, n, n]` → `[…]`. */
export function det(a: TensorBase): Tensor {
  checkSquare('det', a)
  return apply('det', [a], (n) => detNode(toFloat(n)))
}

const logDeterminant: HostFunction = {
  name: 'slogdet',
  run: ([a], [signs, logs]) => {
    const [n] = sides(a)
    for (let i = 0; i < batchOf(a); i++) {
      const lu = matrixAt(a, i)
      let { sign } = factorLu(lu, n)
      let log = 0
      for (let k = 0; k < n; k++) {
        sign *= Math.sign(lu[k * n + k])
        log += Math.log(Math.abs(lu[k * n + k]))
      }
      signs.data[i] = sign
      logs.data[i] = log
    }
  },
  vjp: ([, g], node) => {
    if (!g) return [null]
    return [ops.mul(ops.reshape(g, [...g.shape, 1, 1]), transpose(invNode(node.inputs[0])))]
  },
}

/** Sign of the determinants and log of their magnitude, which neither overflows nor underflows: `[…, n, n]` → `[…]` each. */
export function slogdet(a: TensorBase): { sign: Tensor; logabsdet: Tensor } {
  checkSquare('slogdet', a)
  const [sign, logabsdet] = applyAll('slogdet', [a], (n) => {
    const lead = n.shape.slice(0, -2)
    return call(logDeterminant, [toFloat(n)], [lead, lead])
  })
  return { sign, logabsdet }
}
