/** @file Order statistics: k-th values, medians, modes, quantiles, and places in sorted lists. */
import { GliaError } from '../core/errors.ts'
import { normaliseAxis, sameShape, showShape, sizeOf } from '../core/shape.ts'
import type { Node } from '../graph/node.ts'
import { ops } from '../graph/ops.ts'
import { apply, applyAll, toFloat } from './apply.ts'
import type { TensorBase } from './base.ts'
import { extremePositions } from './cumulative.ts'
import { flatPositions } from './indexing.ts'
import type { ReduceOptions } from './reduce.ts'
import type { Tensor } from './tensor.ts'

interface Sorted {
  /** Along the last axis, NaN last. */
  readonly values: Node
  readonly order: Node
}

/** The entries of one axis, or all elements, in ascending order along a new last axis; the others stay. */
function sortedRows(x: Node, axis: number | undefined): Sorted {
  const rows =
    axis === undefined
      ? ops.reshape(x, [sizeOf(x.shape)])
      : ops.permute(x, [...x.shape.map((_, i) => i).filter((i) => i !== axis), axis])
  const last = rows.shape.length - 1
  const order = ops.argsort(rows, last, false)
  const size = sizeOf(rows.shape)
  const flat = ops.bound(flatPositions(order, rows.shape, last), size, 'sort')
  return { values: ops.gather(ops.reshape(rows, [size]), flat, 0), order }
}

/** Entry `k` of the last axis, which goes. */
function entry(x: Node, k: number): Node {
  const lead = x.shape.slice(0, -1)
  const start = [...lead.map(() => 0), k]
  return ops.reshape(ops.slice(x, start, [...lead, 1]), lead)
}

function keepAxis(y: Node, x: TensorBase, axis: number | undefined, keepdim: boolean | undefined): Node {
  if (!keepdim) return y
  return ops.reshape(
    y,
    x.shape.map((d, i) => (axis === undefined || i === axis ? 1 : d)),
  )
}

function checkSome(operation: string, x: TensorBase, axis: number | undefined): void {
  if ((axis === undefined ? x.size : x.shape[axis]) > 0) return
  throw new GliaError(`${operation}: there is no ${operation} of no elements; received shape ${showShape(x.shape)}.`)
}

/** The `k`-th least value along `axis` (k counts from 1; NaN counts as the greatest) and where it is. */
export function kthvalue(
  x: TensorBase,
  k: number,
  axis = -1,
  options: ReduceOptions = {},
): { values: Tensor; indices: Tensor } {
  const a = normaliseAxis('kthvalue', axis, x.rank)
  if (!Number.isInteger(k) || k < 1 || k > x.shape[a]) {
    throw new GliaError(
      `kthvalue: k must be a whole number from 1 to ${x.shape[a]}, the extent of axis ${axis}; received ${k}.`,
    )
  }
  const [values, indices] = applyAll('kthvalue', [x], (n) => {
    const rows = sortedRows(n, a)
    return [rows.values, rows.order].map((r) => keepAxis(entry(r, k - 1), x, a, options.keepdim))
  })
  return { values, indices }
}

/** The middle value along `axis` (default: of all elements), the lower of two; NaN if one is NaN. */
export function median(x: TensorBase, axis?: number, options: ReduceOptions = {}): Tensor {
  const a = axis === undefined ? undefined : normaliseAxis('median', axis, x.rank)
  checkSome('median', x, a)
  return apply('median', [x], (n) => {
    const { values } = sortedRows(n, a)
    const count = values.shape[values.shape.length - 1]
    const greatest = entry(values, count - 1)
    const middle = entry(values, (count - 1) >> 1)
    return keepAxis(ops.select(ops.ne(greatest, greatest), greatest, middle), x, a, options.keepdim)
  })
}

/** The most frequent value along `axis`, the least of several, and the last place where it is. */
export function mode(x: TensorBase, axis = -1, options: ReduceOptions = {}): { values: Tensor; indices: Tensor } {
  const a = normaliseAxis('mode', axis, x.rank)
  checkSome('mode', x, a)
  const [values, indices] = applyAll('mode', [x], (n) => {
    const { values: rows, order } = sortedRows(n, a)
    const last = rows.shape.length - 1
    const count = rows.shape[last]
    const lead = rows.shape.slice(0, -1)
    const zeros = lead.map(() => 0)
    // Where a run of equal values starts, then for every place the start of its run.
    const moved = ops.pad(rows, [...zeros, 1], [...zeros, -1])
    const place = ops.broadcastTo(ops.iota(count), rows.shape)
    const starts = ops.select(ops.or(ops.ne(rows, moved), ops.eq(place, 0)), place, 0)
    const length = ops.sub(place, extremePositionsValue(starts, last))
    // Runs grow by one from place to place, so the first greatest length ends the first longest run.
    const end = ops.argmax(length, last)
    const flat = flatPositions(ops.reshape(end, [...lead, 1]), rows.shape, last)
    const size = sizeOf(rows.shape)
    const at = ops.bound(ops.reshape(flat, lead), size, 'mode')
    return [rows, order].map((r) => keepAxis(ops.gather(ops.reshape(r, [size]), at, 0), x, a, options.keepdim))
  })
  return { values, indices }
}

