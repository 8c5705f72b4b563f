/** @file More ways to rearrange elements: moving and splitting axes, windows, diagonals, repeated entries. */
import { GliaError } from '../core/errors.ts'
import { normaliseAxis, type Shape, showShape, sizeOf } from '../core/shape.ts'
import { ops } from '../graph/ops.ts'
import { apply, unary } from './apply.ts'
import type { TensorBase } from './base.ts'
import { expand, flip, permute, reshape, transpose } from './movement.ts'
import type { Tensor } from './tensor.ts'

/** Axis `source` (or each of several) becomes axis `destination`; the others keep their order. */
export function moveaxis(
  x: TensorBase,
  source: number | readonly number[],
  destination: number | readonly number[],
): Tensor {
  const list = (a: number | readonly number[]): number[] =>
    (typeof a === 'number' ? [a] : a).map((axis) => normaliseAxis('moveaxis', axis, x.rank))
  const [from, to] = [list(source), list(destination)]
  if (from.length !== to.length || new Set(from).size < from.length || new Set(to).size < to.length) {
    throw new GliaError(
      `moveaxis: received sources [${from}] and destinations [${to}]; there must be as many of each, none given twice.`,
    )
  }
  const rest = x.shape.map((_, axis) => axis).filter((axis) => !from.includes(axis))
  const order = x.shape.map((_, axis) => {
    const k = to.indexOf(axis)
    return k >= 0 ? from[k] : (rest.shift() ?? 0)
  })
  return permute(x, order)
}

/** Axis `axis` as several axes of `shape`, one of whose extents may be −1: the inverse of `flatten`. */
export function unflatten(x: TensorBase, axis: number, shape: Shape): Tensor {
  const a = normaliseAxis('unflatten', axis, x.rank)
  const known = shape.reduce((n, d) => (d === -1 ? n : n * d), 1)
  const full = shape.map((d) => (d === -1 ? x.shape[a] / known : d))
  if (shape.filter((d) => d === -1).length > 1 || !full.every(Number.isInteger) || sizeOf(full) !== x.shape[a]) {
    throw new GliaError(
      `unflatten: received shape ${showShape(shape)} for axis ${axis} of ${showShape(x.shape)}; its extents must multiply to ` +
        `${x.shape[a]}, and at most one may be −1.`,
    )
  }
  return reshape(x, [...x.shape.slice(0, a), ...full, ...x.shape.slice(a + 1)])
}

/** Turned by 90° `times` times in the plane of two axes, from the first towards the second. */
export function rot90(x: TensorBase, times = 1, axes: readonly [number, number] = [0, 1]): Tensor {
  const a = normaliseAxis('rot90', axes[0], x.rank)
  const b = normaliseAxis('rot90', axes[1], x.rank)
  if (a === b || !Number.isInteger(times)) {
    throw new GliaError(`rot90: received ${times} turns in axes [${axes}]; they must be a whole number and two axes.`)
  }
  const turns = ((times % 4) + 4) % 4
  if (turns === 0) return unary('rot90', x, (n) => n)
  if (turns === 2) return flip(x, [a, b])
  return turns === 1 ? flip(transpose(x, a, b), a) : transpose(flip(x, a), a, b)
}

/**
 * Windows of `size` elements along `axis`, `step` apart: the axis then counts windows, and a new last axis the elements
 * of each: `[…, n, …]` → `[…, ⌊(n − size) / step⌋ + 1, …, size]`.
 */
export function unfold(x: TensorBase, axis: number, size: number, step: number): Tensor {
  const a = normaliseAxis('unfold', axis, x.rank)
  const extent = x.shape[a]
  if (!Number.isInteger(size) || size < 0 || size > extent || !Number.isInteger(step) || step < 1) {
    throw new GliaError(
      `unfold: received size ${size} and step ${step} for axis ${axis} of ${showShape(x.shape)}; the size must be a whole ` +
        `number from 0 to ${extent}, the step one of at least 1.`,
    )
  }
  const windows = Math.floor((extent - size) / step) + 1
  return apply('unfold', [x], (n) => {
    const starts = ops.mul(ops.reshape(ops.iota(windows), [windows, 1]), step)
    const positions = ops.bound(ops.add(starts, ops.reshape(ops.iota(size), [1, size])), extent, 'unfold')
    const taken = ops.gather(n, positions, a)
    const order = taken.shape.map((_, i) => i)
    order.push(order.splice(a + 1, 1)[0])
    return ops.permute(taken, order)
  })
}

/**
 * Each entry of `axis` repeated in place, `times` times or as often as `times[i]` says: `[1, 2]` twice is `[1, 1, 2, 2]`.
 * Without an axis, the flattened tensor's elements.
 */
