/** @file Normalisation layers without running statistics: layer, group, root mean square, local response. */
import { GliaError } from '../core/errors.ts'
import { type Shape, showShape } from '../core/shape.ts'
import { ones, zeros } from '../tensor/factories.ts'
import { Parameter } from '../tensor/parameter.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { checkCounts, checkEps } from './check.ts'
import { groupNorm, type LocalResponseOptions, layerNorm, localResponseNorm, rmsNorm } from './functional/normalise.ts'
import { Module } from './module.ts'

export interface LayerNormOptions {
  /** Added to the variance (default 1e-5). */
  readonly eps?: number
  /** Whether to scale and shift by learned parameters (default true). */
  readonly elementwiseAffine?: boolean
  /** Whether there is a shift beside the scale (default true). */
  readonly bias?: boolean
}

/**
 * Layer normalisation (Ba et al. 2016): `(x − mean) / √(variance + ε) · weight + bias`, statistics over the last axes.
 *
 * Parameters: `weight`, `bias` of `shape`.
 */
export class LayerNorm extends Module {
  weight: Parameter | null
  bias: Parameter | null
  readonly shape: Shape
  readonly eps: number

  /** @param shape extents of the last axes; a number for one */
  constructor(shape: number | Shape, options: LayerNormOptions = {}) {
    super()
    const { eps = 1e-5, elementwiseAffine = true, bias = true } = options
    checkEps('LayerNorm', eps)
    this.shape = checkShape('LayerNorm', shape)
    this.eps = eps
    this.weight = elementwiseAffine ? new Parameter(ones(this.shape)) : null
    this.bias = elementwiseAffine && bias ? new Parameter(zeros(this.shape)) : null
  }

  forward(x: Tensor): Tensor {
    return layerNorm(x, this.shape, this.weight, this.bias, this.eps)
  }
}

function checkShape(name: string, shape: number | Shape): number[] {
  const list = typeof shape === 'number' ? [shape] : [...shape]
  if (list.length > 0 && list.every((d) => Number.isInteger(d) && d > 0)) return list
  throw new GliaError(`${name}: shape must name at least one extent, each at least 1; received ${showShape(list)}.`)
}

export interface RMSNormOptions {
  /** Added to the mean square (default 2⁻²³, the distance from 1 to the next float32). */
  readonly eps?: number
  /** Whether to scale by a learned parameter (default true). */
  readonly elementwiseAffine?: boolean
}

/**
 * Root-mean-square normalisation (Zhang & Sennrich 2019): `x / √(mean(x²) + ε) · weight`, over the last axes.
 *
 * Parameter: `weight` of `shape`.
 */
export class RMSNorm extends Module {
  weight: Parameter | null
  readonly shape: Shape
  readonly eps: number

  /** @param shape extents of the last axes; a number for one */
  constructor(shape: number | Shape, options: RMSNormOptions = {}) {
    super()
    const { eps = 2 ** -23, elementwiseAffine = true } = options
    checkEps('RMSNorm', eps)
    this.shape = checkShape('RMSNorm', shape)
    this.eps = eps
    this.weight = elementwiseAffine ? new Parameter(ones(this.shape)) : null
  }

  forward(x: Tensor): Tensor {
    return rmsNorm(x, this.shape, this.weight, this.eps)
  }
}

export interface GroupNormOptions {
  /** Added to the variance (default 1e-5). */
  readonly eps?: number
  /** Whether to scale and shift by learned parameters per channel (default true). */
  readonly affine?: boolean
}

/**
 * Group normalisation (Wu & He 2018): `(x − mean) / √(variance + ε) · weight + bias`, statistics per example and group of
 * neighbouring channels of `[B, C, …]`.
 *
 * Parameters: `weight`, `bias` `[C]`.
 */
export class GroupNorm extends Module {
  weight: Parameter | null
  bias: Parameter | null
  readonly groups: number
  readonly channels: number
  readonly eps: number

  /** @param groups must divide `channels` */
  constructor(groups: number, channels: number, options: GroupNormOptions = {}) {
    super()
    const { eps = 1e-5, affine = true } = options
    checkCounts('GroupNorm', { groups, channels })
    checkEps('GroupNorm', eps)
    if (channels % groups !== 0) {
      throw new GliaError(
        `GroupNorm: groups must divide the channels; received ${groups} groups, ${channels} channels.`,
      )
    }
    this.groups = groups
    this.channels = channels
    this.eps = eps
    this.weight = affine ? new Parameter(ones([channels])) : null
    this.bias = affine ? new Parameter(zeros([channels])) : null
  }

  forward(x: Tensor): Tensor {
    if (x.rank < 2 || x.shape[1] !== this.channels) {
      throw new GliaError(`GroupNorm: expects [B, ${this.channels}, …]; received ${showShape(x.shape)}.`)
    }
    return groupNorm(x, this.groups, this.weight, this.bias, this.eps)
  }
}

/**
 * Local response normalisation (Krizhevsky et al. 2012): `x / (k + α mean(x²))^β`, the mean over `size` neighbouring
 * channels of `[B, C, …]`.
 */
export class LocalResponseNorm extends Module {
  readonly size: number
  readonly options: LocalResponseOptions

  /** @param size how many channels the mean spans */
  constructor(size: number, options: LocalResponseOptions = {}) {
    super()
    checkCounts('LocalResponseNorm', { size })
    this.size = size
    this.options = options
  }

  forward(x: Tensor): Tensor {
    return localResponseNorm(x, this.size, this.options)
  }
}
