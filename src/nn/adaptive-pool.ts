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
import { perAxis } from './functional/spatial.ts'
import { SpatialModule } from './spatial.ts'

abstract class AdaptivePool extends SpatialModule {
  readonly outputSize: readonly (number | null)[]

  constructor(outputSize: OutputSize) {
    super()
    const { axes } = this
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
}

abstract class AdaptiveAvgPool extends AdaptivePool {
  forward(x: Tensor): Tensor {
    this.check(x)
    return adaptiveAvgPool(x, this.outputSize)
  }
}

/** Means over windows that divide the axis as evenly as possible: `[B, C, L] → [B, C, outputSize]`. */
export class AdaptiveAvgPool1d extends AdaptiveAvgPool {
  protected static override readonly axes = 1
}

/** As `AdaptiveAvgPool1d`, of `[B, C, H, W]`. */
export class AdaptiveAvgPool2d extends AdaptiveAvgPool {
  protected static override readonly axes = 2
}

/** As `AdaptiveAvgPool1d`, of `[B, C, D, H, W]`. */
export class AdaptiveAvgPool3d extends AdaptiveAvgPool {
  protected static override readonly axes = 3
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
  protected static override readonly axes = 1
}

/** As `AdaptiveMaxPool1d`, of `[B, C, H, W]`. */
export class AdaptiveMaxPool2d extends AdaptiveMaxPool {
  protected static override readonly axes = 2
}

/** As `AdaptiveMaxPool1d`, of `[B, C, D, H, W]`. */
export class AdaptiveMaxPool3d extends AdaptiveMaxPool {
  protected static override readonly axes = 3
}

abstract class GlobalPool extends SpatialModule {
  readonly options: GlobalPoolOptions

  constructor(options: GlobalPoolOptions = {}) {
    super()
    this.options = options
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
  protected static override readonly axes = 1
}

/** As `GlobalAvgPool1d`, of `[B, C, H, W]`. */
export class GlobalAvgPool2d extends GlobalAvgPool {
  protected static override readonly axes = 2
}

/** As `GlobalAvgPool1d`, of `[B, C, D, H, W]`. */
export class GlobalAvgPool3d extends GlobalAvgPool {
  protected static override readonly axes = 3
}

abstract class GlobalMaxPool extends GlobalPool {
  forward(x: Tensor): Tensor {
    this.check(x)
    return globalMaxPool(x, this.options)
  }
}

/** Greatest element over the spatial axes: `[B, C, L] → [B, C]`, or `[B, C, 1]` with `keepDims`. */
export class GlobalMaxPool1d extends GlobalMaxPool {
  protected static override readonly axes = 1
}

/** As `GlobalMaxPool1d`, of `[B, C, H, W]`. */
export class GlobalMaxPool2d extends GlobalMaxPool {
  protected static override readonly axes = 2
}

/** As `GlobalMaxPool1d`, of `[B, C, D, H, W]`. */
export class GlobalMaxPool3d extends GlobalMaxPool {
  protected static override readonly axes = 3
}
