/** @file Convolutions over one, two or three spatial axes, and transposed ones. */
import { GliaError } from '../../core/errors.ts'
import { type Shape, showShape } from '../../core/shape.ts'
import type { Node } from '../../graph/node.ts'
import { ops } from '../../graph/ops.ts'
import { apply } from '../../tensor/apply.ts'
import type { TensorBase } from '../../tensor/base.ts'
import { type PadMode, pad } from '../../tensor/pad.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { checkImages, type Extent, type Padding, perAxis, type Sides, sidesOf } from './spatial.ts'

export interface ConvOptions {
  /** Default 1. */
  readonly stride?: Extent
  /** Default 0. */
  readonly padding?: Padding
  /** What the padding holds (default `zeros`). */
  readonly paddingMode?: 'zeros' | PadMode
  /** Spacing of kernel elements (default 1). */
  readonly dilation?: Extent
  /** Input and output channels fall into this many groups that do not see each other (default 1). */
  readonly groups?: number
}

/**
 * Convolution (cross-correlation, as everywhere in deep learning) over the last axes.
 *
 * @param x `[B, C, H, W]` (or `[B, C, L]`, `[B, C, D, H, W]`: as many spatial axes as the weight has)
 * @param weight `[O, C / groups, kH, kW]`
 * @param bias `[O]`
 * @returns `[B, O, H′, W′]` with H′ = ⌊(H + padding − dilation (kH − 1) − 1) / stride⌋ + 1
 */
export function conv(
  x: TensorBase,
  weight: TensorBase,
  bias: TensorBase | null = null,
  options: ConvOptions = {},
): Tensor {
  const axes = weight.rank - 2
  const name = `conv${axes}d`
  checkImages(name, x, axes)
  const groups = options.groups ?? 1
  if (x.shape[1] !== weight.shape[1] * groups) {
    throw new GliaError(
      `${name}: the input ${showShape(x.shape)} has ${x.shape[1]} channels, but the weight ${showShape(weight.shape)} takes ` +
        `${weight.shape[1]}${groups > 1 ? ` × ${groups} groups` : ''}.`,
    )
  }
  const stride = perAxis(name, 'stride', options.stride ?? 1, axes, 1)
  const dilation = perAxis(name, 'dilation', options.dilation ?? 1, axes, 1)
  const kernel = weight.shape.slice(2)
  const sides = sidesOf(name, options.padding ?? 0, x.shape.slice(2), kernel, stride, dilation)
  const mode = options.paddingMode ?? 'zeros'
  const none = kernel.map(() => 0)
  const { lo, hi }: Sides = mode === 'zeros' ? sides : { lo: none, hi: none }
  const padded = mode === 'zeros' ? x : padAround(x, sides, mode)
  return apply(name, bias ? [padded, weight, bias] : [padded, weight], (input, w, b) => {
    const inputDilation = kernel.map(() => 1)
    const y = ops.conv(input, w, { stride, padLo: lo, padHi: hi, inputDilation, kernelDilation: dilation, groups })
    return b ? addChannels(y, b) : y
  })
}

function padAround(x: TensorBase, { lo, hi }: Sides, mode: PadMode): Tensor {
  return pad(
    x,
    lo.map((before, i) => [before, hi[i]]),
    mode,
  )
}

/** `[B, O, …] + [O]`. */
function addChannels(y: Node, bias: Node): Node {
  return ops.add(y, ops.reshape(bias, [bias.shape[0], ...y.shape.slice(2).map(() => 1)]))
}

export interface ConvTransposeOptions {
  /** Default 1. */
  readonly stride?: Extent
  /**
   * What the convolution whose transpose this is pads by, so what is cropped from each side (default 0). `'same'` makes
   * the output input · stride long, as TensorFlow does.
   */
  readonly padding?: Padding
  /** Elements more at the end of each axis, fewer than the stride or the dilation (default 0). */
  readonly outputPadding?: Extent
  /** Spatial extents of the output: `outputPadding` as it follows from them. */
  readonly outputSize?: Shape
  /** Spacing of kernel elements (default 1). */
  readonly dilation?: Extent
  /** Default 1. */
  readonly groups?: number
}

