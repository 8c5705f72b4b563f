/** @file Pools over one, two or three spatial axes. */
import { GliaError } from '../../core/errors.ts'
import type { Node } from '../../graph/node.ts'
import { ops } from '../../graph/ops.ts'
import { apply } from '../../tensor/apply.ts'
import type { TensorBase } from '../../tensor/base.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { checkImages, type Extent, perAxis } from './spatial.ts'

export interface PoolOptions {
  /** Default: the window's extent. */
  readonly stride?: Extent
  /** Per side, at most half the window (default 0). */
  readonly padding?: Extent
  /** Whether windows that start inside but end outside count (default false). */
  readonly ceilMode?: boolean
}

export interface MaxPoolOptions extends PoolOptions {
  /** Default 1. */
  readonly dilation?: Extent
}

export interface AvgPoolOptions extends PoolOptions {
  /** Whether padding counts in the divisor (default true). */
  readonly countIncludePad?: boolean
}

interface Windows {
  readonly window: number[]
  readonly stride: number[]
  readonly padLo: number[]
  readonly padHi: number[]
  readonly dilation: number[]
}

function windows(operation: string, x: TensorBase, kernel: Extent, options: MaxPoolOptions): Windows {
  const axes = typeof kernel === 'number' ? x.rank - 2 : kernel.length
  checkImages(operation, x, axes)
  const window = perAxis(operation, 'kernelSize', kernel, axes, 1)
  const stride = perAxis(operation, 'stride', options.stride ?? kernel, axes, 1)
  const dilation = perAxis(operation, 'dilation', options.dilation ?? 1, axes, 1)
  const padLo = perAxis(operation, 'padding', options.padding ?? 0, axes, 0)
  if (padLo.some((p, i) => 2 * p > window[i])) {
    throw new GliaError(
      `${operation}: padding may be at most half the window; received padding [${padLo}], window [${window}].`,
    )
  }
  const padHi = padLo.map((p, i) => {
    if (!options.ceilMode) return p
    const extent = x.shape[2 + i]
    const room = extent + 2 * p - dilation[i] * (window[i] - 1) - 1
    let steps = Math.ceil(room / stride[i])
    // The last window must start inside the input or the padding before it.
    if (steps * stride[i] >= extent + p) steps--
    return p + steps * stride[i] - room
  })
  return { window, stride, padLo, padHi, dilation }
}

/** Greatest element of each window: `[B, C, H, W] → [B, C, H′, W′]`. */
export function maxPool(x: TensorBase, kernelSize: Extent, options: MaxPoolOptions = {}): Tensor {
  const attrs = windows('maxPool', x, kernelSize, options)
  return apply('maxPool', [x], (n) => ops.windowMax(n, attrs))
}

/** Where each window's greatest element is, int32, counted row-major over the spatial axes: what unpooling takes. */
export function maxPoolIndices(x: TensorBase, kernelSize: Extent, options: MaxPoolOptions = {}): Tensor {
  const attrs = windows('maxPool', x, kernelSize, options)
  return apply('maxPool', [x], (n) => ops.windowArgmax(n, attrs))
}

/** Mean of each window: `[B, C, H, W] → [B, C, H′, W′]`. */
export function avgPool(x: TensorBase, kernelSize: Extent, options: AvgPoolOptions = {}): Tensor {
  const attrs = windows('avgPool', x, kernelSize, options)
  return apply('avgPool', [x], (n) => {
    const total = ops.windowSum(n, attrs)
    const counts = attrs.window.map((_, i) =>
      counted(attrs, i, x.shape[2 + i], total.shape[2 + i], options.countIncludePad ?? true),
    )
    const uniform = counts.every((c) => c.every((v) => v === c[0]))
    if (uniform)
      return ops.div(
        total,
        counts.reduce((p, c) => p * (c[0] ?? 1), 1),
      )
    return counts.reduce<Node>((y, c, i) => {
      const shape = total.shape.map((d, k) => (k === 2 + i ? d : 1))
      return ops.div(y, ops.data(Float32Array.from(c), shape))
    }, total)
  })
}

/** How many elements each window of one axis averages over. */
function counted(attrs: Windows, axis: number, extent: number, outputs: number, includePad: boolean): number[] {
  const { window, stride, padLo } = attrs
  const pad = padLo[axis]
  return Array.from({ length: outputs }, (_, o) => {
    const start = o * stride[axis] - pad
    const end = Math.min(start + window[axis], extent + (includePad ? pad : 0))
    return end - (includePad ? start : Math.max(start, 0))
  })
}
