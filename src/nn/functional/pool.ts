/** @file Pools over one, two or three spatial axes: the greatest element, mean, sum or p-norm of each window. */
import { GliaError } from '../../core/errors.ts'
import type { Node, WindowAttrs } from '../../graph/node.ts'
import { ops } from '../../graph/ops.ts'
import { apply, applyAll } from '../../tensor/apply.ts'
import type { TensorBase } from '../../tensor/base.ts'
import { pow } from '../../tensor/elementwise.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { checkImages, type Extent, type Padding, perAxis, sidesOf } from './spatial.ts'

export interface PoolOptions {
  /** Default: the window's extent. */
  readonly stride?: Extent
  /** Per side, at most half the window (default 0); `'same'`: outputs are ⌈input / stride⌉ long, as in Keras. */
  readonly padding?: Padding
  /** Whether windows that start inside but end outside count (default false). */
  readonly ceilMode?: boolean
}

export interface MaxPoolOptions extends PoolOptions {
  /** Spacing of a window's elements (default 1). */
  readonly dilation?: Extent
}

export interface AvgPoolOptions extends PoolOptions {
  /** Whether padding counts in the divisor (default true; with padding `'same'` false). */
  readonly countIncludePad?: boolean
  /** What sums are divided by, instead of the number of elements. */
  readonly divisorOverride?: number
}

function windows(operation: string, x: TensorBase, kernel: Extent, options: MaxPoolOptions): WindowAttrs {
  return placed(operation, x, kernel, options).attrs
}

/** Windows, and how much of the padding after each axis was asked for: the rest comes of `ceilMode` and never counts. */
function placed(
  operation: string,
  x: TensorBase,
  kernel: Extent,
  options: MaxPoolOptions,
): { attrs: WindowAttrs; hi: readonly number[] } {
  const axes = typeof kernel === 'number' ? x.rank - 2 : kernel.length
  checkImages(operation, x, axes)
  const window = perAxis(operation, 'kernelSize', kernel, axes, 1)
  const stride = perAxis(operation, 'stride', options.stride ?? kernel, axes, 1)
  const dilation = perAxis(operation, 'dilation', options.dilation ?? 1, axes, 1)
  const extents = x.shape.slice(2)
  const padding = options.padding ?? 0
  const { lo, hi } = sidesOf(operation, padding, extents, window, stride, dilation)
  if (padding !== 'same' && lo.some((p, i) => 2 * p > window[i])) {
    throw new GliaError(
      `${operation}: padding may be at most half the window; received padding [${lo}], window [${window}].`,
    )
  }
  const padHi = hi.map((p, i) => {
    if (!options.ceilMode) return p
    const room = extents[i] + lo[i] + p - dilation[i] * (window[i] - 1) - 1
    let steps = Math.ceil(room / stride[i])
    // The last window must start inside the input or the padding before it.
    if (steps * stride[i] >= extents[i] + lo[i]) steps--
    return Math.max(0, p + steps * stride[i] - room)
  })
  return { attrs: { window, stride, padLo: lo, padHi, dilation }, hi }
}

/** Greatest element of each window: `[B, C, H, W] → [B, C, H′, W′]`, H′ = ⌊(H + 2 padding − dilation (k − 1) − 1) / stride⌋ + 1. */
export function maxPool(x: TensorBase, kernelSize: Extent, options: MaxPoolOptions = {}): Tensor {
  const attrs = windows('maxPool', x, kernelSize, options)
  return apply('maxPool', [x], (n) => ops.windowMax(n, attrs))
}

/** Where each window's greatest element is, int32, counted row-major over the spatial axes: what `maxUnpool` takes. */
export function maxPoolIndices(x: TensorBase, kernelSize: Extent, options: MaxPoolOptions = {}): Tensor {
  const attrs = windows('maxPool', x, kernelSize, options)
  return apply('maxPool', [x], (n) => ops.windowArgmax(n, attrs))
}

/** The greatest elements of windows, and where they are: int32, counted row-major over the spatial axes. */
export interface Greatest {
  readonly values: Tensor
  readonly indices: Tensor
}

/** `maxPool` and `maxPoolIndices` at once. */
export function maxPoolWithIndices(x: TensorBase, kernelSize: Extent, options: MaxPoolOptions = {}): Greatest {
  const attrs = windows('maxPool', x, kernelSize, options)
  const [values, indices] = applyAll('maxPool', [x], (n) => [ops.windowMax(n, attrs), ops.windowArgmax(n, attrs)])
  return { values, indices }
}

/** Mean of each window: `[B, C, H, W] → [B, C, H′, W′]`. */
export function avgPool(x: TensorBase, kernelSize: Extent, options: AvgPoolOptions = {}): Tensor {
  const { attrs, hi } = placed('avgPool', x, kernelSize, options)
  const { countIncludePad = options.padding !== 'same', divisorOverride } = options
  if (divisorOverride !== undefined && !(divisorOverride !== 0 && Number.isFinite(divisorOverride))) {
    throw new GliaError(`avgPool: divisorOverride must be a number other than 0; received ${divisorOverride}.`)
  }
  return apply('avgPool', [x], (n) => {
    const total = ops.windowSum(n, attrs)
    if (divisorOverride !== undefined) return ops.div(total, divisorOverride)
    const counts = attrs.window.map((_, i) =>
      counted(attrs, i, x.shape[2 + i], total.shape[2 + i], countIncludePad ? hi[i] : null),
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

/** How many elements each window of one axis averages over: with `after`, padding counts, that many elements at the end. */
function counted(attrs: WindowAttrs, axis: number, extent: number, outputs: number, after: number | null): number[] {
  const { window, stride, padLo } = attrs
  return Array.from({ length: outputs }, (_, o) => {
    const start = o * stride[axis] - padLo[axis]
    const end = Math.min(start + window[axis], extent + (after ?? 0))
    return end - (after === null ? Math.max(start, 0) : start)
  })
}

/** Sum of each window: `[B, C, H, W] → [B, C, H′, W′]`. */
export function sumPool(x: TensorBase, kernelSize: Extent, options: PoolOptions = {}): Tensor {
  const attrs = windows('sumPool', x, kernelSize, options)
  return apply('sumPool', [x], (n) => ops.windowSum(n, attrs))
}

export type LpPoolOptions = Omit<PoolOptions, 'padding'>

/** `(Σ xᵖ)^(1/p)` of each window: `[B, C, H, W] → [B, C, H′, W′]`. p = 1 is the sum, p → ∞ the greatest element. */
export function lpPool(x: TensorBase, p: number, kernelSize: Extent, options: LpPoolOptions = {}): Tensor {
  if (!(p > 0 && p < Infinity)) {
    throw new GliaError(`lpPool: p must be greater than 0 and finite; received ${p}. Use maxPool for p = ∞.`)
  }
  const axes = typeof kernelSize === 'number' ? x.rank - 2 : kernelSize.length
  const count = perAxis('lpPool', 'kernelSize', kernelSize, axes, 1).reduce((n, k) => n * k, 1)
  // As in PyTorch: of a window that ends outside (ceilMode), the mean of what is inside stands for the rest.
  return pow(avgPool(pow(x, p), kernelSize, options).mul(count), 1 / p)
}
