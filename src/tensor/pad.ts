/** @file Padding: by a value, or by the tensor's own elements. */
import { GliaError } from '../core/errors.ts'
import { showShape } from '../core/shape.ts'
import { ops } from '../graph/ops.ts'
import { unary } from './apply.ts'
import type { TensorBase } from './base.ts'
import { cat, flip, narrow } from './movement.ts'
import type { Tensor } from './tensor.ts'

/**
 * Where padded elements come from: `reflect` mirrors at the edge element (which is not repeated), `replicate` repeats the
 * edge element, `circular` goes on at the other end.
 */
export type PadMode = 'reflect' | 'replicate' | 'circular'

/** `[before, after]`: how many elements are added at either end of an axis; negative ones are cut off. */
export type Widths = readonly (readonly [number, number])[]

/**
 * Adds elements before and after each of the last axes: one pair per axis, in the order of the axes (`[[0, 1], [2, 2]]`
 * pads the last axis by two on either side). `fill` is the value they have, or the mode by which they are taken from `x`.
 *
 * @throws GliaError when there are more pairs than axes, when more is cut off than there is, or when a mode needs more
 * elements than an axis has (`reflect`: fewer than its extent; `circular`: at most its extent)
 */
export function pad(x: TensorBase, widths: Widths, fill: number | PadMode = 0): Tensor {
  if (widths.length > x.rank) {
    throw new GliaError(
      `pad: received ${widths.length} pairs for a tensor of rank ${x.rank}; give one per axis, or fewer for the last axes.`,
    )
  }
  const lead = new Array<readonly [number, number]>(x.rank - widths.length).fill([0, 0])
  const all = [...lead, ...widths]
  if (typeof fill === 'number') {
    return unary('pad', x, (n) =>
      ops.pad(
        n,
        all.map((w) => w[0]),
        all.map((w) => w[1]),
        undefined,
        fill,
      ),
    )
  }
  let y = unary('pad', x, (n) => n)
  all.forEach(([before, after], axis) => {
    y = extend(y, axis, before, after, fill)
  })
  return y
}

/** One axis of `x`, with its own elements added at both ends. */
function extend(x: Tensor, axis: number, before: number, after: number, mode: PadMode): Tensor {
  const extent = x.shape[axis]
  const cut = narrowBy(x, axis, Math.max(0, -before), Math.max(0, -after))
  const [lo, hi] = [Math.max(0, before), Math.max(0, after)]
  if (lo === 0 && hi === 0) return cut
  const most = { reflect: extent - 1, replicate: extent === 0 ? 0 : Infinity, circular: extent }[mode]
  if (most === undefined) {
    throw new GliaError(`pad: received mode ${mode}; it must be a number, 'reflect', 'replicate' or 'circular'.`)
  }
  if (lo > most || hi > most) {
    throw new GliaError(
      `pad: received [${before}, ${after}] for axis ${axis} of shape ${showShape(x.shape)}; ${mode} padding of ${extent} ` +
        `elements adds at most ${Math.max(0, most)} at each end.`,
    )
  }
  if (mode === 'circular') {
    return cat([narrow(x, axis, extent - lo, lo), cut, narrow(x, axis, 0, hi)].filter(hasElements(axis)), axis)
  }
  if (mode === 'reflect') {
    const [left, right] = [narrow(x, axis, 1, lo), narrow(x, axis, extent - 1 - hi, hi)]
    return cat([flip(left, axis), cut, flip(right, axis)].filter(hasElements(axis)), axis)
  }
  const edge = (position: number, count: number): Tensor =>
    narrow(x, axis, position, 1).expand(x.shape.map((d, i) => (i === axis ? count : d)))
  return cat([edge(0, lo), cut, edge(extent - 1, hi)].filter(hasElements(axis)), axis)
}

const hasElements =
  (axis: number) =>
  (t: Tensor): boolean =>
    t.shape[axis] > 0

function narrowBy(x: Tensor, axis: number, before: number, after: number): Tensor {
  return before + after === 0 ? x : narrow(x, axis, before, x.shape[axis] - before - after)
}
