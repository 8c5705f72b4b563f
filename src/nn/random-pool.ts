/** @file Pools that choose at random: where windows lie (fractional), or which of their elements counts (stochastic). */
import { GliaError } from '../core/errors.ts'
import type { Tensor } from '../tensor/tensor.ts'
import {
  type FractionalMaxPoolOptions,
  fractionalMaxPool,
  fractionalMaxPoolWithIndices,
} from './functional/adaptive.ts'
import type { Greatest } from './functional/pool.ts'
import { type Extent, perAxis } from './functional/spatial.ts'
import { type StochasticPoolOptions, stochasticPool, stochasticPoolMean } from './functional/stochastic.ts'
import { SpatialModule } from './spatial.ts'

/** Either the output's extents or their ratio to the input's. */
export type FractionalMaxPoolLayerOptions = Omit<FractionalMaxPoolOptions, 'randomSamples'>

/** Numbers in [0, 1), `[B, C, axes]`, that say where windows lie, instead of fresh ones. */
export type FractionalSamples = Pick<FractionalMaxPoolOptions, 'randomSamples'>

abstract class FractionalMaxPool extends SpatialModule<[x: Tensor, options?: FractionalSamples], Tensor> {
  readonly kernelSize: readonly number[]
  readonly options: FractionalMaxPoolLayerOptions

  constructor(kernelSize: Extent, options: FractionalMaxPoolLayerOptions) {
    super()
    const { axes } = this
    const { name } = new.target
    this.kernelSize = perAxis(name, 'kernelSize', kernelSize, axes, 1)
    if ((options.outputSize === undefined) === (options.outputRatio === undefined)) {
      throw new GliaError(`${name}: takes either outputSize or outputRatio.`)
    }
    this.options = options
  }

  forward(x: Tensor, options: FractionalSamples = {}): Tensor {
    this.check(x)
    return fractionalMaxPool(x, this.kernelSize, { ...this.options, ...options })
  }

  /** The result together with where each value was (PyTorch's `return_indices`). */
  withIndices(x: Tensor, options: FractionalSamples = {}): Greatest {
    this.check(x)
    return fractionalMaxPoolWithIndices(x, this.kernelSize, { ...this.options, ...options })
  }
}

/**
 * Greatest elements of windows of k elements at pseudo-random distances (Graham 2014), so that any output extents are
 * possible: `[B, C, L] → [B, C, L′]`.
 */
export class FractionalMaxPool1d extends FractionalMaxPool {
  protected static override readonly axes = 1
}

/** As `FractionalMaxPool1d`, of `[B, C, H, W]`. */
export class FractionalMaxPool2d extends FractionalMaxPool {
  protected static override readonly axes = 2
}

/** As `FractionalMaxPool1d`, of `[B, C, D, H, W]`. */
export class FractionalMaxPool3d extends FractionalMaxPool {
  protected static override readonly axes = 3
}

abstract class StochasticPool extends SpatialModule {
  readonly kernelSize: readonly number[]
  readonly options: StochasticPoolOptions

  constructor(kernelSize: Extent, options: StochasticPoolOptions = {}) {
    super()
    const { axes } = this
    const { name } = new.target
    this.kernelSize = perAxis(name, 'kernelSize', kernelSize, axes, 1)
    if (options.stride !== undefined) perAxis(name, 'stride', options.stride, axes, 1)
    this.options = options
  }

  forward(x: Tensor): Tensor {
    this.check(x)
    const pool = this.training ? stochasticPool : stochasticPoolMean
    return pool(x, this.kernelSize, this.options)
  }
}

/**
 * Stochastic pooling (Zeiler & Fergus 2013) of activations that are not negative: in training each window gives one of its
 * elements, drawn with a probability proportional to its value; in evaluation the mean of that, Σ a² / Σ a.
 * `[B, C, L] → [B, C, L′]`. Stride is the window unless given.
 */
export class StochasticPool1d extends StochasticPool {
  protected static override readonly axes = 1
}

/** As `StochasticPool1d`, of `[B, C, H, W]`. */
export class StochasticPool2d extends StochasticPool {
  protected static override readonly axes = 2
}

/** As `StochasticPool1d`, of `[B, C, D, H, W]`. */
export class StochasticPool3d extends StochasticPool {
  protected static override readonly axes = 3
}
