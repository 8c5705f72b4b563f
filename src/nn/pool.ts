/** @file Pooling over images. */
import type { Tensor } from '../tensor/tensor.ts'
import { type AvgPoolOptions, avgPool, type Extent, type MaxPoolOptions, maxPool } from './functional.ts'
import { Module } from './module.ts'

/** Greatest element of each k × k window: `[B, C, H, W] → [B, C, H′, W′]`. Stride is the window unless given. */
export class MaxPool2d extends Module {
  readonly kernelSize: readonly number[]
  readonly options: MaxPoolOptions

  constructor(kernelSize: Extent, options: MaxPoolOptions = {}) {
    super()
    this.kernelSize = typeof kernelSize === 'number' ? [kernelSize, kernelSize] : kernelSize
    this.options = options
  }

  forward(x: Tensor): Tensor {
    return maxPool(x, this.kernelSize, this.options)
  }
}

/** Mean of each k × k window: `[B, C, H, W] → [B, C, H′, W′]`. Stride is the window unless given. */
export class AvgPool2d extends Module {
  readonly kernelSize: readonly number[]
  readonly options: AvgPoolOptions

  constructor(kernelSize: Extent, options: AvgPoolOptions = {}) {
    super()
    this.kernelSize = typeof kernelSize === 'number' ? [kernelSize, kernelSize] : kernelSize
    this.options = options
  }

  forward(x: Tensor): Tensor {
    return avgPool(x, this.kernelSize, this.options)
  }
}
