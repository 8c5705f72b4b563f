/** @file What layers compute, as plain functions of tensors. */
import { GliaError } from '../core/errors.ts'
import { showShape } from '../core/shape.ts'
import type { CustomVjp, Node } from '../graph/node.ts'
import { ops } from '../graph/ops.ts'
import { apply, applyAll } from '../tensor/apply.ts'
import type { TensorBase } from '../tensor/base.ts'
import { where } from '../tensor/elementwise.ts'
import { indexSelect } from '../tensor/indexing.ts'
import { bernoulli, type RandomOptions } from '../tensor/random.ts'
import { countOf } from '../tensor/reduce.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** One extent for all spatial axes, or one per axis. */
export type Extent = number | readonly number[]

/** Zeros per side of each spatial axis; `'same'`: output extent = ⌈input / stride⌉; `'valid'`: none. */
export type Padding = Extent | 'same' | 'valid'

export interface ConvOptions {
  /** Default 1. */
  readonly stride?: Extent
  /** Default 0. */
  readonly padding?: Padding
  /** Spacing of kernel elements (default 1). */
  readonly dilation?: Extent
  /** Input and output channels fall into this many groups that do not see each other (default 1). */
  readonly groups?: number
}

/** `value` once per spatial axis. @throws GliaError if it is not made of whole numbers of at least `least` */
export function perAxis(operation: string, name: string, value: Extent, axes: number, least: number): number[] {
  const list = typeof value === 'number' ? new Array<number>(axes).fill(value) : [...value]
  if (list.length !== axes || list.some((v) => !Number.isInteger(v) || v < least)) {
    throw new GliaError(
      `${operation}: ${name} must be a whole number of at least ${least}, or ${axes} of them; received ${JSON.stringify(value)}.`,
    )
  }
  return list
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
  const { lo, hi } = padding(name, options.padding ?? 0, x.shape.slice(2), weight.shape.slice(2), stride, dilation)
  return apply(name, bias ? [x, weight, bias] : [x, weight], (input, w, b) => {
    const inputDilation = new Array<number>(axes).fill(1)
    const y = ops.conv(input, w, { stride, padLo: lo, padHi: hi, inputDilation, kernelDilation: dilation, groups })
    return b ? ops.add(y, ops.reshape(b, [b.shape[0], ...inputDilation])) : y
  })
}

function checkImages(operation: string, x: TensorBase, axes: number): void {
  if (x.rank === axes + 2) return
  throw new GliaError(
    `${operation}: expects an input of rank ${axes + 2} (batch, channels, ${axes} spatial ${axes === 1 ? 'axis' : 'axes'}); received ` +
      `${showShape(x.shape)}.${x.rank === axes + 1 ? ' Add the batch axis with unsqueeze(0).' : ''}`,
  )
}

function padding(
  operation: string,
  value: Padding,
  extents: readonly number[],
  kernel: readonly number[],
  stride: readonly number[],
  dilation: readonly number[],
): { lo: number[]; hi: number[] } {
  if (value !== 'same') {
    const sides = perAxis(operation, 'padding', value === 'valid' ? 0 : value, kernel.length, 0)
    return { lo: sides, hi: sides }
  }
  // The odd one goes after, as in PyTorch and Keras.
  const total = kernel.map((k, i) =>
    Math.max((Math.ceil(extents[i] / stride[i]) - 1) * stride[i] + dilation[i] * (k - 1) + 1 - extents[i], 0),
  )
  return { lo: total.map((t) => t >> 1), hi: total.map((t) => t - (t >> 1)) }
}

export interface PoolOptions {
  /** Default: the window's extent. */
  readonly stride?: Extent
  /** Per side, at most half the window (default 0). */
  readonly padding?: Extent
  /** Whether windows that start inside but end outside count (default false). */
  readonly ceilMode?: boolean
}

export interface MaxPoolOptions extends PoolOptions {
  /** Default 1. */
  readonly dilation?: Extent
}

export interface AvgPoolOptions extends PoolOptions {
  /** Whether padding counts in the divisor (default true). */
  readonly countIncludePad?: boolean
}

interface Windows {
  readonly window: number[]
  readonly stride: number[]
  readonly padLo: number[]
  readonly padHi: number[]
  readonly dilation: number[]
}