/** Running maximum of int32 values along the last axis. */
function extremePositionsValue(x: Node, axis: number): Node {
  const at = extremePositions('cummax', x, axis)
  const size = sizeOf(x.shape)
  return ops.gather(ops.reshape(x, [size]), ops.bound(flatPositions(at, x.shape, axis), size, 'mode'), 0)
}

export interface QuantileOptions extends ReduceOptions {
  /** How to go between two neighbours (default `linear`). */
  readonly interpolation?: 'linear' | 'lower' | 'higher' | 'midpoint' | 'nearest'
}

/**
 * The value below which a share `q` of the entries along `axis` (default: of all elements) lies; of several shares, along a
 * new first axis. NaN if one is NaN.
 *
 * @throws GliaError for shares outside [0, 1] and for no elements
 */
export function quantile(
  x: TensorBase,
  q: number | readonly number[],
  axis?: number,
  options: QuantileOptions = {},
): Tensor {
  const a = axis === undefined ? undefined : normaliseAxis('quantile', axis, x.rank)
  const shares = typeof q === 'number' ? [q] : q
  const bad = shares.find((s) => !(s >= 0 && s <= 1))
  if (bad !== undefined || shares.length === 0) {
    throw new GliaError(`quantile: shares must be numbers from 0 to 1; received ${bad ?? 'none'}.`)
  }
  checkSome('quantile', x, a)
  return apply('quantile', [x], (node) => {
    const { values } = sortedRows(toFloat(node), a)
    const count = values.shape[values.shape.length - 1]
    const greatest = entry(values, count - 1)
    const found = shares.map((share) => {
      const y = between(values, share * (count - 1), options.interpolation ?? 'linear')
      return keepAxis(ops.select(ops.ne(greatest, greatest), greatest, y), x, a, options.keepdim)
    })
    if (typeof q === 'number') return found[0]
    return ops.concat(
      found.map((y) => ops.reshape(y, [1, ...y.shape])),
      0,
    )
  })
}

/** What stands at a fractional position of the sorted last axis. */
function between(values: Node, position: number, how: Required<QuantileOptions>['interpolation']): Node {
  const [low, high] = [Math.floor(position), Math.ceil(position)]
  if (how === 'lower' || low === high) return entry(values, low)
  if (how === 'higher') return entry(values, high)
  if (how === 'nearest') {
    // Halves go to the even neighbour.
    const up = position - low === 0.5 ? low % 2 === 1 : position - low > 0.5
    return entry(values, up ? high : low)
  }
  const weight = how === 'midpoint' ? 0.5 : position - low
  const [a, b] = [entry(values, low), entry(values, high)]
  return ops.add(a, ops.mul(ops.sub(b, a), weight))
}

export interface SearchOptions {
  /** Whether equal values go after those in the list rather than before (default false). */
  readonly right?: boolean
}

/**
 * int32: where each value would be inserted to keep the last axis of `sorted` ascending: `[n]` or `[…, n]` and values of
 * any shape, or `[…, m]`. By bisection. NaN goes to the end.
 */
export function searchsorted(sorted: TensorBase, values: TensorBase, options: SearchOptions = {}): Tensor {
  const fits = sorted.rank === 1 || (sorted.rank > 1 && sameShape(sorted.shape.slice(0, -1), values.shape.slice(0, -1)))
  if (!fits) {
    throw new GliaError(
      `searchsorted: received sorted lists of shape ${showShape(sorted.shape)} and values of shape ` +
        `${showShape(values.shape)}; all axes but the last must agree, or there be one list.`,
    )
  }
  const n = sorted.shape[sorted.rank - 1]
  return apply('searchsorted', [sorted, values], (s, v) => {
    const flat = ops.reshape(s, [sorted.size])
    // Where the list of each value starts.
    const rows = sorted.rank === 1 ? 1 : sizeOf(sorted.shape.slice(0, -1))
    const start = ops.mul(ops.reshape(ops.iota(rows), [...(rows === 1 ? [] : values.shape.slice(0, -1)), 1]), n)
    const base = rows === 1 ? ops.full(v.shape, 0, 'int32') : ops.broadcastTo(start, v.shape)
    let count: Node = ops.full(v.shape, 0, 'int32')
    for (let step = 2 ** Math.floor(Math.log2(Math.max(1, n))); n > 0 && step >= 1; step /= 2) {
      const next = ops.add(count, step)
      const at = ops.bound(ops.add(base, ops.sub(ops.min(next, n), 1)), sorted.size, 'searchsorted')
      const seen = ops.gather(flat, at, 0)
      const before = options.right ? ops.not(ops.lt(v, seen)) : ops.not(ops.le(v, seen))
      const absent = ops.and(ops.ne(seen, seen), ops.eq(v, v))
      const moves = ops.and(ops.le(next, n), ops.and(before, ops.not(absent)))
      count = ops.select(moves, next, count)
    }
    return count
  })
}
