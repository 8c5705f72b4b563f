/** @file Operations that rearrange elements: views, joins, padding. No arithmetic, and mostly no copies. */
import { GliaError } from '../core/errors.ts'
import { normaliseAxis, type Shape, showShape, sizeOf } from '../core/shape.ts'
import { ops } from '../graph/ops.ts'
import { apply, axesOf, commonDtype, unary } from './apply.ts'
import type { TensorBase } from './base.ts'
import type { Tensor } from './tensor.ts'

/** The same elements in row-major order under another shape; one extent may be −1 and is worked out. */
export function reshape(x: TensorBase, shape: Shape): Tensor {
  return unary('reshape', x, (n) => ops.reshape(n, completeShape(x.shape, shape)))
}

function completeShape(from: Shape, to: Shape): number[] {
  const size = sizeOf(from)
  const open = to.indexOf(-1)
  const known = to.reduce((n, d) => (d === -1 ? n : n * d), 1)
  const full = open < 0 ? [...to] : to.map((d, i) => (i === open ? size / known : d))
  if (to.lastIndexOf(-1) !== open || full.some((d) => !Number.isInteger(d) || d < 0) || sizeOf(full) !== size) {
    throw new GliaError(
      `reshape: ${showShape(from)} has ${size} elements, which do not fill ${showShape(to)}. The extents must multiply ` +
        'to the same number; at most one may be −1.',
    )
  }
  return full
}

/** Axes `start` to `end` (both included) become one. */
export function flatten(x: TensorBase, start = 0, end = -1): Tensor {
  if (x.rank === 0) return reshape(x, [1])
  const a = normaliseAxis('flatten', start, x.rank)
  const b = normaliseAxis('flatten', end, x.rank)
  if (a > b) throw new GliaError(`flatten: start axis ${start} comes after end axis ${end}.`)
  return reshape(x, [...x.shape.slice(0, a), sizeOf(x.shape.slice(a, b + 1)), ...x.shape.slice(b + 1)])
}

/** Output axis i is input axis `order[i]`. */
export function permute(x: TensorBase, order: readonly number[]): Tensor {
  const list = order.map((a) => normaliseAxis('permute', a, x.rank))
  return unary('permute', x, (n) => ops.permute(n, list))
}

/** Swaps two axes. */
export function transpose(x: TensorBase, a: number, b: number): Tensor {
  const order = Array.from({ length: x.rank }, (_, i) => i)
  const i = normaliseAxis('transpose', a, x.rank)
  const j = normaliseAxis('transpose', b, x.rank)
  order[i] = j
  order[j] = i
  return permute(x, order)
}

/** Without the axes of extent 1 (those given, or all). */
export function squeeze(x: TensorBase, axes?: number | readonly number[]): Tensor {
  const list = axesOf('squeeze', axes, x.rank)
  return reshape(
    x,
    x.shape.filter((d, i) => d !== 1 || !list.includes(i)),
  )
}

/** A new axis of extent 1, so that it becomes axis `axis` of the result. */
export function unsqueeze(x: TensorBase, axis: number): Tensor {
  const a = normaliseAxis('unsqueeze', axis, x.rank + 1)
  return reshape(x, [...x.shape.slice(0, a), 1, ...x.shape.slice(a)])
}

/** Repeats axes of extent 1 (and adds leading ones) to `shape`; −1 keeps an extent. */
export function expand(x: TensorBase, shape: Shape): Tensor {
  const lead = shape.length - x.rank
  const full = shape.map((d, i) => (d === -1 && i >= lead ? x.shape[i - lead] : d))
  return unary('expand', x, (n) => ops.broadcastTo(n, full))
}

/** The whole tensor `times[i]` times along axis i (leading axes are added as needed), as NumPy's `tile`. */
export function repeat(x: TensorBase, times: readonly number[]): Tensor {
  const rank = Math.max(times.length, x.rank)
  const shape = [...new Array<number>(rank - x.rank).fill(1), ...x.shape]
  const counts = [...new Array<number>(rank - times.length).fill(1), ...times]
  return unary('repeat', x, (n) => {
    const paired = ops.reshape(
      n,
      shape.flatMap((d) => [1, d]),
    )
    const wide = ops.broadcastTo(
      paired,
      shape.flatMap((d, i) => [counts[i], d]),
    )
    return ops.reshape(
      wide,
      shape.map((d, i) => d * counts[i]),
    )
  })
}

/** Joins along an existing axis; the other extents must agree. */
export function cat(tensors: readonly TensorBase[], axis = 0): Tensor {
  if (tensors.length === 0) throw new GliaError('cat: received no tensors; give at least one.')
  const a = normaliseAxis('cat', axis, tensors[0].rank)
  return apply('cat', tensors, (...nodes) => {
    const dtype = nodes.reduce((d, n) => commonDtype({ ...n, dtype: d } as typeof n, n), nodes[0].dtype)
    return ops.concat(
      nodes.map((n) => (n.dtype === dtype ? n : ops.cast(n, dtype))),
      a,
    )
  })
}

/** Joins tensors of one shape along a new axis. */
export function stack(tensors: readonly TensorBase[], axis = 0): Tensor {
  return cat(
    tensors.map((t) => unsqueeze(t, axis)),
    axis,
  )
}

/** Parts of `size` along `axis` (the last may be smaller), or of the sizes given. */
export function split(x: TensorBase, size: number | readonly number[], axis = 0): Tensor[] {
  const a = normaliseAxis('split', axis, x.rank)
  const extent = x.shape[a]
  const sizes =
    typeof size !== 'number'
      ? size
      : Array.from({ length: Math.max(1, Math.ceil(extent / size)) }, (_, i) => Math.min(size, extent - i * size))
  if (sizes.reduce((n, s) => n + s, 0) !== extent) {
    throw new GliaError(
      `split: sizes [${sizes}] do not add up to ${extent}, the extent of axis ${axis} of ${showShape(x.shape)}.`,
    )
  }
  let start = 0
  return sizes.map((s) => {
    start += s
    return narrow(x, a, start - s, s)
  })
}

/** At most `count` parts of equal size along `axis` (the last may be smaller). */
export function chunk(x: TensorBase, count: number, axis = 0): Tensor[] {
  const a = normaliseAxis('chunk', axis, x.rank)
  return split(x, Math.max(1, Math.ceil(x.shape[a] / count)), a)
}

/** `length` entries of `axis` from `start`. */
export function narrow(x: TensorBase, axis: number, start: number, length: number): Tensor {
  const a = normaliseAxis('narrow', axis, x.rank)
  const from = start < 0 ? start + x.shape[a] : start
  return unary('narrow', x, (n) =>
    ops.slice(
      n,
      x.shape.map((_, i) => (i === a ? from : 0)),
      x.shape.map((d, i) => (i === a ? length : d)),
    ),
  )
}

/** Reverses the order along `axes` (default all). */
export function flip(x: TensorBase, axes?: number | readonly number[]): Tensor {
  const list = axesOf('flip', axes, x.rank)
  return unary('flip', x, (n) => ops.flip(n, list))
}

/** Shifts elements along `axis` by `shift`; those pushed off the end come back at the start. */
export function roll(x: TensorBase, shift: number, axis = 0): Tensor {
  const a = normaliseAxis('roll', axis, x.rank)
  const extent = x.shape[a]
  const by = extent === 0 ? 0 : ((shift % extent) + extent) % extent
  return cat([narrow(x, a, extent - by, by), narrow(x, a, 0, extent - by)], a)
}