function windows(operation: string, x: TensorBase, kernel: Extent, options: MaxPoolOptions): Windows {
  const axes = typeof kernel === 'number' ? x.rank - 2 : kernel.length
  checkImages(operation, x, axes)
  const window = perAxis(operation, 'kernelSize', kernel, axes, 1)
  const stride = perAxis(operation, 'stride', options.stride ?? kernel, axes, 1)
  const dilation = perAxis(operation, 'dilation', options.dilation ?? 1, axes, 1)
  const padLo = perAxis(operation, 'padding', options.padding ?? 0, axes, 0)
  if (padLo.some((p, i) => 2 * p > window[i])) {
    throw new GliaError(
      `${operation}: padding may be at most half the window; received padding [${padLo}], window [${window}].`,
    )
  }
  const padHi = padLo.map((p, i) => {
    if (!options.ceilMode) return p
    const extent = x.shape[2 + i]
    const room = extent + 2 * p - dilation[i] * (window[i] - 1) - 1
    let steps = Math.ceil(room / stride[i])
    // The last window must start inside the input or the padding before it.
    if (steps * stride[i] >= extent + p) steps--
    return p + steps * stride[i] - room
  })
  return { window, stride, padLo, padHi, dilation }
}

/** Greatest element of each window: `[B, C, H, W] → [B, C, H′, W′]`. */
export function maxPool(x: TensorBase, kernelSize: Extent, options: MaxPoolOptions = {}): Tensor {
  const attrs = windows('maxPool', x, kernelSize, options)
  return apply('maxPool', [x], (n) => ops.windowMax(n, attrs))
}

/** Where each window's greatest element is, int32, counted row-major over the spatial axes: what unpooling takes. */
export function maxPoolIndices(x: TensorBase, kernelSize: Extent, options: MaxPoolOptions = {}): Tensor {
  const attrs = windows('maxPool', x, kernelSize, options)
  return apply('maxPool', [x], (n) => ops.windowArgmax(n, attrs))
}

/** Mean of each window: `[B, C, H, W] → [B, C, H′, W′]`. */
export function avgPool(x: TensorBase, kernelSize: Extent, options: AvgPoolOptions = {}): Tensor {
  const attrs = windows('avgPool', x, kernelSize, options)
  return apply('avgPool', [x], (n) => {
    const total = ops.windowSum(n, attrs)
    const counts = attrs.window.map((_, i) =>
      counted(attrs, i, x.shape[2 + i], total.shape[2 + i], options.countIncludePad ?? true),
    )
    const uniform = counts.every((c) => c.every((v) => v === c[0]))
    if (uniform)
      return ops.div(
        total,
        counts.reduce((p, c) => p * (c[0] ?? 1), 1),
      )
    return counts.reduce<Node>((y, c, i) => {
      const shape = total.shape.map((d, k) => (k === 2 + i ? d : 1))
      return ops.div(y, ops.data(Float32Array.from(c), shape))
    }, total)
  })
}

/** How many elements each window of one axis averages over. */
function counted(attrs: Windows, axis: number, extent: number, outputs: number, includePad: boolean): number[] {
  const { window, stride, padLo } = attrs
  const pad = padLo[axis]
  return Array.from({ length: outputs }, (_, o) => {
    const start = o * stride[axis] - pad
    const end = Math.min(start + window[axis], extent + (includePad ? pad : 0))
    return end - (includePad ? start : Math.max(start, 0))
  })
}

/** `x Wᵀ + b`: `[…, in] × [out, in] → […, out]`. */
export function linear(x: TensorBase, weight: TensorBase, bias: TensorBase | null = null): Tensor {
  const [out, features] = weight.shape
  if (x.rank === 0 || x.shape[x.rank - 1] !== features) {
    throw new GliaError(
      `linear: expects an input whose last axis has ${features} entries (weight ${showShape(weight.shape)}); received ${showShape(x.shape)}.`,
    )
  }
  return apply('linear', bias ? [x, weight, bias] : [x, weight], (n, w, b) => {
    const rows = ops.reshape(n, [x.size / features, features])
    const y = ops.matmul(rows, ops.transpose(w))
    return ops.reshape(b ? ops.add(y, b) : y, [...x.shape.slice(0, -1), out])
  })
}

