/** @file Picking elements by number and by tensors of indices; sorting. */
import { GliaError } from '../core/errors.ts'
import { normaliseAxis, showShape, sizeOf } from '../core/shape.ts'
import type { Node } from '../graph/node.ts'
import { ops } from '../graph/ops.ts'
import { apply, applyAll, unary } from './apply.ts'
import type { TensorBase } from './base.ts'
import { narrow } from './movement.ts'
import type { Tensor } from './tensor.ts'

/** `[start, stop, step]`, each optional, as Python's `start:stop:step`; steps may be negative. */
export type Range = readonly [start?: number | null, stop?: number | null, step?: number]

/**
 * What `index` takes per axis: a number (the axis goes), a range, null (all of the axis), a tensor of int32 indices, or a
 * bool mask (over as many axes as it has).
 */
export type Index = number | Range | null | TensorBase

/** An index that needs no values: the result is a view. */
type BasicIndex = number | Range | null

/** Elements by position: one index per leading axis. A view. */
export function basicIndex(x: TensorBase, indices: readonly BasicIndex[]): Tensor {
  if (indices.length > x.rank) {
    throw new GliaError(
      `index: ${indices.length} indices for a tensor of shape ${showShape(x.shape)}; at most one per axis.`,
    )
  }
  const picks = x.shape.map((extent, axis) => pick(indices[axis] ?? null, extent, axis))
  return unary('index', x, (n) => {
    const part = ops.slice(
      n,
      picks.map((p) => p.start),
      picks.map((p) => p.size),
      picks.map((p) => p.step),
    )
    const reversed = picks.flatMap((p, axis) => (p.reverse ? [axis] : []))
    const turned = reversed.length > 0 ? ops.flip(part, reversed) : part
    return picks.some((p) => p.drop)
      ? ops.reshape(
          turned,
          picks.filter((p) => !p.drop).map((p) => p.size),
        )
      : turned
  })
}

/** What a basic index takes of one axis. */
export interface Pick {
  readonly start: number
  readonly size: number
  readonly step: number
  readonly reverse: boolean
  readonly drop: boolean
}

export function pick(what: BasicIndex, extent: number, axis: number): Pick {
  if (what === null) return { start: 0, size: extent, step: 1, reverse: false, drop: false }
  if (typeof what === 'number') {
    const start = what < 0 ? what + extent : what
    if (!Number.isInteger(what) || start < 0 || start >= extent) {
      throw new GliaError(`index: ${what} is out of range for axis ${axis}, which has ${extent} entries.`)
    }
    return { start, size: 1, step: 1, reverse: false, drop: true }
  }
  const [first, last, step = 1] = what
  if (!Number.isInteger(step) || step === 0)
    throw new GliaError(`index: a step must be a whole number other than 0; received ${step}.`)
  const back = step < 0
  const clip = (v: number, low: number, high: number): number => Math.min(Math.max(v < 0 ? v + extent : v, low), high)
  const from = first == null ? (back ? extent - 1 : 0) : clip(first, back ? -1 : 0, back ? extent - 1 : extent)
  const to = last == null ? (back ? -1 : extent) : clip(last, back ? -1 : 0, back ? extent - 1 : extent)
  const size = Math.max(0, Math.ceil((to - from) / step))
  const start = back && size > 0 ? from + (size - 1) * step : from
  return { start: size === 0 ? 0 : start, size, step: Math.abs(step), reverse: back, drop: false }
}

/** Entry `position` of `axis`; the axis goes. */
export function select(x: TensorBase, axis: number, position: number): Tensor {
  const a = normaliseAxis('select', axis, x.rank)
  return basicIndex(x, [...new Array<null>(a).fill(null), position])
}

/** Checked int32 indices. */
export function checked(indices: Node, size: number, operation: string): Node {
  if (indices.dtype !== 'int32' && indices.dtype !== 'uint8') {
    throw new GliaError(`${operation}: indices must be int32; received ${indices.dtype}. Cast them with int().`)
  }
  return ops.bound(indices.dtype === 'int32' ? indices : ops.cast(indices, 'int32'), size, operation)
}

/** Entries of `axis` at the indices; the axis is replaced by their shape. */
export function indexSelect(x: TensorBase, axis: number, indices: TensorBase, operation = 'indexSelect'): Tensor {
  const a = normaliseAxis(operation, axis, x.rank)
  return apply(operation, [x, indices], (n, i) => ops.gather(n, checked(i, x.shape[a], operation), a))
}

