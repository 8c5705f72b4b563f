/** @file A fixed linear map along one axis, given by the few inputs that each output takes: resampling. */
import { allocate } from '../../core/dtype.ts'
import type { Node } from '../../graph/node.ts'
import { ops } from '../../graph/ops.ts'

/** How much of the input at a position an output takes. */
export interface Tap {
  readonly at: number
  readonly weight: number
}

/** The taps of each output. */
export type Rows = readonly (readonly Tap[])[]

/** With more taps than this, forward or backward, a matrix product is faster than sums of gathered elements. */
const mostTaps = 8

/**
 * `out[…, o, …] = Σ weight · x[…, at, …]` over the taps of row o. The gradient is the map whose rows are the columns of
 * this one.
 */
export function mapAxis(x: Node, axis: number, rows: Rows): Node {
  const columns = transposed(rows, x.shape[axis])
  if (Math.max(widest(rows), widest(columns)) > mostTaps) return product(x, axis, rows)
  const value = gathered(x, axis, rows)
  return ops.alias([value, x], { name: 'resample', vjp: (g) => [mapAxis(g, axis, columns)] })
}

const widest = (rows: Rows): number => rows.reduce((most, row) => Math.max(most, row.length), 0)

function transposed(rows: Rows, extent: number): Rows {
  const columns = Array.from({ length: extent }, (): Tap[] => [])
  rows.forEach((row, o) => {
    for (const { at, weight } of row) columns[at].push({ at: o, weight })
  })
  return columns
}

/** One gather per tap; shorter rows end in taps of weight 0. */
function gathered(x: Node, axis: number, rows: Rows): Node {
  const column = x.shape.map((_, i) => (i === axis ? rows.length : 1))
  const terms = Array.from({ length: Math.max(1, widest(rows)) }, (_, k) => {
    const indices = ops.data(
      Int32Array.from(rows, (row) => row[k]?.at ?? 0),
      [rows.length],
      'int32',
    )
    const elements = ops.gather(x, indices, axis)
    if (rows.every((row) => row[k]?.weight === 1)) return elements
    const weights = allocate(x.dtype, rows.length)
    rows.forEach((row, o) => {
      weights[o] = row[k]?.weight ?? 0
    })
    return ops.mul(elements, ops.data(weights, column, x.dtype))
  })
  return terms.reduce((sum, term) => ops.add(sum, term))
}

function product(x: Node, axis: number, rows: Rows): Node {
  const extent = x.shape[axis]
  const matrix = allocate(x.dtype, extent * rows.length)
  rows.forEach((row, o) => {
    for (const { at, weight } of row) matrix[at * rows.length + o] += weight
  })
  const last = x.shape.length - 1
  const order = x.shape.map((_, i) => (i === axis ? last : i === last ? axis : i))
  const moved = ops.permute(x, order)
  const flat = ops.reshape(moved, [x.shape.reduce((n, d) => n * d, 1) / extent, extent])
  const y = ops.matmul(flat, ops.data(matrix, [extent, rows.length], x.dtype))
  return ops.permute(ops.reshape(y, [...moved.shape.slice(0, -1), rows.length]), order)
}