/**
 * Transposed convolution: the gradient of `conv` with respect to its input, so that extents grow by the stride.
 *
 * @param x `[B, C, H, W]` (or `[B, C, L]`, `[B, C, D, H, W]`)
 * @param weight `[C, O / groups, kH, kW]`
 * @param bias `[O]`
 * @returns `[B, O, H′, W′]` with H′ = (H − 1) stride − 2 padding + dilation (kH − 1) + outputPadding + 1
 */
export function convTranspose(
  x: TensorBase,
  weight: TensorBase,
  bias: TensorBase | null = null,
  options: ConvTransposeOptions = {},
): Tensor {
  const axes = weight.rank - 2
  const name = `convTranspose${axes}d`
  checkImages(name, x, axes)
  const groups = options.groups ?? 1
  if (x.shape[1] !== weight.shape[0] || weight.shape[0] % groups !== 0) {
    throw new GliaError(
      `${name}: the input ${showShape(x.shape)} has ${x.shape[1]} channels, but the weight ${showShape(weight.shape)} takes ` +
        `${weight.shape[0]}, which ${groups} ${groups === 1 ? 'group' : 'groups'} must share evenly.`,
    )
  }
  const stride = perAxis(name, 'stride', options.stride ?? 1, axes, 1)
  const dilation = perAxis(name, 'dilation', options.dilation ?? 1, axes, 1)
  const reach = weight.shape.slice(2).map((k, i) => dilation[i] * (k - 1))
  const { lo, hi } = cropped(name, options.padding ?? 0, reach, stride)
  const least = reach.map((r, i) => (x.shape[2 + i] - 1) * stride[i] - lo[i] - hi[i] + r + 1)
  const extra = outputPadding(name, options, least)
  if (extra.some((e, i) => e >= Math.max(stride[i], dilation[i]))) {
    throw new GliaError(
      `${name}: outputPadding must be less than the stride or the dilation; received outputPadding [${extra}], stride ` +
        `[${stride}], dilation [${dilation}].`,
    )
  }
  return apply(name, bias ? [x, weight, bias] : [x, weight], (input, w, b) => {
    const y = ops.conv(input, mirrored(w, groups), {
      stride: reach.map(() => 1),
      padLo: reach.map((r, i) => r - lo[i]),
      padHi: reach.map((r, i) => r - hi[i] + extra[i]),
      inputDilation: stride,
      kernelDilation: dilation,
      groups,
    })
    return b ? addChannels(y, b) : y
  })
}

/** What is asked for beyond the `least` extents. */
function outputPadding(operation: string, options: ConvTransposeOptions, least: readonly number[]): number[] {
  const { outputSize, outputPadding = 0 } = options
  if (outputSize === undefined) return perAxis(operation, 'outputPadding', outputPadding, least.length, 0)
  const extra = outputSize.map((d, i) => d - least[i])
  if (outputSize.length === least.length && extra.every((e) => Number.isInteger(e) && e >= 0)) return extra
  throw new GliaError(
    `${operation}: outputSize must be at least ${showShape(least)}; received ${showShape(outputSize)}.`,
  )
}

function cropped(operation: string, padding: Padding, reach: readonly number[], stride: readonly number[]): Sides {
  if (padding !== 'same') {
    const ones = reach.map(() => 1)
    return sidesOf(operation, padding, ones, ones, ones, ones)
  }
  const total = reach.map((r, i) => r + 1 - stride[i])
  const lo = total.map((t) => Math.max(t, 0) >> 1)
  return { lo, hi: total.map((t, i) => t - lo[i]) }
}

/** `[C, O / groups, …]` with inputs and outputs swapped within their groups and every axis reversed: `[O, C / groups, …]`. */
function mirrored(w: Node, groups: number): Node {
  const [channels, perGroup, ...taps] = w.shape
  const grouped = ops.reshape(w, [groups, channels / groups, perGroup, ...taps])
  const swapped = ops.permute(grouped, [0, 2, 1, ...taps.map((_, i) => i + 3)])
  const weight = ops.reshape(swapped, [groups * perGroup, channels / groups, ...taps])
  return ops.flip(
    weight,
    taps.map((_, i) => i + 2),
  )
}
