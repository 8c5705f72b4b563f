/** @file Initial values of weights. `fanIn` and `fanOut` are the connections of an output and of an input. */
import { GliaError } from '../core/errors.ts'
import { type Shape, showShape, sizeOf } from '../core/shape.ts'
import { full, ones, tensor, zeros } from '../tensor/factories.ts'
import { type RandomOptions, rand, randn } from '../tensor/random.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { AnyModule } from './module.ts'

/** Makes the initial values of a weight of this shape. */
export type Initialiser = (shape: Shape, options?: RandomOptions) => Tensor

/** Connections into and out of each unit of a weight `[out, in, …kernel]`. */
export function fans(shape: Shape): { fanIn: number; fanOut: number } {
  if (shape.length < 2)
    throw new GliaError(`init: fans need a weight of at least two axes; received ${showShape(shape)}.`)
  const field = sizeOf(shape.slice(2))
  return { fanIn: shape[1] * field, fanOut: shape[0] * field }
}

/** Uniform in [−bound, bound). */
export function uniform(bound: number): Initialiser {
  return (shape, options) =>
    rand(shape, options)
      .mul(2 * bound)
      .sub(bound)
}

/** Normal with mean 0. */
export function normal(std: number): Initialiser {
  return (shape, options) => randn(shape, options).mul(std)
}

export function constant(value: number): Initialiser {
  return (shape, options) => full(shape, value, options?.device ? { device: options.device } : {})
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

/** Rows (or columns, whichever are fewer) orthonormal, times `gain` (Saxe et al. 2013). Computed at once. */
export const orthogonal: Initialiser = (shape, options) => {
  const [rows, columns] = [shape[0], sizeOf(shape.slice(1))]
  const [count, length] = [Math.min(rows, columns), Math.max(rows, columns)]
  const g = randn([count, length], options).dataSync()
  for (let i = 0; i < count; i++) {
    // Gram–Schmidt, twice for accuracy.
    for (let pass = 0; pass < 2; pass++) {
      for (let j = 0; j < i; j++) {
        const along = dot(g, i * length, j * length, length)
        for (let k = 0; k < length; k++) g[i * length + k] -= along * g[j * length + k]
      }
    }
    const norm = Math.sqrt(dot(g, i * length, i * length, length))
    for (let k = 0; k < length; k++) g[i * length + k] /= norm
  }
  const q = tensor(g, { shape: [count, length], ...(options?.device ? { device: options.device } : {}) })
  return (rows <= columns ? q : q.T).reshape(shape)
}

function dot(v: ArrayLike<number>, a: number, b: number, n: number): number {
  let sum = 0
  for (let k = 0; k < n; k++) sum += v[a + k] * v[b + k]
  return sum
}

/** The initialisers by name, for `initialise` and for `init` options. */
export const initialisers = {
  kaimingUniformDefault,
  glorotUniform,
  glorotNormal,
  heUniform,
  heNormal,
  lecunUniform,
  lecunNormal,
  orthogonal,
  zeros: (shape: Shape) => zeros(shape),
  ones: (shape: Shape) => ones(shape),
} satisfies Record<string, Initialiser>

export type InitialiserName = keyof typeof initialisers

/** A name, or a function of one's own. */
export type Init = InitialiserName | Initialiser

export function initialiser(init: Init): Initialiser {
  return typeof init === 'string' ? initialisers[init] : init
}

/**
 * Gives every weight of at least two axes in `module` new initial values, and every parameter named `bias…` zeros, as
 * Keras does. Scales of normalisation layers stay.
 */
export function initialise(module: AnyModule, init: Init, options: RandomOptions = {}): void {
  for (const [name, p] of module.namedParameters()) {
    const onDevice = { ...options, device: p.device }
    if (p.rank >= 2) p.assign(initialiser(init)(p.shape, onDevice))
    else if (name.split('.').at(-1)?.startsWith('bias')) p.assign(zeros(p.shape, { device: p.device }))
  }
}