/** Rows of a table: int32 indices I into `[N, D]` → `[…I, D]`. The gradient of row `paddingIdx` stays zero. */
export function embedding(indices: TensorBase, weight: TensorBase, paddingIdx: number | null = null): Tensor {
  const rows = indexSelect(weight, 0, indices, 'embedding')
  if (paddingIdx === null) return rows
  const isPadding = apply('embedding', [indices], (i) => ops.reshape(ops.eq(i, paddingIdx), [...i.shape, 1]))
  return where(isPadding, rows.detach(), rows)
}

/** Zeros with probability `p`, the rest scaled by 1 / (1 − p), so that the mean stays (Srivastava et al. 2014). */
export function dropout(x: TensorBase, p = 0.5, options: RandomOptions = {}): Tensor {
  if (!(p >= 0 && p <= 1)) throw new GliaError(`dropout: p must lie in [0, 1]; received ${p}.`)
  const keep = bernoulli(1 - p, x.shape, { ...options, device: x.device })
  return apply('dropout', [x, keep], (n, k) =>
    ops.select(k, ops.mul(n, p < 1 ? 1 / (1 - p) : 0), ops.constant(0, n.dtype)),
  )
}

export interface Normalised {
  readonly y: Tensor
  /** Mean and mean square deviation, `[C]`: constants as far as gradients are concerned. */
  readonly mean: Tensor
  readonly variance: Tensor
}

/**
 * `(x − mean) / √(variance + ε) · weight + bias` per channel of `[B, C, …]`, with the statistics of this batch.
 *
 * Gradient (Ioffe & Szegedy 2015): w / σ · (g − mean(g) − x̂ mean(g x̂)).
 */
export function batchNormTrain(x: TensorBase, weight: TensorBase, bias: TensorBase, eps: number): Normalised {
  const axes = x.shape.flatMap((_, i) => (i === 1 ? [] : [i]))
  const count = countOf(x, axes)
  const column = x.shape.map((d, i) => (i === 1 ? d : 1))
  const [y, mean, variance] = applyAll('batchNorm', [x, weight, bias], (n, w, b) => {
    const mean = ops.div(ops.reduceSum(n, axes, true), count)
    const centred = ops.sub(n, mean)
    const variance = ops.div(ops.reduceSum(ops.mul(centred, centred), axes, true), count)
    const rstd = ops.div(1, ops.sqrt(ops.add(variance, eps)))
    const xhat = ops.mul(centred, rstd)
    const value = ops.add(ops.mul(xhat, ops.reshape(w, column)), ops.reshape(b, column))
    const channels = [x.shape[1]]
    const vjp: CustomVjp = (g, self) => {
      const [, , scale, , xhat, rstd] = self.inputs
      const sum = ops.reduceSum(g, axes, true)
      const product = ops.reduceSum(ops.mul(g, xhat), axes, true)
      const inner = ops.sub(ops.sub(g, ops.div(sum, count)), ops.mul(xhat, ops.div(product, count)))
      const dx = ops.mul(ops.mul(inner, rstd), ops.reshape(scale, column))
      return [dx, ops.reshape(product, channels), ops.reshape(sum, channels), null, null]
    }
    // x̂ and 1/σ ride along for the gradient rule; no gradient flows to them.
    const result = ops.alias([value, n, w, b, xhat, rstd], { name: 'batchNorm', vjp })
    return [result, ops.reshape(mean, channels), ops.reshape(variance, channels)]
  })
  return { y, mean: mean.detach(), variance: variance.detach() }
}

/** As `batchNormTrain`, with given statistics `[C]`. */
export function batchNormEval(
  x: TensorBase,
  mean: TensorBase,
  variance: TensorBase,
  weight: TensorBase,
  bias: TensorBase,
  eps: number,
): Tensor {
  const column = x.shape.map((d, i) => (i === 1 ? d : 1))
  return apply('batchNorm', [x, mean, variance, weight, bias], (n, m, v, w, b) => {
    const factor = ops.div(w, ops.sqrt(ops.add(v, eps)))
    const offset = ops.sub(b, ops.mul(m, factor))
    return ops.add(ops.mul(n, ops.reshape(factor, column)), ops.reshape(offset, column))
  })
}
