/** @file Products of vectors and matrices, powers and exponentials. */
import { GliaError } from '../core/errors.ts'
import { normaliseAxis, showShape } from '../core/shape.ts'
import type { HostFunction, Node } from '../graph/node.ts'
import { ops } from '../graph/ops.ts'
import { apply, toFloat } from '../tensor/apply.ts'
import type { TensorBase } from '../tensor/base.ts'
import { matmul } from '../tensor/contraction.ts'
import { cat } from '../tensor/movement.ts'
import { diagonal } from '../tensor/rearrange.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { factorLu, solveLu } from './lu.ts'
import { batchOf, call, checkMatrix, checkSquare, matrixAt, sides, transpose, unit } from './matrices.ts'
import { inv } from './solve.ts'

function checkRank(operation: string, t: TensorBase, rank: number, kind: string): void {
  if (t.rank === rank) return
  throw new GliaError(`${operation}: takes ${kind}; received shape ${showShape(t.shape)}.`)
}

/** Σ aᵢ bᵢ of two vectors `[n]`. For batches there is einsum. */
export function dot(a: TensorBase, b: TensorBase): Tensor {
  checkRank('dot', a, 1, 'vectors')
  checkRank('dot', b, 1, 'vectors')
  if (a.size !== b.size)
    throw new GliaError(`dot: the vectors have ${a.size} and ${b.size} elements, not equally many.`)
  return apply('dot', [a, b], (x, y) => ops.reduceSum(ops.mul(x, y), [0]))
}

/** aᵢ bⱼ of two vectors: `[n]`, `[m]` → `[n, m]`. */
export function outer(a: TensorBase, b: TensorBase): Tensor {
  checkRank('outer', a, 1, 'vectors')
  checkRank('outer', b, 1, 'vectors')
  return apply('outer', [a, b], (x, y) => ops.mul(ops.reshape(x, [a.size, 1]), ops.reshape(y, [1, b.size])))
}

/** Cross product along `axis`, whose extent is 3; the other axes broadcast. */
export function cross(a: TensorBase, b: TensorBase, axis = -1): Tensor {
  const [i, j] = [normaliseAxis('cross', axis, a.rank), normaliseAxis('cross', axis, b.rank)]
  if (a.shape[i] !== 3 || b.shape[j] !== 3) {
    throw new GliaError(
      `cross: axis ${axis} must have 3 entries; received shapes ${showShape(a.shape)} and ${showShape(b.shape)}.`,
    )
  }
  const part = (x: Node, along: number, k: number): Node =>
    ops.slice(
      x,
      x.shape.map((_, at) => (at === along ? k : 0)),
      x.shape.map((d, at) => (at === along ? 1 : d)),
    )
  return apply('cross', [a, b], (x, y) => {
    const entry = (k: number): Node => {
      const [p, q] = [(k + 1) % 3, (k + 2) % 3]
      return ops.sub(ops.mul(part(x, i, p), part(y, j, q)), ops.mul(part(x, i, q), part(y, j, p)))
    }
    const parts = [entry(0), entry(1), entry(2)]
    return ops.concat(parts, axis < 0 ? parts[0].shape.length + axis : i)
  })
}

/** Kronecker product: every element of `a` times all of `b`; extents multiply, the shorter shape gets leading ones. */
export function kron(a: TensorBase, b: TensorBase): Tensor {
  const rank = Math.max(a.rank, b.rank)
  const padded = (t: TensorBase): number[] => [...new Array<number>(rank - t.rank).fill(1), ...t.shape]
  const [p, q] = [padded(a), padded(b)]
  return apply('kron', [a, b], (x, y) => {
    const wide = ops.mul(
      ops.reshape(
        x,
        p.flatMap((d) => [d, 1]),
      ),
      ops.reshape(
        y,
        q.flatMap((d) => [1, d]),
      ),
    )
    return ops.reshape(
      wide,
      p.map((d, i) => d * q[i]),
    )
  })
}

/** Sum of the diagonal: `[…, n, m]` → `[…]`. */
export function trace(a: TensorBase): Tensor {
  checkMatrix('trace', a)
  return diagonal(a).sum(-1)
}

/** Aᵏ for whole k, by squaring; negative ones of the inverse: `[…, n, n]`. */
export function matrixPower(a: TensorBase, k: number): Tensor {
  checkSquare('matrixPower', a)
  if (!Number.isInteger(k)) throw new GliaError(`matrixPower: the exponent must be a whole number; received ${k}.`)
  let square = k < 0 ? inv(a) : apply('matrixPower', [a], (n) => toFloat(n))
  let power: Tensor | null = null
  for (let rest = Math.abs(k); rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power = power ? power.matmul(square) : square
    if (rest > 1) square = square.matmul(square)
  }
  if (power) return power
  return apply('matrixPower', [a], (n) => ops.broadcastTo(unit(sides(n)[0], toFloat(n).dtype), n.shape))
}

