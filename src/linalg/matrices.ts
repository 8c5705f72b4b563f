/** @file What the functions of this folder share: batches of matrices on the host and in the graph. */
import { GliaError } from '../core/errors.ts'
import { broadcastShapes, showShape, sizeOf } from '../core/shape.ts'
import type { Aval, HostArray, HostFunction, Node } from '../graph/node.ts'
import { Node as GraphNode } from '../graph/node.ts'
import { ops } from '../graph/ops.ts'
import { toFloat } from '../tensor/apply.ts'
import type { TensorBase } from '../tensor/base.ts'

/** The last two extents. */
export function sides(x: { readonly shape: readonly number[] }): [rows: number, columns: number] {
  return [x.shape[x.shape.length - 2], x.shape[x.shape.length - 1]]
}

/** Number of matrices in a batch. */
export function batchOf(x: { readonly shape: readonly number[] }): number {
  return sizeOf(x.shape.slice(0, -2))
}

/** Matrix `i` of a batch as float64, a copy. */
export function matrixAt(x: HostArray, i: number): Float64Array {
  const [m, n] = sides(x)
  return Float64Array.from(x.data.subarray(i * m * n, (i + 1) * m * n))
}

/** The name of matrix `i` of a batch in messages. */
export function which(x: HostArray, i: number): string {
  return batchOf(x) === 1 ? 'the matrix' : `matrix ${i} of the batch`
}

/** @throws GliaError unless `x` is `[…, m, n]` */
export function checkMatrix(operation: string, x: TensorBase): void {
  if (x.rank >= 2) return
  throw new GliaError(`${operation}: takes matrices, […, m, n]; received shape ${showShape(x.shape)}.`)
}

/** @throws GliaError unless `x` is `[…, n, n]` */
export function checkSquare(operation: string, x: TensorBase): void {
  const [m, n] = sides(x)
  if (x.rank >= 2 && m === n) return
  throw new GliaError(`${operation}: takes square matrices, […, n, n]; received shape ${showShape(x.shape)}.`)
}

/** Two operands as float nodes with the same leading axes. */
export function sameBatch(operation: string, a: Node, b: Node): [Node, Node] {
  const [x, y] = [toFloat(a), toFloat(b)]
  const lead = broadcastShapes(operation, x.shape.slice(0, -2), y.shape.slice(0, -2))
  const wide = x.dtype === 'float64' || y.dtype === 'float64' ? 'float64' : 'float32'
  return [
    ops.broadcastTo(ops.cast(x, wide), [...lead, ...sides(x)]),
    ops.broadcastTo(ops.cast(y, wide), [...lead, ...sides(y)]),
  ]
}

/** Output `index` of a host call, once more: equal nodes are merged. */
export function outputOf(call: Node, index: number): Node {
  return new GraphNode('output', [call], { index }, call.as('hostCall').outputs[index])
}

/** The results of a host function whose outputs have these shapes and the dtype of its first input. */
export function call(fn: HostFunction, inputs: readonly Node[], shapes: readonly (readonly number[])[]): Node[] {
  const outputs: Aval[] = shapes.map((shape) => ({ shape, dtype: inputs[0].dtype }))
  return ops.hostCall(inputs, { fn, outputs })
}

export const transpose = (x: Node): Node => ops.transpose(x)

/** A B C …, from the left. */
export function multiply(...factors: readonly Node[]): Node {
  return factors.reduce((a, b) => ops.matmul(a, b))
}

/** Whether element (row, column) lies on or above (`upper`) or below diagonal 0, as bool `[n, m]`; `strict`: not on it. */
export function triangleMask(n: number, m: number, upper: boolean, strict: boolean): Node {
  const row = ops.reshape(ops.iota(n), [n, 1])
  const column = ops.reshape(ops.iota(m), [1, m])
  const [low, high] = upper ? [row, column] : [column, row]
  return strict ? ops.lt(low, high) : ops.le(low, high)
}

/** The triangle of the matrices, zeros elsewhere. */
export function triangle(x: Node, upper: boolean, strict = false): Node {
  const [n, m] = sides(x)
  return ops.select(ops.broadcastTo(triangleMask(n, m, upper, strict), x.shape), x, 0)
}

/** Unit matrices of x's dtype, `[n, n]`. */
export function unit(n: number, dtype: Node['dtype']): Node {
  return ops.cast(ops.eq(ops.reshape(ops.iota(n), [n, 1]), ops.reshape(ops.iota(n), [1, n])), dtype)
}

/** Matrices with the vectors on their diagonals: `[…, n]` → `[…, n, n]`. */
export function onDiagonal(x: Node): Node {
  const n = x.shape[x.shape.length - 1]
  return ops.mul(ops.reshape(x, [...x.shape, 1]), unit(n, x.dtype))
}

/** Columns scaled by the vectors: A diag(d). */
export function scaleColumns(a: Node, d: Node): Node {
  return ops.mul(a, ops.reshape(d, [...d.shape.slice(0, -1), 1, d.shape[d.shape.length - 1]]))
}

/** Rows scaled by the vectors: diag(d) A. */
export function scaleRows(d: Node, a: Node): Node {
  return ops.mul(ops.reshape(d, [...d.shape, 1]), a)
}

/** Zeros where there is no gradient. */
export function orZeros(g: Node | null | undefined, like: Node): Node {
  return g ?? ops.full(like.shape, 0, like.dtype)
}
