/** @file Pools that are given their output's extents, and global ones. */
import type { Tensor } from '../tensor/tensor.ts'
import {
  adaptiveAvgPool,
  adaptiveMaxPool,
  adaptiveMaxPoolWithIndices,
  type GlobalPoolOptions,
  globalAvgPool,
  globalMaxPool,
  type OutputSize,
} from './functional/adaptive.ts'
import type { Greatest } from './functional/pool.ts'
import { checkImages, perAxis } from './functional/spatial.ts'
import { Module } from './module.ts'

abstract class AdaptivePool extends Module {
  readonly outputSize: readonly (number | null)[]

  constructor(axes: number, outputSize: OutputSize) {
    super()
    const list = typeof outputSize === 'number' ? new Array<number>(axes).fill(outputSize) : outputSize
    perAxis(
      new.target.name,
      'outputSize',
      list.map((d) => d ?? 1),
      axes,
      1,
    )
    this.outputSize = list
  }

  protected check(x: Tensor): void {
    checkImages(this.constructor.name, x, this.outputSize.length)
  }
}

abstract class AdaptiveAvgPool extends AdaptivePool {
  forward(x: Tensor): Tensor {
    this.check(x)
    return adaptiveAvgPool(x, this.outputSize)
  }
}

/** Means over windows that divide the axis as evenly as possible: `[B, C, L] → [B, C, outputSize]`. */
export class AdaptiveAvgPool1d extends AdaptiveAvgPool {
  constructor(outputSize: OutputSize) {
    super(1, outputSize)
  }
}

/** As `AdaptiveAvgPool1d`, of `[B, C, H, W]`. */
export class AdaptiveAvgPool2d extends AdaptiveAvgPool {
  constructor(outputSize: OutputSize) {
    super(2, outputSize)
  }
}

/** As `AdaptiveAvgPool1d`, of `[B, C, D, H, W]`. */
export class AdaptiveAvgPool3d extends AdaptiveAvgPool {
  constructor(outputSize: OutputSize) {
    super(3, outputSize)
  }
}

abstract class AdaptiveMaxPool extends AdaptivePool {
  forward(x: Tensor): Tensor {
    this.check(x)
    return adaptiveMaxPool(x, this.outputSize)
  }

  /** The result together with where each value was (PyTorch's `return_indices`). */
  withIndices(x: Tensor): Greatest {
    this.check(x)
    return adaptiveMaxPoolWithIndices(x, this.outputSize)
  }
}

/** Greatest elements of windows that divide the axis as evenly as possible: `[B, C, L] → [B, C, outputSize]`. */
export class AdaptiveMaxPool1d extends AdaptiveMaxPool {
  constructor(outputSize: OutputSize) {
    super(1, outputSize)
  }
}

/** As `AdaptiveMaxPool1d`, of `[B, C, H, W]`. */
export class AdaptiveMaxPool2d extends AdaptiveMaxPool {
  constructor(outputSize: OutputSize) {
    super(2, outputSize)
  }
}

/** As `AdaptiveMaxPool1d`, of `[B, C, D, H, W]`. */
export class AdaptiveMaxPool3d extends AdaptiveMaxPool {
  constructor(outputSize: OutputSize) {
    super(3, outputSize)
  }
}

abstract class GlobalPool extends Module {
  readonly options: GlobalPoolOptions
  readonly #axes: number

  constructor(axes: number, options: GlobalPoolOptions = {}) {
    super()
    this.#axes = axes
    this.options = options
  }

  protected check(x: Tensor): void {
    checkImages(this.constructor.name, x, this.#axes)
  }
}

abstract class GlobalAvgPool extends GlobalPool {
  forward(x: Tensor): Tensor {
    this.check(x)
    return globalAvgPool(x, this.options)
  }
}

/** Mean over the spatial axes (Lin et al. 2014): `[B, C, L] → [B, C]`, or `[B, C, 1]` with `keepDims`. */
export class GlobalAvgPool1d extends GlobalAvgPool {
  constructor(options?: GlobalPoolOptions) {
    super(1, options)
  }
}

/** As `GlobalAvgPool1d`, of `[B, C, H, W]`. */
export class GlobalAvgPool2d extends GlobalAvgPool {
  constructor(options?: GlobalPoolOptions) {
    super(2, options)
  }
}

/** As `GlobalAvgPool1d`, of `[B, C, D, H, W]`. */
export class GlobalAvgPool3d extends GlobalAvgPool {
  constructor(options?: GlobalPoolOptions) {
    super(3, options)
  }
}

abstract class GlobalMaxPool extends GlobalPool {
  forward(x: Tensor): Tensor {
    this.check(x)
    return globalMaxPool(x, this.options)
  }
}

/** Greatest element over the spatial axes: `[B, C, L] → [B, C]`, or `[B, C, 1]` with `keepDims`. */
export class GlobalMaxPool1d extends GlobalMaxPool {
  constructor(options?: GlobalPoolOptions) {
    super(1, options)
  }
}

/** As `GlobalMaxPool1d`, of `[B, C, H, W]`. */
export class GlobalMaxPool2d extends GlobalMaxPool {
  constructor(options?: GlobalPoolOptions) {
    super(2, options)
  }
}

/** As `GlobalMaxPool1d`, of `[B, C, D, H, W]`. */
export class GlobalMaxPool3d extends GlobalMaxPool {
  constructor(options?: GlobalPoolOptions) {
    super(3, options)
  }
}
