/** @file Layers that change the extents of images without learning: upsampling, and pixels from channels. */
import type { Tensor } from '../tensor/tensor.ts'
import { checkCounts } from './check.ts'
import { checkOptions, type InterpolateOptions, interpolate } from './functional/interpolate.ts'
import { channelShuffle, pixelShuffle, pixelUnshuffle } from './functional/shuffle.ts'
import { Module } from './module.ts'

/** Resamples the spatial axes to `size`, or by `scaleFactor`: `[B, C, H, W] → [B, C, H′, W′]`. */
export class Upsample extends Module {
  readonly options: InterpolateOptions

  constructor(options: InterpolateOptions) {
    super()
    checkOptions(options)
    this.options = options
  }

  forward(x: Tensor): Tensor {
    return interpolate(x, this.options)
  }
}

/** Channels become pixels (Shi et al. 2016): `[B, C r², H, W] → [B, C, H r, W r]`. */
export class PixelShuffle extends Module {
  readonly factor: number

  /** @param factor r */
  constructor(factor: number) {
    super()
    checkCounts('PixelShuffle', { factor })
    this.factor = factor
  }

  forward(x: Tensor): Tensor {
    return pixelShuffle(x, this.factor)
  }
}

/** Undoes `PixelShuffle`: `[B, C, H r, W r] → [B, C r², H, W]`. */
export class PixelUnshuffle extends Module {
  readonly factor: number

  /** @param factor r */
  constructor(factor: number) {
    super()
    checkCounts('PixelUnshuffle', { factor })
    this.factor = factor
  }

  forward(x: Tensor): Tensor {
    return pixelUnshuffle(x, this.factor)
  }
}

/** Channel `g · n + k` of `[B, C, …]` becomes `k · groups + g`, n = C / groups (Zhang et al. 2018). */
export class ChannelShuffle extends Module {
  readonly groups: number

  constructor(groups: number) {
    super()
    checkCounts('ChannelShuffle', { groups })
    this.groups = groups
  }

  forward(x: Tensor): Tensor {
    return channelShuffle(x, this.groups)
  }
}
