/** @file Elements moved between channels and pixels, and between groups of channels. Views. */
import { GliaError } from '../../core/errors.ts'
import { showShape } from '../../core/shape.ts'
import { ops } from '../../graph/ops.ts'
import { apply } from '../../tensor/apply.ts'
import type { TensorBase } from '../../tensor/base.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { checkImages, perAxis } from './spatial.ts'

/** Channels become pixels (Shi et al. 2016): `[B, C r², H, W] → [B, C, H r, W r]`. */
export function pixelShuffle(x: TensorBase, factor: number): Tensor {
  const [r] = perAxis('pixelShuffle', 'factor', factor, 1, 1)
  checkImages('pixelShuffle', x, 2)
  const [batch, channels, height, width] = x.shape
  if (channels % (r * r) !== 0) {
    throw new GliaError(
      `pixelShuffle: the channels must be a multiple of factor² = ${r * r}; received ${showShape(x.shape)}.`,
    )
  }
  const kept = channels / (r * r)
  return apply('pixelShuffle', [x], (n) => {
    const apart = ops.permute(ops.reshape(n, [batch, kept, r, r, height, width]), [0, 1, 4, 2, 5, 3])
    return ops.reshape(apart, [batch, kept, height * r, width * r])
  })
}

/** Undoes `pixelShuffle`: `[B, C, H r, W r] → [B, C r², H, W]`. */
export function pixelUnshuffle(x: TensorBase, factor: number): Tensor {
  const [r] = perAxis('pixelUnshuffle', 'factor', factor, 1, 1)
  checkImages('pixelUnshuffle', x, 2)
  const [batch, channels, height, width] = x.shape
  if (height % r !== 0 || width % r !== 0) {
    throw new GliaError(
      `pixelUnshuffle: height and width must be multiples of factor ${r}; received ${showShape(x.shape)}.`,
    )
  }
  return apply('pixelUnshuffle', [x], (n) => {
    const split = ops.reshape(n, [batch, channels, height / r, r, width / r, r])
    return ops.reshape(ops.permute(split, [0, 1, 3, 5, 2, 4]), [batch, channels * r * r, height / r, width / r])
  })
}

/** Channel `g · n + k` of `[B, C, …]` becomes `k · groups + g`, n = C / groups (Zhang et al. 2018). */
export function channelShuffle(x: TensorBase, groups: number): Tensor {
  const [batch, channels, ...rest] = x.shape
  if (x.rank < 3 || !Number.isInteger(groups) || groups < 1 || channels % groups !== 0) {
    throw new GliaError(
      `channelShuffle: expects [B, C, …] with C a multiple of the ${groups} groups; received ${showShape(x.shape)}.`,
    )
  }
  return apply('channelShuffle', [x], (n) => {
    const split = ops.reshape(n, [batch, groups, channels / groups, ...rest])
    return ops.reshape(ops.permute(split, [0, 2, 1, ...rest.map((_, i) => 3 + i)]), x.shape)
  })
}
