/** @file Pools over windows of sequences, images and volumes, and the undoing of maximum pools. */

import { GliaError } from '../core/errors.ts'
import type { Shape } from '../core/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import {
  type AvgPoolOptions,
  avgPool,
  type Greatest,
  type LpPoolOptions,
  lpPool,
  type MaxPoolOptions,
  maxPool,
  maxPoolWithIndices,
  type PoolOptions,
  sumPool,
} from './functional/pool.ts'
import { type Extent, perAxis } from './functional/spatial.ts'
import { type MaxUnpoolOptions, maxUnpool } from './functional/unpool.ts'
import { SpatialModule } from './spatial.ts'

/** A layer of windows: their extents, and options that are checked here. */
abstract class Pool<O extends PoolOptions> extends SpatialModule {
  readonly kernelSize: readonly number[]
  readonly options: O

  constructor(kernelSize: Extent, options: O) {
    super()
    const { axes } = this
    const { name } = new.target
    const { stride, padding = 0 } = options
    this.kernelSize = perAxis(name, 'kernelSize', kernelSize, axes, 1)
    if (stride !== undefined) perAxis(name, 'stride', stride, axes, 1)
    if (padding !== 'same' && padding !== 'valid') {
      const sides = perAxis(name, 'padding', padding, axes, 0)
      if (sides.some((p, i) => 2 * p > this.kernelSize[i])) {
        throw new GliaError(
          `${name}: padding may be at most half the window; received padding [${sides}], window [${this.kernelSize}].`,
        )
      }
    }
    this.options = options
  }
}

abstract class MaxPool extends Pool<MaxPoolOptions> {
  constructor(kernelSize: Extent, options: MaxPoolOptions = {}) {
    super(kernelSize, options)
    perAxis(new.target.name, 'dilation', options.dilation ?? 1, this.axes, 1)
  }

  forward(x: Tensor): Tensor {
    this.check(x)
    return maxPool(x, this.kernelSize, this.options)
  }

  /** The result together with where each value was, which is what `MaxUnpool` takes (PyTorch's `return_indices`). */
  withIndices(x: Tensor): Greatest {
    this.check(x)
    return maxPoolWithIndices(x, this.kernelSize, this.options)
  }
}

/**
 * Greatest element of each window of k elements: `[B, C, L] → [B, C, L′]`,
 * L′ = ⌊(L + 2 padding − dilation (k − 1) − 1) / stride⌋ + 1. Stride is the window unless given.
 */
export class MaxPool1d extends MaxPool {
  protected static override readonly axes = 1
}

/** As `MaxPool1d`, of `[B, C, H, W]`. */
export class MaxPool2d extends MaxPool {
  protected static override readonly axes = 2
}

/** As `MaxPool1d`, of `[B, C, D, H, W]`. */
export class MaxPool3d extends MaxPool {
  protected static override readonly axes = 3
}

abstract class AvgPool extends Pool<AvgPoolOptions> {
  constructor(kernelSize: Extent, options: AvgPoolOptions = {}) {
    super(kernelSize, options)
    const { divisorOverride } = options
    if (divisorOverride !== undefined && !(divisorOverride !== 0 && Number.isFinite(divisorOverride))) {
      throw new GliaError(
        `${new.target.name}: divisorOverride must be a number other than 0; received ${divisorOverride}.`,
      )
    }
  }

  forward(x: Tensor): Tensor {
    this.check(x)
    return avgPool(x, this.kernelSize, this.options)
  }
}

/** Mean of each window of k elements: `[B, C, L] → [B, C, L′]`. Stride is the window unless given. */
export class AvgPool1d extends AvgPool {
  protected static override readonly axes = 1
}

/** As `AvgPool1d`, of `[B, C, H, W]`. */
export class AvgPool2d extends AvgPool {
  protected static override readonly axes = 2
}

/** As `AvgPool1d`, of `[B, C, D, H, W]`. */
export class AvgPool3d extends AvgPool {
  protected static override readonly axes = 3
}

abstract class SumPool extends Pool<PoolOptions> {
  constructor(kernelSize: Extent, options: PoolOptions = {}) {
    super(kernelSize, options)
  }

  forward(x: Tensor): Tensor {
    this.check(x)
    return sumPool(x, this.kernelSize, this.options)
  }
}

/** Sum of each window of k elements: `[B, C, L] → [B, C, L′]`. Stride is the window unless given. */
export class SumPool1d extends SumPool {
  protected static override readonly axes = 1
}

/** As `SumPool1d`, of `[B, C, H, W]`. */
export class SumPool2d extends SumPool {
  protected static override readonly axes = 2
}

/** As `SumPool1d`, of `[B, C, D, H, W]`. */
export class SumPool3d extends SumPool {
  protected static override readonly axes = 3
}

abstract class LpPool extends Pool<LpPoolOptions> {
  readonly p: number

  constructor(p: number, kernelSize: Extent, options: LpPoolOptions = {}) {
    super(kernelSize, options)
    if (!(p > 0 && p < Infinity)) {
      throw new GliaError(`${new.target.name}: p must be greater than 0 and finite; received ${p}.`)
    }
    this.p = p
  }

  forward(x: Tensor): Tensor {
    this.check(x)
    return lpPool(x, this.p, this.kernelSize, this.options)
  }
}

/** `(Σ xᵖ)^(1/p)` of each window of k elements: `[B, C, L] → [B, C, L′]`. Stride is the window unless given. */
export class LPPool1d extends LpPool {
  protected static override readonly axes = 1
}

/** As `LPPool1d`, of `[B, C, H, W]`. */
export class LPPool2d extends LpPool {
  protected static override readonly axes = 2
}

/** As `LPPool1d`, of `[B, C, D, H, W]`. */
export class LPPool3d extends LpPool {
  protected static override readonly axes = 3
}

export type MaxUnpoolLayerOptions = Omit<MaxUnpoolOptions, 'outputSize'>

abstract class MaxUnpool extends SpatialModule<
  [x: Tensor, indices: Tensor, options?: { readonly outputSize?: Shape }],
  Tensor
> {
  readonly kernelSize: readonly number[]
  readonly options: MaxUnpoolLayerOptions

  constructor(kernelSize: Extent, options: MaxUnpoolLayerOptions = {}) {
    super()
    const { axes } = this
    const { name } = new.target
    this.kernelSize = perAxis(name, 'kernelSize', kernelSize, axes, 1)
    perAxis(name, 'stride', options.stride ?? 1, axes, 1)
    perAxis(name, 'padding', options.padding ?? 0, axes, 0)
    this.options = options
  }

  /** @param options.outputSize spatial extents, where the pool dropped some elements */
  forward(x: Tensor, indices: Tensor, options: { readonly outputSize?: Shape } = {}): Tensor {
    this.check(x)
    return maxUnpool(x, indices, this.kernelSize, { ...this.options, ...options })
  }
}

/**
 * Undoes `MaxPool1d` as far as that goes (Zeiler & Fergus 2014): zeros, but values and their places as `withIndices` gave
 * them, `[B, C, L] → [B, C, L′]`, L′ = (L − 1) stride − 2 padding + k unless `forward` is told.
 */
export class MaxUnpool1d extends MaxUnpool {
  protected static override readonly axes = 1
}

/** As `MaxUnpool1d`, of `[B, C, H, W]`. */
export class MaxUnpool2d extends MaxUnpool {
  protected static override readonly axes = 2
}

/** As `MaxUnpool1d`, of `[B, C, D, H, W]`. */
export class MaxUnpool3d extends MaxUnpool {
  protected static override readonly axes = 3
}
