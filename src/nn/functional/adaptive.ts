/** @file Pools that are given the extents of their output rather than those of their windows. */
import { GliaError } from '../../core/errors.ts'
import { showShape, sizeOf } from '../../core/shape.ts'
import type { Node } from '../../graph/node.ts'
import { ops } from '../../graph/ops.ts'
import { apply, applyAll } from '../../tensor/apply.ts'
import type { TensorBase } from '../../tensor/base.ts'
import { rand } from '../../tensor/random.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { mapAxis } from './linear-map.ts'
import { type AxisWindows, pickFromWindows, planeWindows } from './pick.ts'
import { avgPool, type Greatest, maxPoolWithIndices } from './pool.ts'
import { checkImages, type Extent, perAxis } from './spatial.ts'

/** Extents of an output: one for all spatial axes, or one per axis, null where the input's stays. */
export type OutputSize = number | readonly (number | null)[]

/** Windows that divide an axis: the i-th from ⌊i n / outputs⌋ to before ⌈(i + 1) n / outputs⌉. */
function dividing(extent: number, outputs: number): AxisWindows {
  return Array.from({ length: outputs }, (_, i) => {
    const start = Math.floor((i * extent) / outputs)
    return Array.from({ length: Math.ceil(((i + 1) * extent) / outputs) - start }, (_, k) => start + k)
  })
}

function outputExtents(operation: string, x: TensorBase, outputSize: OutputSize): number[] {
  const axes = typeof outputSize === 'number' ? x.rank - 2 : outputSize.length
  checkImages(operation, x, axes)
  if (sizeOf(x.shape.slice(2)) === 0) {
    throw new GliaError(`${operation}: expects spatial axes that are not empty; received ${showShape(x.shape)}.`)
  }
  const list = typeof outputSize === 'number' ? outputSize : outputSize.map((d, i) => d ?? x.shape[2 + i])
  return perAxis(operation, 'outputSize', list, axes, 1)
}

/** The window that all outputs share, null if they differ. */
function evenWindow(x: TensorBase, extents: readonly number[]): number[] | null {
  const spatial = x.shape.slice(2)
  return spatial.every((d, i) => d % extents[i] === 0) ? spatial.map((d, i) => d / extents[i]) : null
}

/** Means over windows that divide each axis as evenly as possible: `[B, C, H, W] → [B, C, ...outputSize]`. */
export function adaptiveAvgPool(x: TensorBase, outputSize: OutputSize): Tensor {
  const extents = outputExtents('adaptiveAvgPool', x, outputSize)
  if (extents.every((d) => d === 1)) return globalAvgPool(x, { keepDims: true })
  const window = evenWindow(x, extents)
  if (window) return avgPool(x, window)
  return apply('adaptiveAvgPool', [x], (n) =>
    extents.reduce<Node>((y, outputs, i) => {
      const rows = dividing(x.shape[2 + i], outputs).map((w) => w.map((at) => ({ at, weight: 1 / w.length })))
      return mapAxis(y, 2 + i, rows)
    }, n),
  )
}

/** Greatest elements of windows that divide each axis as evenly as possible, and where they are. */
export function adaptiveMaxPoolWithIndices(x: TensorBase, outputSize: OutputSize): Greatest {
  const extents = outputExtents('adaptiveMaxPool', x, outputSize)
  const window = evenWindow(x, extents)
  if (window) return maxPoolWithIndices(x, window)
  const spatial = x.shape.slice(2)
  const shape = [...x.shape.slice(0, 2), ...extents]
  const [values, indices] = applyAll('adaptiveMaxPool', [x], (n) => {
    const windows = extents.map((d, i) => dividing(spatial[i], d))
    const picked = pickFromWindows(n, planeWindows(spatial, windows), (v) => v)
    return [ops.reshape(picked.values, shape), ops.reshape(picked.indices, shape)]
  })
  return { values, indices }
}

/** Greatest elements of windows that divide each axis as evenly as possible: `[B, C, H, W] → [B, C, ...outputSize]`. */
export function adaptiveMaxPool(x: TensorBase, outputSize: OutputSize): Tensor {
  return adaptiveMaxPoolWithIndices(x, outputSize).values
}

export interface GlobalPoolOptions {
  /** Whether the spatial axes stay, with extent 1 (default false). */
  readonly keepDims?: boolean
}

function spatialAxes(operation: string, x: TensorBase): number[] {
  if (x.rank > 2 && sizeOf(x.shape.slice(2)) > 0) return x.shape.slice(2).map((_, i) => 2 + i)
  throw new GliaError(`${operation}: expects [B, C, …] with spatial axes; received ${showShape(x.shape)}.`)
}

/** Mean over all spatial axes (Lin et al. 2014): `[B, C, …] → [B, C]`. */
export function globalAvgPool(x: TensorBase, options: GlobalPoolOptions = {}): Tensor {
  const axes = spatialAxes('globalAvgPool', x)
  const count = sizeOf(x.shape.slice(2))
  return apply('globalAvgPool', [x], (n) => ops.div(ops.reduceSum(n, axes, options.keepDims ?? false), count))
}