export function repeatInterleave(x: TensorBase, times: number | readonly number[], axis?: number): Tensor {
  if (axis === undefined) return repeatInterleave(reshape(x, [x.size]), times, 0)
  const a = normaliseAxis('repeatInterleave', axis, x.rank)
  const extent = x.shape[a]
  const counts = typeof times === 'number' ? [times] : times
  if (counts.some((n) => !Number.isInteger(n) || n < 0) || (typeof times !== 'number' && times.length !== extent)) {
    throw new GliaError(
      `repeatInterleave: received times [${counts}] for axis ${axis} of ${showShape(x.shape)}; give one whole number, or ` +
        `${extent} of them, of at least 0.`,
    )
  }
  if (typeof times === 'number') {
    const wide = expand(reshape(x, [...x.shape.slice(0, a + 1), 1, ...x.shape.slice(a + 1)]), [
      ...x.shape.slice(0, a + 1),
      times,
      ...x.shape.slice(a + 1),
    ])
    return reshape(wide, [...x.shape.slice(0, a), extent * times, ...x.shape.slice(a + 1)])
  }
  const positions = Int32Array.from(times.flatMap((n, i) => new Array<number>(n).fill(i)))
  return apply('repeatInterleave', [x], (n) => {
    const at = ops.bound(ops.data(positions, [positions.length], 'int32'), extent, 'repeatInterleave')
    return ops.gather(n, at, a)
  })
}

/** Entries of `axis` one by one, without that axis. */
export function unbind(x: TensorBase, axis = 0): Tensor[] {
  const a = normaliseAxis('unbind', axis, x.rank)
  const shape = x.shape.filter((_, i) => i !== a)
  return Array.from({ length: x.shape[a] }, (_, k) =>
    unary('unbind', x, (n) =>
      ops.reshape(
        ops.slice(
          n,
          x.shape.map((__, i) => (i === a ? k : 0)),
          x.shape.map((d, i) => (i === a ? 1 : d)),
        ),
        shape,
      ),
    ),
  )
}

/**
 * The diagonal of the matrices that two axes span (default: the last two), `offset` columns to the right: `[…, n, m]` →
 * `[…, k]`. A view.
 */
export function diagonal(x: TensorBase, offset = 0, axes: readonly [number, number] = [-2, -1]): Tensor {
  const [a, b] = axes.map((axis) => normaliseAxis('diagonal', axis, x.rank))
  if (a === b || !Number.isInteger(offset)) {
    throw new GliaError(`diagonal: received offset ${offset} and axes [${axes}]; give a whole number and two axes.`)
  }
  const lead = x.shape.map((_, i) => i).filter((i) => i !== a && i !== b)
  const outer = lead.map((i) => x.shape[i])
  const [n, m] = [x.shape[a], x.shape[b]]
  const length = Math.max(0, offset >= 0 ? Math.min(n, m - offset) : Math.min(n + offset, m))
  return unary('diagonal', x, (node) => {
    // In row-major order, neighbours on a diagonal are m + 1 elements apart.
    const rows = ops.reshape(ops.permute(node, [...lead, a, b]), [...outer, n * m])
    const start = length === 0 ? 0 : offset >= 0 ? offset : -offset * m
    const none = outer.map(() => 0)
    return ops.slice(rows, [...none, start], [...outer, length], [...outer.map(() => 1), m + 1])
  })
}

/** Matrices with `x` on a diagonal, zeros elsewhere: `[…, k]` → `[…, k + |offset|, k + |offset|]`. A view. */
export function diagEmbed(x: TensorBase, offset = 0): Tensor {
  if (x.rank === 0 || !Number.isInteger(offset)) {
    throw new GliaError(
      `diagEmbed: received shape ${showShape(x.shape)} and offset ${offset}; it needs an axis and a whole number.`,
    )
  }
  const lead = x.shape.slice(0, -1)
  const k = x.shape[x.rank - 1]
  const n = k + Math.abs(offset)
  return unary('diagEmbed', x, (node) => {
    if (k === 0) return ops.full([...lead, n, n], 0, node.dtype)
    const lo = offset >= 0 ? offset : -offset * n
    const hi = n * n - lo - ((k - 1) * (n + 1) + 1)
    const none = lead.map(() => 0)
    return ops.reshape(ops.pad(node, [...none, lo], [...none, hi], [...none, n]), [...lead, n, n])
  })
}

/** Of a vector, the matrix with it on diagonal `k`; of a matrix, the vector on its diagonal `k`. */
export function diag(x: TensorBase, k = 0): Tensor {
  if (x.rank === 1) return diagEmbed(x, k)
  if (x.rank === 2) return diagonal(x, k)
  throw new GliaError(
    `diag: received shape ${showShape(x.shape)}; it takes a vector or a matrix. For batches there are diagonal and diagEmbed.`,
  )
}

/** Grids of coordinates: vectors of m, n, … elements → tensors `[m, n, …]`, the i-th varying along axis i alone. */
export function meshgrid(...vectors: readonly TensorBase[]): Tensor[] {
  const bad = vectors.find((v) => v.rank !== 1)
  if (bad) throw new GliaError(`meshgrid: takes vectors; received shape ${showShape(bad.shape)}.`)
  const shape = vectors.map((v) => v.size)
  return vectors.map((v, k) =>
    expand(
      reshape(
        v,
        shape.map((d, i) => (i === k ? d : 1)),
      ),
      shape,
    ),
  )
}
