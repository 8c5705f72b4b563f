/** @file Conv2d: convolution over images. */
import { GliaError } from '../core/errors.ts'
import { Parameter } from '../tensor/parameter.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { perAxis } from './functional/spatial.ts'
import { type ConvOptions, conv, type Extent } from './functional.ts'
import { type Init, initialiser } from './init.ts'
import { biasOf } from './linear.ts'
import { Module } from './module.ts'

export interface Conv2dOptions extends ConvOptions {
  /** Whether to add a bias per output channel (default true). */
  readonly bias?: boolean
  /** Initial weight (default PyTorch's: uniform, bound 1/√fanIn). Other than the default, the bias starts at zero. */
  readonly init?: Init
}

/**
 * Convolution of images: `[B, C, H, W] → [B, O, H′, W′]`, H′ = ⌊(H + 2 padding − dilation (k − 1) − 1) / stride⌋ + 1.
 *
 * Parameters: `weight` `[O, C / groups, k, k]`, `bias` `[O]`.
 *
 * @param kernelSize k, or [height, width]
 */
export class Conv2d extends Module {
  weight: Parameter
  bias: Parameter | null
  readonly options: Conv2dOptions

  constructor(inChannels: number, outChannels: number, kernelSize: Extent, options: Conv2dOptions = {}) {
    super()
    const kernel = perAxis('Conv2d', 'kernelSize', kernelSize, 2, 1)
    const groups = options.groups ?? 1
    if (inChannels % groups !== 0 || outChannels % groups !== 0) {
      throw new GliaError(
        `Conv2d: groups must divide the channels; received groups ${groups} for ${inChannels} → ${outChannels} channels.`,
      )
    }
    const shape = [outChannels, inChannels / groups, ...kernel]
    this.options = options
    this.weight = new Parameter(initialiser(options.init ?? 'kaimingUniformDefault')(shape))
    this.bias =
      options.bias === false ? null : new Parameter(biasOf(outChannels, shape[1] * kernel[0] * kernel[1], options.init))
  }

  forward(x: Tensor): Tensor {
    return conv(x, this.weight, this.bias, this.options)
  }
}
