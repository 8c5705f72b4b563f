/** @file Padding of images by a constant, by reflection, by the nearest element, or around the edge. All of it views. */
import { GliaError } from '../../core/errors.ts'
import { showShape } from '../../core/shape.ts'
import type { Node } from '../../graph/node.ts'
import { ops } from '../../graph/ops.ts'
import { apply } from '../../tensor/apply.ts'
import type { TensorBase } from '../../tensor/base.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import type { Sides } from './spatial.ts'

/** `constant`; `reflect`: mirrored at the edge, which is not repeated; `replicate`: the edge; `circular`: the other end. */
export type PadMode = 'constant' | 'reflect' | 'replicate' | 'circular'

export interface PadOptions {
  /** Default `constant`. */
  readonly mode?: PadMode
  /** For mode `constant` (default 0). */
  readonly value?: number
}

/**
 * Adds elements before and after the last axes, as PyTorch counts them: `[left, right]` for the last axis, then
 * `[top, bottom]` for the one before, and so on. Negative numbers crop (mode `constant`).
 *
 * @param x `[…, H, W]`
 * @param padding two numbers per padded axis, the last axis first
 * @returns `[…, top + H + bottom, left + W + right]`
 */
export function pad(x: TensorBase, padding: readonly number[], options: PadOptions = {}): Tensor {
  const axes = padding.length / 2
  if (!Number.isInteger(axes) || axes > x.rank || padding.some((p) => !Number.isInteger(p))) {
    throw new GliaError(
      `pad: padding must be two whole numbers per axis, for at most the ${x.rank} axes of ${showShape(x.shape)}; received ` +
        `[${padding}].`,
    )
  }
  const pairs = Array.from({ length: axes }, (_, i) => axes - 1 - i)
  const sides = { lo: pairs.map((i) => padding[2 * i]), hi: pairs.map((i) => padding[2 * i + 1]) }
  return padSides('pad', x, sides, options.mode ?? 'constant', options.value ?? 0)
}

/** Pads the last `sides.lo.length` axes. */
export function padSides(operation: string, x: TensorBase, sides: Sides, mode: PadMode, value = 0): Tensor {
  const first = x.rank - sides.lo.length
  sides.lo.forEach((lo, i) => {
    check(operation, x, first + i, lo, sides.hi[i], mode)
  })
  return apply(operation, [x], (node) => {
    if (mode === 'constant') {
      const before = new Array<number>(first).fill(0)
      return ops.pad(node, [...before, ...sides.lo], [...before, ...sides.hi], undefined, value)
    }
    return sides.lo.reduce((n, lo, i) => extended(n, first + i, lo, sides.hi[i], mode), node)
  })
}

function check(operation: string, x: TensorBase, axis: number, lo: number, hi: number, mode: PadMode): void {
  const extent = x.shape[axis]
  const [most, why] = {
    constant: [Infinity, ''],
    reflect: [extent - 1, ', which is less than the extent'],
    replicate: [extent > 0 ? Infinity : 0, ' of no elements'],
    circular: [extent, ', the extent'],
  }[mode] as [number, string]
  if (mode === 'constant' ? lo + hi + extent >= 0 : lo >= 0 && hi >= 0 && Math.max(lo, hi) <= most) return
  throw new GliaError(
    `${operation}: axis ${axis} of ${showShape(x.shape)} cannot be padded by [${lo}, ${hi}] in mode ${mode}: ` +
      (mode === 'constant' ? 'no more can be cropped than there is.' : `each side takes 0 to ${most}${why}.`),
  )
}

/** The axis with its ends as `mode` says. */
function extended(x: Node, axis: number, lo: number, hi: number, mode: Exclude<PadMode, 'constant'>): Node {
  const extent = x.shape[axis]
  const part = (start: number, size: number): Node =>
    ops.slice(
      x,
      x.shape.map((_, i) => (i === axis ? start : 0)),
      x.shape.map((d, i) => (i === axis ? size : d)),
    )
  const edge = (start: number, size: number): Node =>
    ops.broadcastTo(
      part(start, 1),
      x.shape.map((d, i) => (i === axis ? size : d)),
    )
  const before = {
    reflect: () => ops.flip(part(1, lo), [axis]),
    replicate: () => edge(0, lo),
    circular: () => part(extent - lo, lo),
  }[mode]
  const after = {
    reflect: () => ops.flip(part(extent - 1 - hi, hi), [axis]),
    replicate: () => edge(extent - 1, hi),
    circular: () => part(0, hi),
  }[mode]
  return ops.concat([...(lo > 0 ? [before()] : []), x, ...(hi > 0 ? [after()] : [])], axis)
}
