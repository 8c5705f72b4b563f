/** @file Stochastic pooling (Zeiler & Fergus 2013). */
import { GliaError } from '../../core/errors.ts'
import { showShape } from '../../core/shape.ts'
import { ops } from '../../graph/ops.ts'
import { apply } from '../../tensor/apply.ts'
import type { TensorBase } from '../../tensor/base.ts'
import { type RandomOptions, rand } from '../../tensor/random.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { pickFromWindows, planeWindows } from './pick.ts'
import { sumPool } from './pool.ts'
import { checkImages, type Extent, perAxis } from './spatial.ts'

export interface StochasticPoolOptions {
  /** Default: the window's extent. */
  readonly stride?: Extent
}

/**
 * From each window one element, drawn with a probability proportional to its value; 0 from a window of zeros.
 *
 * @param x `[B, C, H, W]`, not negative: activations after ReLU. Negative elements are never drawn beside positive ones.
 * @returns `[B, C, H′, W′]`, H′ = ⌊(H − k) / stride⌋ + 1
 */
export function stochasticPool(
  x: TensorBase,
  kernelSize: Extent,
  options: StochasticPoolOptions & RandomOptions = {},
): Tensor {
  const axes = typeof kernelSize === 'number' ? x.rank - 2 : kernelSize.length
  checkImages('stochasticPool', x, axes)
  const kernel = perAxis('stochasticPool', 'kernelSize', kernelSize, axes, 1)
  const stride = perAxis('stochasticPool', 'stride', options.stride ?? kernelSize, axes, 1)
  const spatial = x.shape.slice(2)
  const extents = spatial.map((d, i) => Math.floor((d - kernel[i]) / stride[i]) + 1)
  if (extents.some((d) => d < 1)) {
    throw new GliaError(`stochasticPool: windows of ${showShape(kernel)} do not fit an input of ${showShape(x.shape)}.`)
  }
  const windows = extents.map((d, i) =>
    Array.from({ length: d }, (_, o) => Array.from({ length: kernel[i] }, (_, k) => o * stride[i] + k)),
  )
  const positions = planeWindows(spatial, windows)
  const [, places, window] = positions.shape
  const noise = rand([x.shape[0] * x.shape[1], places, window], { ...options, device: x.device })
  return apply('stochasticPool', [x, noise], (n, u) => {
    // The race of exponential clocks: of −log(u) / a, the least is a's with probability a / Σ a.
    const clocks = ops.neg(ops.log(ops.sub(1, u)))
    const { values } = pickFromWindows(n, positions, (v) => ops.div(ops.max(v, 0), ops.max(clocks, 1e-30)))
    return ops.reshape(values, [...x.shape.slice(0, 2), ...extents])
  })
}

/** What `stochasticPool` draws on average, `Σ a² / Σ a` of each window: for evaluation. */
export function stochasticPoolMean(x: TensorBase, kernelSize: Extent, options: StochasticPoolOptions = {}): Tensor {
  const squares = apply('stochasticPool', [x], (n) => ops.mul(n, n))
  return apply('stochasticPool', [sumPool(squares, kernelSize, options), sumPool(x, kernelSize, options)], (s, t) =>
    ops.select(ops.eq(t, 0), 0, ops.div(s, ops.select(ops.eq(t, 0), 1, t))),
  )
}
