/** @file What convolutions, pools and other windows over images have in common: extents per axis, and padding. */
import { GliaError } from '../../core/errors.ts'
import { showShape } from '../../core/shape.ts'
import type { TensorBase } from '../../tensor/base.ts'

/** One extent for all spatial axes, or one per axis. */
export type Extent = number | readonly number[]

/**
 * Zeros per side of each spatial axis; `'valid'`: none; `'same'`: as many as make the output ⌈input / stride⌉ long, the odd
 * one after (with stride 1 PyTorch's rule, beyond it TensorFlow's: PyTorch takes no stride then).
 */
export type Padding = Extent | 'same' | 'valid'

/** `value` once per spatial axis. @throws GliaError if it is not made of whole numbers of at least `least` */
export function perAxis(operation: string, name: string, value: Extent, axes: number, least: number): number[] {
  const list = typeof value === 'number' ? new Array<number>(axes).fill(value) : [...value]
  if (list.length !== axes || list.some((v) => !Number.isInteger(v) || v < least)) {
    throw new GliaError(
      `${operation}: ${name} must be a whole number of at least ${least}, or ${axes} of them; received ${JSON.stringify(value)}.`,
    )
  }
  return list
}

/** @throws GliaError unless `x` is `[B, C, …]` with `axes` spatial axes */
export function checkImages(operation: string, x: TensorBase, axes: number): void {
  if (x.rank === axes + 2) return
  throw new GliaError(
    `${operation}: expects an input of rank ${axes + 2} (batch, channels, ${axes} spatial ${axes === 1 ? 'axis' : 'axes'}); received ` +
      `${showShape(x.shape)}.${x.rank === axes + 1 ? ' Add the batch axis with unsqueeze(0).' : ''}`,
  )
}

/** Elements to add before and after each spatial axis. */
export interface Sides {
  readonly lo: number[]
  readonly hi: number[]
}

/** What `padding` means for windows of `kernel` elements, `dilation` apart, moving by `stride` over `extents`. */
export function sidesOf(
  operation: string,
  padding: Padding,
  extents: readonly number[],
  kernel: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
): Sides {
  if (padding !== 'same') {
    if (padding !== 'valid' && typeof padding === 'string') {
      throw new GliaError(`${operation}: padding must be a number per axis, 'same' or 'valid'; received '${padding}'.`)
    }
    const sides = perAxis(operation, 'padding', padding === 'valid' ? 0 : padding, kernel.length, 0)
    return { lo: sides, hi: sides }
  }
  const total = kernel.map((k, i) =>
    Math.max((Math.ceil(extents[i] / stride[i]) - 1) * stride[i] + dilation[i] * (k - 1) + 1 - extents[i], 0),
  )
  return { lo: total.map((t) => t >> 1), hi: total.map((t) => t - (t >> 1)) }
}
