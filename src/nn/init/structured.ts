/** @file Initial values with a structure: constants, orthonormal rows, identities, sparse columns. */
import { GliaError } from '../../core/errors.ts'
import { checkNumber } from '../../core/ranges.ts'
import { type Shape, showShape, sizeOf } from '../../core/shape.ts'
import { full, tensor } from '../../tensor/factories.ts'
import { type RandomOptions, rand, randn } from '../../tensor/random.ts'
import type { Initialiser } from './scaled.ts'

/** The same value everywhere. */
export function constant(value: number): Initialiser {
  checkNumber('constant', 'value', value)
  return (shape, options) => full(shape, value, deviceOf(options))
}

/** Zeros. */
export const zeros: Initialiser = (shape, options) => full(shape, 0, deviceOf(options))

/** Ones. */
export const ones: Initialiser = (shape, options) => full(shape, 1, deviceOf(options))

function deviceOf(options: RandomOptions = {}): Pick<RandomOptions, 'device'> {
  return options.device ? { device: options.device } : {}
}

/** Orthonormal rows (or columns, whichever are fewer) times `gain`: see `orthogonal`. */
export function scaledOrthogonal(gain: number): Initialiser {
  checkNumber('scaledOrthogonal', 'gain', gain, { above: 0 })
  return (shape, options) => orthogonal(shape, options).mul(gain)
}

/**
 * Rows (or columns, whichever are fewer) orthonormal (Saxe et al. 2013); a kernel `[out, in, …]` counts as a matrix
 * `[out, in · …]`. Computed at once.
 */
export const orthogonal: Initialiser = (shape, options) => {
  checkMatrix('orthogonal', shape)
  const [rows, columns] = [shape[0], sizeOf(shape.slice(1))]
  const [count, length] = [Math.min(rows, columns), Math.max(rows, columns)]
  const g = Float64Array.from(randn([count, length], options).dataSync())
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
  const q = tensor(g, { shape: [count, length], ...deviceOf(options) })
  return (rows <= columns ? q : q.T).reshape(shape)
}

function dot(v: ArrayLike<number>, a: number, b: number, n: number): number {
  let sum = 0
  for (let k = 0; k < n; k++) sum += v[a + k] * v[b + k]
  return sum
}

/** Ones on the diagonal of a weight `[out, in]`: linear layers pass their inputs on. */
export const identity: Initialiser = (shape, options) => {
  if (shape.length !== 2) throw new GliaError(`identity: needs a weight [out, in]; received ${showShape(shape)}.`)
  return dirac(1)(shape, options)
}

/**
 * Convolution kernels `[out, in, …]` that pass channel i on as channel i (Zagoruyko & Komodakis 2017): 1 at the kernel's
 * middle, zeros elsewhere; in each of `groups` groups of outputs.
 */
export function dirac(groups = 1): Initialiser {
  checkNumber('dirac', 'groups', groups, { min: 1, whole: true })
  return (shape, options) => {
    checkMatrix('dirac', shape)
    const [outputs, inputs, ...kernel] = shape
    if (outputs % groups !== 0) {
      throw new GliaError(`dirac: groups must divide the outputs; received ${groups} for weight ${showShape(shape)}.`)
    }
    const each = outputs / groups
    const field = sizeOf(kernel)
    const middle = kernel.reduce((place, k) => place * k + Math.floor(k / 2), 0)
    const values = new Float32Array(sizeOf(shape))
    for (let o = 0; o < outputs; o++) {
      const channel = o % each
      if (channel < inputs) values[(o * inputs + channel) * field + middle] = 1
    }
    return tensor(values, { shape, ...deviceOf(options) })
  }
}

/**
 * Normal weights `[out, in]` of which a share `sparsity` of each column is zero (Martens 2010).
 * @param std of the others (default 0.01)
 */
export function sparse(sparsity: number, std = 0.01): Initialiser {
  checkNumber('sparse', 'sparsity', sparsity, { min: 0, max: 1 })
  checkNumber('sparse', 'std', std, { min: 0 })
  return (shape, options) => {
    if (shape.length !== 2) throw new GliaError(`sparse: needs a weight [out, in]; received ${showShape(shape)}.`)
    const [rows] = shape
    // Ranks within each column: those below the number of zeros are cleared.
    const rank = rand(shape, options).argsort(0).argsort(0)
    return randn(shape, options)
      .mul(std)
      .maskedFill(rank.lt(Math.ceil(sparsity * rows)), 0)
  }
}

function checkMatrix(operation: string, shape: Shape): void {
  if (shape.length >= 2) return
  throw new GliaError(`${operation}: needs a weight of at least two axes; received ${showShape(shape)}.`)
}
