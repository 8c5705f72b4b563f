/**
 * @file Random initial values whose variance depends on the number of connections: `fanIn` and `fanOut` are those of an
 * output and of an input.
 */
import { GliaError } from '../../core/errors.ts'
import { checkNumber } from '../../core/ranges.ts'
import { type Shape, showShape, sizeOf } from '../../core/shape.ts'
import { tensor } from '../../tensor/factories.ts'
import { type RandomOptions, rand, randn } from '../../tensor/random.ts'
import type { Tensor } from '../../tensor/tensor.ts'

/** Makes the initial values of a weight of this shape. */
export type Initialiser = (shape: Shape, options?: RandomOptions) => Tensor

/** Connections into and out of each unit of a weight `[out, in, …kernel]`. @throws GliaError for fewer than two axes */
export function fans(shape: Shape): { fanIn: number; fanOut: number } {
  if (shape.length < 2)
    throw new GliaError(`init: fans need a weight of at least two axes; received ${showShape(shape)}.`)
  const field = sizeOf(shape.slice(2))
  return { fanIn: shape[1] * field, fanOut: shape[0] * field }
}

/** Uniform in [−bound, bound), or in [low, high) if both are given. */
export function uniform(low: number, high?: number): Initialiser {
  const [from, to] = high === undefined ? [-low, low] : [low, high]
  checkNumber('uniform', 'low', from)
  checkNumber('uniform', 'high', to, { min: from })
  return (shape, options) =>
    rand(shape, options)
      .mul(to - from)
      .add(from)
}

/** Normal with mean 0 unless another is given. */
export function normal(std: number, mean = 0): Initialiser {
  checkNumber('normal', 'std', std, { min: 0 })
  checkNumber('normal', 'mean', mean)
  return (shape, options) => {
    const values = randn(shape, options).mul(std)
    return mean === 0 ? values : values.add(mean)
  }
}

/**
 * Normal, without the values outside [low, high] (by default, further than two standard deviations from the mean). The
 * standard deviation is that before cutting. Computed at once.
 */
export function truncatedNormal(std: number, mean = 0, low = mean - 2 * std, high = mean + 2 * std): Initialiser {
  checkNumber('truncatedNormal', 'std', std, { above: 0 })
  checkNumber('truncatedNormal', 'mean', mean)
  checkNumber('truncatedNormal', 'low', low)
  checkNumber('truncatedNormal', 'high', high, { above: low })
  return (shape, options = {}) => {
    const values = standardBetween((low - mean) / std, (high - mean) / std, sizeOf(shape), options)
    const scaled = values.map((z) => Math.min(Math.max(z * std + mean, low), high))
    return tensor(scaled, { shape, ...(options.device ? { device: options.device } : {}) })
  }
}

/** Standard normal numbers between a and b, by rejection: of normal proposals, or of uniform ones where those would be rare. */
function standardBetween(a: number, b: number, count: number, options: RandomOptions): Float64Array {
  const out = new Float64Array(count)
  const wide = a < 0 && b > 0 && b - a > 2
  // Of what lies ten further out than the nearest to 0, nothing would be accepted.
  const [from, to] = [b <= 0 ? Math.max(a, b - 10) : a, a >= 0 ? Math.min(b, a + 10) : b]
  const nearest = from > 0 ? from : to < 0 ? to : 0
  for (let found = 0; found < count; ) {
    const proposals = (wide ? randn([2 * count + 16], options) : rand([2, 2 * count + 16], options)).dataSync()
    const half = proposals.length / 2
    for (let i = 0; i < (wide ? proposals.length : half) && found < count; i++) {
      const z = wide ? proposals[i] : from + (to - from) * proposals[i]
      const accepted = wide ? z >= a && z <= b : proposals[half + i] < Math.exp((nearest ** 2 - z ** 2) / 2)
      if (accepted) out[found++] = z
    }
  }
  return out
}

/** Which connections count. */
export type FanMode = 'fanIn' | 'fanOut' | 'fanAvg'

export interface VarianceScalingOptions {
  /** The variance is this divided by the number of connections (default 1). */
  readonly scale?: number
  /** Those of an output (the default), of an input, or the mean of both. */
  readonly mode?: FanMode
  /** Default `truncatedNormal`, whose standard deviation is that after cutting. */
  readonly distribution?: 'normal' | 'truncatedNormal' | 'uniform'
}

/** Variance scale / fan: what the named rules below are cases of. Keras's VarianceScaling. */
export function varianceScaling(options: VarianceScalingOptions = {}): Initialiser {
  const { scale = 1, mode = 'fanIn', distribution = 'truncatedNormal' } = options
  checkNumber('varianceScaling', 'scale', scale, { above: 0 })
  return (shape, random) => {
    const std = Math.sqrt(scale / Math.max(1, fanOf(shape, mode)))
    if (distribution === 'uniform') return uniform(Math.sqrt(3) * std)(shape, random)
    if (distribution === 'normal') return normal(std)(shape, random)
    // 0.8796…: the standard deviation of a standard normal variable that is cut at ±2.
    if (distribution === 'truncatedNormal') return truncatedNormal(std / 0.8796256610342398)(shape, random)
    throw new GliaError(
      `varianceScaling: distribution must be 'normal', 'truncatedNormal' or 'uniform'; received ${String(distribution)}.`,
    )
  }
}