/** Greatest element over all spatial axes: `[B, C, …] → [B, C]`. */
export function globalMaxPool(x: TensorBase, options: GlobalPoolOptions = {}): Tensor {
  const axes = spatialAxes('globalMaxPool', x)
  return apply('globalMaxPool', [x], (n) => ops.reduceMax(n, axes, options.keepDims ?? false))
}

export interface FractionalMaxPoolOptions {
  /** Extents of the output, or … */
  readonly outputSize?: Extent
  /** … their ratio to the input's, in (0, 1). */
  readonly outputRatio?: Extent
  /**
   * In [0, 1): where the windows of each image and channel start, `[B, C, axes]` (default: drawn afresh). Of images, the
   * first is for the width, as in PyTorch.
   */
  readonly randomSamples?: TensorBase
}

/**
 * Greatest elements of windows of fixed extent at pseudo-random distances (Graham 2014), so that the output has any
 * extents, and where they are.
 *
 * @param x `[B, C, H, W]`
 */
export function fractionalMaxPoolWithIndices(
  x: TensorBase,
  kernelSize: Extent,
  options: FractionalMaxPoolOptions,
): Greatest {
  const axes = typeof kernelSize === 'number' ? x.rank - 2 : kernelSize.length
  checkImages('fractionalMaxPool', x, axes)
  const kernel = perAxis('fractionalMaxPool', 'kernelSize', kernelSize, axes, 1)
  const extents = fractionalExtents(x, kernel, options)
  const [batch, channels, ...spatial] = x.shape
  const samples = options.randomSamples ?? rand([batch, channels, axes], { device: x.device })
  if (samples.size !== batch * channels * axes) {
    throw new GliaError(
      `fractionalMaxPool: randomSamples must be ${showShape([batch, channels, axes])}; received ${showShape(samples.shape)}.`,
    )
  }
  const shape = [batch, channels, ...extents]
  const [values, indices] = applyAll('fractionalMaxPool', [x, samples], (n, s) => {
    const planes = batch * channels
    const rows = ops.reshape(s, [planes, axes])
    let positions: Node = ops.constant(0, 'int32')
    let [places, window] = [1, 1]
    spatial.forEach((extent, i) => {
      const column = ops.slice(rows, [0, axes === 2 ? 1 - i : i], [planes, 1])
      const along = ops.add(
        ops.reshape(starts(column, extent, extents[i], kernel[i]), [planes, extents[i], 1]),
        ops.iota(kernel[i]),
      )
      const outer = ops.mul(ops.reshape(positions, i === 0 ? [1, 1, 1, 1, 1] : [planes, places, 1, window, 1]), extent)
      const both = ops.add(outer, ops.reshape(along, [planes, 1, extents[i], 1, kernel[i]]))
      places *= extents[i]
      window *= kernel[i]
      positions = ops.reshape(both, [planes, places, window])
    })
    const picked = pickFromWindows(n, positions, (v) => v)
    return [ops.reshape(picked.values, shape), ops.reshape(picked.indices, shape)]
  })
  return { values, indices }
}

/** As `fractionalMaxPoolWithIndices`, the values alone. */
export function fractionalMaxPool(x: TensorBase, kernelSize: Extent, options: FractionalMaxPoolOptions): Tensor {
  return fractionalMaxPoolWithIndices(x, kernelSize, options).values
}

function fractionalExtents(x: TensorBase, kernel: readonly number[], options: FractionalMaxPoolOptions): number[] {
  const { outputSize, outputRatio } = options
  const name = 'fractionalMaxPool'
  if ((outputSize === undefined) === (outputRatio === undefined)) {
    throw new GliaError(`${name}: takes either outputSize or outputRatio.`)
  }
  const spatial = x.shape.slice(2)
  const ratios = typeof outputRatio === 'number' ? spatial.map(() => outputRatio) : outputRatio
  if (ratios && (ratios.length !== spatial.length || ratios.some((r) => !(r > 0 && r < 1)))) {
    throw new GliaError(`${name}: outputRatio must lie in (0, 1) for each spatial axis; received ${ratios}.`)
  }
  const extents = perAxis(
    name,
    'outputSize',
    ratios ? spatial.map((d, i) => Math.floor(d * ratios[i])) : (outputSize ?? 1),
    spatial.length,
    1,
  )
  if (extents.some((d, i) => d + kernel[i] - 1 > spatial[i])) {
    throw new GliaError(
      `${name}: ${showShape(extents)} windows of ${showShape(kernel)} do not fit an input of ${showShape(x.shape)}.`,
    )
  }
  return extents
}

/** Where windows start: ⌊(i + u) α⌋ − ⌊u α⌋, α = (n − k) / (outputs − 1), the last one flush with the end. */
function starts(u: Node, extent: number, outputs: number, kernel: number): Node {
  const last = ops.eq(ops.iota(outputs), outputs - 1)
  if (outputs === 1) return ops.full([u.shape[0], 1], extent - kernel, 'int32')
  const alpha = (extent - kernel) / (outputs - 1)
  const i = ops.cast(ops.iota(outputs), u.dtype)
  const floored = (n: Node): Node => ops.cast(ops.floor(ops.mul(n, alpha)), 'int32')
  return ops.select(last, extent - kernel, ops.sub(floored(ops.add(i, u)), floored(u)))
}
