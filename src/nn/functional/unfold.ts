/** @file Images as columns of patches, and back. */
import { GliaError } from '../../core/errors.ts'
import { type Shape, showShape, sizeOf } from '../../core/shape.ts'
import type { Node } from '../../graph/node.ts'
import { ops } from '../../graph/ops.ts'
import { apply } from '../../tensor/apply.ts'
import type { TensorBase } from '../../tensor/base.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { type Extent, perAxis } from './spatial.ts'

export interface UnfoldOptions {
  /** Default 1. */
  readonly dilation?: Extent
  /** Zeros per side (default 0). */
  readonly padding?: Extent
  /** Default 1. */
  readonly stride?: Extent
}

interface Patches {
  readonly kernel: readonly number[]
  readonly stride: readonly number[]
  readonly dilation: readonly number[]
  readonly padding: readonly number[]
  /** Padded extents, and how many patches there are along each axis. */
  readonly padded: readonly number[]
  readonly places: readonly number[]
}

function patches(operation: string, extents: Shape, kernelSize: Extent, options: UnfoldOptions): Patches {
  const axes = extents.length
  const kernel = perAxis(operation, 'kernelSize', kernelSize, axes, 1)
  const stride = perAxis(operation, 'stride', options.stride ?? 1, axes, 1)
  const dilation = perAxis(operation, 'dilation', options.dilation ?? 1, axes, 1)
  const padding = perAxis(operation, 'padding', options.padding ?? 0, axes, 0)
  const padded = extents.map((d, i) => d + 2 * padding[i])
  const places = padded.map((d, i) => Math.floor((d - dilation[i] * (kernel[i] - 1) - 1) / stride[i]) + 1)
  if (places.some((p) => p < 1)) {
    throw new GliaError(
      `${operation}: patches of ${showShape(kernel)} (dilation [${dilation}]) do not fit images of ${showShape(extents)} ` +
        `padded by [${padding}].`,
    )
  }
  return { kernel, stride, dilation, padding, padded, places }
}

/** Whether the patches cover every element exactly once. */
const tiles = ({ kernel, stride, padded, places }: Patches): boolean =>
  kernel.every((k, i) => stride[i] === k && places[i] * k === padded[i])

/** Position in the padded image of element t of patch p, int32 `[t · p]`. */
function positions({ kernel, stride, dilation, padded, places }: Patches): Node {
  let rows: number[][] = [[0]]
  kernel.forEach((k, i) => {
    rows = rows.flatMap((row) =>
      Array.from({ length: k }, (_, t) =>
        row.flatMap((p) =>
          Array.from({ length: places[i] }, (_, o) => p * padded[i] + o * stride[i] + t * dilation[i]),
        ),
      ),
    )
  })
  const all = Int32Array.from(rows.flat())
  return ops.data(all, [all.length], 'int32')
}

/** Order of `[B, C, p₀, k₀, p₁, k₁, …]` that gives `[B, C, k₀, k₁, …, p₀, p₁, …]`. */
const apart = (axes: number): number[] => [
  0,
  1,
  ...Array.from({ length: axes }, (_, i) => 3 + 2 * i),
  ...Array.from({ length: axes }, (_, i) => 2 + 2 * i),
]

/**
 * Sliding patches as columns (im2col): `[B, C, H, W] → [B, C · kH · kW, L]`, L patches in row-major order. Its gradient is
 * `fold`.
 */
export function unfold(x: TensorBase, kernelSize: Extent, options: UnfoldOptions = {}): Tensor {
  if (x.rank < 3) throw new GliaError(`unfold: expects [B, C, …] with spatial axes; received ${showShape(x.shape)}.`)
  const [batch, channels, ...extents] = x.shape
  const p = patches('unfold', extents, kernelSize, options)
  const columns = [batch, channels * sizeOf(p.kernel), sizeOf(p.places)]
  return apply('unfold', [x], (n) => {
    const sides = [0, 0, ...p.padding]
    const padded = ops.pad(n, sides, sides)
    if (tiles(p)) {
      const split = ops.reshape(padded, [batch, channels, ...p.kernel.flatMap((k, i) => [p.places[i], k])])
      return ops.reshape(ops.permute(split, apart(extents.length)), columns)
    }
    const flat = ops.reshape(padded, [batch, channels, sizeOf(p.padded)])
    return ops.reshape(ops.gather(flat, positions(p), 2), columns)
  })
}

/**
 * Columns of patches added up where they overlap (col2im): `[B, C · kH · kW, L] → [B, C, ...outputSize]`. Its gradient is
 * `unfold`.
 */
export function fold(x: TensorBase, outputSize: Shape, kernelSize: Extent, options: UnfoldOptions = {}): Tensor {
  const extents = perAxis('fold', 'outputSize', outputSize, outputSize.length, 1)
  const p = patches('fold', extents, kernelSize, options)
  const [taps, places] = [sizeOf(p.kernel), sizeOf(p.places)]
  const [batch, rows, columns] = x.shape
  if (x.rank !== 3 || rows % taps !== 0 || columns !== places) {
    throw new GliaError(
      `fold: for images of ${showShape(extents)} and patches of ${showShape(p.kernel)}, expects [B, C · ${taps}, ${places}]; ` +
        `received ${showShape(x.shape)}.`,
    )
  }
  const channels = rows / taps
  return apply('fold', [x], (n) => {
    const shape = [batch, channels, ...p.padded]
    const order = apart(extents.length)
    const back = order.map((_, i) => order.indexOf(i))
    const whole = tiles(p)
      ? ops.reshape(ops.permute(ops.reshape(n, [batch, channels, ...p.kernel, ...p.places]), back), shape)
      : ops.reshape(
          ops.scatterAdd(positions(p), ops.reshape(n, [batch, channels, taps * places]), 2, sizeOf(p.padded)),
          shape,
        )
    return ops.slice(whole, [0, 0, ...p.padding], [batch, channels, ...extents])
  })
}
