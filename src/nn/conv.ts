/** @file Convolution layers over one, two and three spatial axes, and transposed ones. */
import { GliaError } from '../core/errors.ts'
import { sizeOf } from '../core/shape.ts'
import { Parameter } from '../tensor/parameter.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { checkCounts } from './check.ts'
import { type ConvOptions, type ConvTransposeOptions, conv, convTranspose } from './functional/conv.ts'
import { type Extent, type Padding, perAxis } from './functional/spatial.ts'
import { type Init, initialiser } from './init.ts'
import { biasOf } from './linear.ts'
import { SpatialModule } from './spatial.ts'

interface WeightOptions {
  /** Whether to add a bias per output channel (default true). */
  readonly bias?: boolean
  /** Initial weight (default PyTorch's: uniform, bound 1/√fanIn). Other than the default, the bias starts at zero. */
  readonly init?: Init
}

export interface ConvLayerOptions extends ConvOptions, WeightOptions {}
export interface ConvTransposeLayerOptions extends Omit<ConvTransposeOptions, 'outputSize'>, WeightOptions {}

/** Spatial extents of the output, where the stride leaves a choice; they override `outputPadding`. */
export type ConvTransposeSize = Pick<ConvTransposeOptions, 'outputSize'>

/** Checks what all convolutions are made with; returns the kernel's extents. */
function checkLayer(
  name: string,
  axes: number,
  [inChannels, outChannels]: readonly [number, number],
  kernelSize: Extent,
  options: ConvLayerOptions | ConvTransposeLayerOptions,
): number[] {
  const groups = options.groups ?? 1
  checkCounts(name, { inChannels, outChannels, groups })
  if (inChannels % groups !== 0 || outChannels % groups !== 0) {
    throw new GliaError(
      `${name}: groups must divide the channels; received groups ${groups} for ${inChannels} → ${outChannels} channels.`,
    )
  }
  perAxis(name, 'stride', options.stride ?? 1, axes, 1)
  perAxis(name, 'dilation', options.dilation ?? 1, axes, 1)
  checkPadding(name, options.padding ?? 0, axes)
  return perAxis(name, 'kernelSize', kernelSize, axes, 1)
}

function checkPadding(name: string, padding: Padding, axes: number): void {
  if (padding === 'same' || padding === 'valid') return
  perAxis(name, 'padding', padding, axes, 0)
}

/** `weight` and `bias` of `[out, in, …kernel]` as PyTorch starts them, or as `init` says. */
function makeWeights(shape: readonly number[], outChannels: number, { bias = true, init }: WeightOptions) {
  return {
    weight: new Parameter(initialiser(init ?? 'kaimingUniformDefault')(shape)),
    bias: bias ? new Parameter(biasOf(outChannels, sizeOf(shape.slice(1)), init)) : null,
  }
}

abstract class Convolution extends SpatialModule {
  weight: Parameter
  bias: Parameter | null
  readonly options: ConvLayerOptions

  /** @param kernelSize one for all axes, or one each: [height, width] */
  constructor(inChannels: number, outChannels: number, kernelSize: Extent, options: ConvLayerOptions = {}) {
    super()
    const kernel = checkLayer(new.target.name, this.axes, [inChannels, outChannels], kernelSize, options)
    this.options = options
    const shape = [outChannels, inChannels / (options.groups ?? 1), ...kernel]
    const { weight, bias } = makeWeights(shape, outChannels, options)
    this.weight = weight
    this.bias = bias
  }

  forward(x: Tensor): Tensor {
    this.check(x)
    return conv(x, this.weight, this.bias, this.options)
  }
}

/**
 * Convolution of sequences: `[B, C, L] → [B, O, L′]`, L′ = ⌊(L + 2 padding − dilation (k − 1) − 1) / stride⌋ + 1.
 *
 * Parameters: `weight` `[O, C / groups, k]`, `bias` `[O]`.
 */
export class Conv1d extends Convolution {
  protected static override readonly axes = 1
}

/**
 * Convolution of images: `[B, C, H, W] → [B, O, H′, W′]`, H′ = ⌊(H + 2 padding − dilation (k − 1) − 1) / stride⌋ + 1.
 *
 * Parameters: `weight` `[O, C / groups, k, k]`, `bias` `[O]`.
 */
export class Conv2d extends Convolution {
  protected static override readonly axes = 2
}

/**
 * Convolution of volumes: `[B, C, D, H, W] → [B, O, D′, H′, W′]`, extents as of `Conv2d`.
 *
 * Parameters: `weight` `[O, C / groups, k, k, k]`, `bias` `[O]`.
 */
export class Conv3d extends Convolution {
  protected static override readonly axes = 3
}

abstract class TransposedConvolution extends SpatialModule<[x: Tensor, options?: ConvTransposeSize], Tensor> {
  weight: Parameter
  bias: Parameter | null
  readonly options: ConvTransposeLayerOptions

  /** @param kernelSize one for all axes, or one each: [height, width] */
  constructor(inChannels: number, outChannels: number, kernelSize: Extent, options: ConvTransposeLayerOptions = {}) {
    super()
    const kernel = checkLayer(new.target.name, this.axes, [inChannels, outChannels], kernelSize, options)
    perAxis(new.target.name, 'outputPadding', options.outputPadding ?? 0, this.axes, 0)
    this.options = options
    const shape = [inChannels, outChannels / (options.groups ?? 1), ...kernel]
    const { weight, bias } = makeWeights(shape, outChannels, options)
    this.weight = weight
    this.bias = bias
  }

  forward(x: Tensor, options: ConvTransposeSize = {}): Tensor {
    this.check(x)
    return convTranspose(x, this.weight, this.bias, { ...this.options, ...options })
  }
}

/**
 * Transposed convolution of sequences: `[B, C, L] → [B, O, L′]`,
 * L′ = (L − 1) stride − 2 padding + dilation (k − 1) + outputPadding + 1.
 *
 * Parameters: `weight` `[C, O / groups, k]`, `bias` `[O]`.
 */
export class ConvTranspose1d extends TransposedConvolution {
  protected static override readonly axes = 1
}

/**
 * Transposed convolution of images (Zeiler et al. 2010): `[B, C, H, W] → [B, O, H′, W′]`,
 * H′ = (H − 1) stride − 2 padding + dilation (k − 1) + outputPadding + 1.
 *
 * Parameters: `weight` `[C, O / groups, k, k]`, `bias` `[O]`.
 */
export class ConvTranspose2d extends TransposedConvolution {
  protected static override readonly axes = 2
}

/**
 * Transposed convolution of volumes: `[B, C, D, H, W] → [B, O, D′, H′, W′]`, extents as of `ConvTranspose2d`.
 *
 * Parameters: `weight` `[C, O / groups, k, k, k]`, `bias` `[O]`.
 */
export class ConvTranspose3d extends TransposedConvolution {
  protected static override readonly axes = 3
}