/** The product of all matrices in the order that needs the fewest multiplications; first and last may be vectors. */
export function multiDot(...matrices: readonly TensorBase[]): Tensor {
  const count = matrices.length
  if (count < 2) throw new GliaError(`multiDot: needs at least two tensors; received ${count}.`)
  matrices.forEach((m, i) => {
    if ((i === 0 || i === count - 1) && m.rank === 1) return
    checkRank('multiDot', m, 2, 'matrices, and vectors at the ends,')
  })
  const rows = matrices.map((m, i) => (m.rank === 1 ? (i === 0 ? 1 : m.size) : m.shape[0]))
  const columns = matrices.map((m, i) => (m.rank === 1 ? (i === 0 ? m.size : 1) : m.shape[1]))
  // best[i][j]: the least cost of the product of i … j, and where it is cut (Cormen et al., chapter 15).
  const best = matrices.map(() => matrices.map(() => ({ cost: 0, cut: 0 })))
  for (let length = 1; length < count; length++) {
    for (let i = 0; i + length < count; i++) {
      const j = i + length
      best[i][j] = { cost: Infinity, cut: i }
      for (let cut = i; cut < j; cut++) {
        const cost = best[i][cut].cost + best[cut + 1][j].cost + rows[i] * columns[cut] * columns[j]
        if (cost < best[i][j].cost) best[i][j] = { cost, cut }
      }
    }
  }
  const build = (i: number, j: number): TensorBase =>
    i === j ? matrices[i] : matmul(build(i, best[i][j].cut), build(best[i][j].cut + 1, j))
  return matmul(build(0, best[0][count - 1].cut), build(best[0][count - 1].cut + 1, count - 1))
}

/** Coefficients of the diagonal Padé approximant of eˣ of order 13 (Higham 2005), without their common factor. */
const pade: readonly number[] = (() => {
  const order = 13
  const list = [1]
  for (let k = 1; k <= order; k++) list.push((list[k - 1] * (order - k + 1)) / (k * (2 * order - k + 1)))
  return list
})()

/** Norms up to this need no scaling. */
const theta = 5.371920351148152

function expOf(a: Float64Array, n: number): Float64Array {
  let norm = 0
  for (let j = 0; j < n; j++) {
    let sum = 0
    for (let i = 0; i < n; i++) sum += Math.abs(a[i * n + j])
    norm = Math.max(norm, sum)
  }
  if (!Number.isFinite(norm)) return new Float64Array(n * n).fill(Number.NaN)
  const squarings = Math.max(0, Math.ceil(Math.log2(norm / theta)))
  const x = a.map((v) => v / 2 ** squarings)
  const even = new Float64Array(n * n)
  const odd = new Float64Array(n * n)
  let power = new Float64Array(n * n)
  for (let i = 0; i < n; i++) power[i * n + i] = 1
  pade.forEach((c, k) => {
    const into = k % 2 === 0 ? even : odd
    for (let i = 0; i < n * n; i++) into[i] += c * power[i]
    power = product(power, x, n)
  })
  // (even − odd) eˣ = even + odd
  const lu = even.map((v, i) => v - odd[i])
  let result = solveLu(
    lu,
    factorLu(lu, n),
    n,
    even.map((v, i) => v + odd[i]),
    n,
  )
  for (let k = 0; k < squarings; k++) result = product(result, result, n)
  return result
}

function product(a: Float64Array, b: Float64Array, n: number): Float64Array<ArrayBuffer> {
  const out = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      const factor = a[i * n + k]
      for (let j = 0; j < n; j++) out[i * n + j] += factor * b[k * n + j]
    }
  }
  return out
}

const exponential: HostFunction = {
  name: 'matrixExp',
  run: ([a], [y]) => {
    const [n] = sides(a)
    for (let i = 0; i < batchOf(a); i++) y.data.set(expOf(matrixAt(a, i), n), i * n * n)
  },
  // The upper right block of exp [[Aᵀ, g], [0, Aᵀ]].
  vjp: ([g], node) => {
    if (!g) return [null]
    const at = transpose(node.inputs[0])
    const [n] = sides(at)
    const rank = at.shape.length
    const top = ops.concat([at, g], rank - 1)
    const bottom = ops.concat([ops.full(at.shape, 0, at.dtype), at], rank - 1)
    const both = ops.concat([top, bottom], rank - 2)
    const [y] = call(exponential, [both], [both.shape])
    const start = at.shape.map((_, i) => (i === rank - 1 ? n : 0))
    return [ops.slice(y, start, at.shape)]
  },
}

/** e^A = Σ Aᵏ / k!, by scaling, a Padé approximant, and squaring: `[…, n, n]`. */
export function matrixExp(a: TensorBase): Tensor {
  checkSquare('matrixExp', a)
  return apply('matrixExp', [a], (n) => {
    const x = toFloat(n)
    return call(exponential, [x], [x.shape])[0]
  })
}

/** Matrices on the diagonal of one, zeros elsewhere: `[a, b]`, `[c, d]` … → `[a + c + …, b + d + …]`. */
export function blockDiag(...matrices: readonly TensorBase[]): Tensor {
  for (const m of matrices) checkRank('blockDiag', m, 2, 'matrices')
  const width = matrices.reduce((n, m) => n + m.shape[1], 0)
  let at = 0
  const rows = matrices.map((m) => {
    const start = at
    at += m.shape[1]
    return apply('blockDiag', [m], (n) => ops.pad(n, [0, start], [0, width - start - m.shape[1]]))
  })
  return cat(rows, 0)
}
