/** @file Shapes, row-major strides and broadcasting. */
import { GliaError } from './errors.ts'

export type Shape = readonly number[]

/** Number of elements: the product of the extents (1 for a scalar). */
export function sizeOf(shape: Shape): number {
  let n = 1
  for (const d of shape) n *= d
  return n
}

/** Row-major element strides: `[2, 3, 4]` → `[12, 4, 1]`. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length)
  let s = 1
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = s
    s *= shape[i]
  }
  return strides
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i])
}

export function showShape(shape: Shape): string {
  return `[${shape.join(', ')}]`
}

/**
 * The shape that `a` and `b` broadcast to (NumPy's rule: aligned at the last axis, extents equal or 1).
 * @throws GliaError naming `operation` when they do not.
 */
export function broadcastShapes(operation: string, a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length)
  const out = new Array<number>(rank)
  for (let i = 1; i <= rank; i++) {
    const x = a[a.length - i] ?? 1
    const y = b[b.length - i] ?? 1
    if (x !== y && x !== 1 && y !== 1) {
      throw new GliaError(
        `${operation}: shapes ${showShape(a)} and ${showShape(b)} do not broadcast: axis ${-i} has ${x} and ${y}, ` +
          `which must be equal or one of them 1. Reshape or expand one of the operands.`,
      )
    }
    out[rank - i] = x === 1 ? y : x
  }
  return out
}

/** `axis` counted from the front; negative axes count from the back. */
export function normaliseAxis(operation: string, axis: number, rank: number): number {
  const a = axis < 0 ? axis + rank : axis
  if (!Number.isInteger(axis) || a < 0 || a >= rank) {
    throw new GliaError(
      `${operation}: axis ${axis} is out of range for a tensor of rank ${rank}; it must be an integer from ` +
        `${-rank} to ${rank - 1}.`,
    )
  }
  return a
}