function fanOf(shape: Shape, mode: FanMode): number {
  const { fanIn, fanOut } = fans(shape)
  if (mode === 'fanIn') return fanIn
  if (mode === 'fanOut') return fanOut
  if (mode === 'fanAvg') return (fanIn + fanOut) / 2
  throw new GliaError(`init: mode must be 'fanIn', 'fanOut' or 'fanAvg'; received ${String(mode)}.`)
}

/** Activations whose gain is known. */
export type Nonlinearity = 'linear' | 'conv' | 'sigmoid' | 'tanh' | 'relu' | 'leakyRelu' | 'selu'

/**
 * What to multiply the standard deviation by so that an activation keeps the variance: 1 for linear layers and sigmoid,
 * 5/3 for tanh, √2 for ReLU, √(2 / (1 + slope²)) for leaky ReLU, 3/4 for SELU. PyTorch's calculate_gain.
 *
 * @param slope of leaky ReLU (default 0.01)
 */
export function gain(nonlinearity: Nonlinearity, slope = 0.01): number {
  checkNumber('gain', 'slope', slope)
  const gains = {
    linear: 1,
    conv: 1,
    sigmoid: 1,
    tanh: 5 / 3,
    relu: Math.SQRT2,
    leakyRelu: Math.sqrt(2 / (1 + slope * slope)),
    selu: 3 / 4,
  }
  if (!Object.hasOwn(gains, nonlinearity)) {
    throw new GliaError(`gain: knows ${Object.keys(gains).join(', ')}; received ${String(nonlinearity)}.`)
  }
  return gains[nonlinearity]
}

/** Glorot & Bengio 2010: uniform, bound gain · √(6 / (fanIn + fanOut)). */
export function xavierUniform(gain = 1): Initialiser {
  checkNumber('xavierUniform', 'gain', gain, { above: 0 })
  return varianceScaling({ scale: gain * gain, mode: 'fanAvg', distribution: 'uniform' })
}

/** Glorot & Bengio 2010: normal, variance 2 gain² / (fanIn + fanOut). */
export function xavierNormal(gain = 1): Initialiser {
  checkNumber('xavierNormal', 'gain', gain, { above: 0 })
  return varianceScaling({ scale: gain * gain, mode: 'fanAvg', distribution: 'normal' })
}

export interface KaimingOptions {
  /** Slope of leaky ReLU on negative numbers (default 0). */
  readonly a?: number
  /** `fanIn` (the default) keeps the variance of activations, `fanOut` that of gradients. */
  readonly mode?: FanMode
  /** What follows the weight (default `leakyRelu`, which with a = 0 is ReLU). */
  readonly nonlinearity?: Nonlinearity
}

function kaiming(options: KaimingOptions, distribution: 'uniform' | 'normal'): Initialiser {
  const { a = 0, mode = 'fanIn', nonlinearity = 'leakyRelu' } = options
  return varianceScaling({ scale: gain(nonlinearity, a) ** 2, mode, distribution })
}

/** He et al. 2015: uniform, bound gain · √(3 / fan). */
export function kaimingUniform(options: KaimingOptions = {}): Initialiser {
  return kaiming(options, 'uniform')
}

/** He et al. 2015: normal, standard deviation gain / √fan. */
export function kaimingNormal(options: KaimingOptions = {}): Initialiser {
  return kaiming(options, 'normal')
}

/** PyTorch's default for linear and convolution weights: uniform, bound 1/√fanIn (He et al. 2015 with a = √5). */
export const kaimingUniformDefault: Initialiser = (shape, options) =>
  uniform(1 / Math.sqrt(fans(shape).fanIn))(shape, options)

/** Glorot & Bengio 2010: uniform, bound √(6 / (fanIn + fanOut)). Keras's default. */
export const glorotUniform: Initialiser = (shape, options) => {
  const { fanIn, fanOut } = fans(shape)
  return uniform(Math.sqrt(6 / (fanIn + fanOut)))(shape, options)
}

/** Glorot & Bengio 2010: normal, variance 2 / (fanIn + fanOut). */
export const glorotNormal: Initialiser = (shape, options) => {
  const { fanIn, fanOut } = fans(shape)
  return normal(Math.sqrt(2 / (fanIn + fanOut)))(shape, options)
}

/** He et al. 2015, for ReLU: uniform, bound √(6 / fanIn). */
export const heUniform: Initialiser = (shape, options) => uniform(Math.sqrt(6 / fans(shape).fanIn))(shape, options)

/** He et al. 2015, for ReLU: normal, variance 2 / fanIn. */
export const heNormal: Initialiser = (shape, options) => normal(Math.sqrt(2 / fans(shape).fanIn))(shape, options)

/** LeCun et al. 1998: uniform, bound √(3 / fanIn). */
export const lecunUniform: Initialiser = (shape, options) => uniform(Math.sqrt(3 / fans(shape).fanIn))(shape, options)

/** LeCun et al. 1998: normal, variance 1 / fanIn. */
export const lecunNormal: Initialiser = (shape, options) => normal(Math.sqrt(1 / fans(shape).fanIn))(shape, options)