/**
 * `out[i][j][k] = x[indices[i][j][k]][j][k]` for axis 0, and so on: indices of x's rank, with extents at most x's but
 * along `axis`.
 */
export function gather(x: TensorBase, axis: number, indices: TensorBase): Tensor {
  const a = normaliseAxis('gather', axis, x.rank)
  checkGather('gather', x.shape, a, indices)
  return apply('gather', [x, indices], (n, i) => {
    const flat = flatPositions(checked(i, x.shape[a], 'gather'), x.shape, a)
    return ops.gather(ops.reshape(n, [x.size]), ops.bound(flat, x.size, 'gather'), 0)
  })
}

/** `x` with every element of `source` added at its index along `axis`; indices as for `gather`, of source's shape. */
export function scatterAdd(x: TensorBase, axis: number, indices: TensorBase, source: TensorBase): Tensor {
  const a = normaliseAxis('scatterAdd', axis, x.rank)
  checkGather('scatterAdd', x.shape, a, indices)
  if (showShape(indices.shape) !== showShape(source.shape)) {
    throw new GliaError(
      `scatterAdd: indices of shape ${showShape(indices.shape)} and source of shape ${showShape(source.shape)} must agree.`,
    )
  }
  return apply('scatterAdd', [x, indices, source], (n, i, s) => {
    const flat = flatPositions(checked(i, x.shape[a], 'scatterAdd'), x.shape, a)
    const count = sizeOf(s.shape)
    const at = ops.bound(ops.reshape(flat, [count]), x.size, 'scatterAdd')
    return ops.add(n, ops.reshape(ops.scatterAdd(at, ops.reshape(s, [count]), 0, x.size), x.shape))
  })
}

export function checkGather(operation: string, shape: readonly number[], axis: number, indices: TensorBase): void {
  const fits = indices.rank === shape.length && indices.shape.every((d, i) => i === axis || d <= shape[i])
  if (!fits) {
    throw new GliaError(
      `${operation}: indices of shape ${showShape(indices.shape)} do not fit a tensor of shape ${showShape(shape)}; they ` +
        `need the same rank and, except along axis ${axis}, extents no greater.`,
    )
  }
}

/** Row-major position in `shape` of each index along `axis`, the other coordinates being its own. */
export function flatPositions(indices: Node, shape: readonly number[], axis: number): Node {
  let flat: Node = ops.constant(0, 'int32')
  let stride = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    const extent = indices.shape[i]
    const along = indices.shape.map((_, k) => (k === i ? extent : 1))
    const coordinate = i === axis ? indices : ops.reshape(ops.iota(extent), along)
    flat = ops.add(flat, ops.mul(coordinate, stride))
    stride *= shape[i]
  }
  return flat
}

export interface SortOptions {
  /** Greatest first (default false). */
  readonly descending?: boolean
}

/** int32 order that sorts along `axis`; stable; NaN counts as the greatest. */
export function argsort(x: TensorBase, axis = -1, options: SortOptions = {}): Tensor {
  const a = normaliseAxis('argsort', axis, x.rank)
  return unary('argsort', x, (n) => ops.argsort(n, a, options.descending ?? false))
}

/** Sorted values along `axis`, and where they were. */
export function sort(x: TensorBase, axis = -1, options: SortOptions = {}): { values: Tensor; indices: Tensor } {
  const a = normaliseAxis('sort', axis, x.rank)
  const [values, indices] = applyAll('sort', [x], (n) => {
    const order = ops.argsort(n, a, options.descending ?? false)
    const flat = ops.bound(flatPositions(order, x.shape, a), x.size, 'sort')
    return [ops.gather(ops.reshape(n, [x.size]), flat, 0), order]
  })
  return { values, indices }
}

/** The `k` greatest (or least) values along `axis`, best first, and where they are. */
export function topk(
  x: TensorBase,
  k: number,
  axis = -1,
  options: { readonly largest?: boolean } = {},
): { values: Tensor; indices: Tensor } {
  const a = normaliseAxis('topk', axis, x.rank)
  if (!Number.isInteger(k) || k < 0 || k > x.shape[a]) {
    throw new GliaError(
      `topk: k must be a whole number from 0 to ${x.shape[a]}, the extent of axis ${axis}; received ${k}.`,
    )
  }
  const { values, indices } = sort(x, a, { descending: options.largest ?? true })
  return { values: narrow(values, a, 0, k), indices: narrow(indices, a, 0, k) }
}
