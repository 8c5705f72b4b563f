/** @file How alike images are: PSNR, SSIM, and the Fréchet distance of features. */
import { GliaError } from '../core/errors.ts'
import { checkNumber } from '../core/ranges.ts'
import { sameShape, showShape, sizeOf } from '../core/shape.ts'
import { symmetricEigen } from '../linalg/symmetric.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { read, readPair, StreamingMean, StreamingMetric, type Values } from './metric.ts'
import { type SsimOptions, ssim } from './ssim.ts'

/** Peak signal-to-noise ratio in dB, 10 log₁₀(range² / MSE), averaged over images. Equal images have an infinite one. */
export class Psnr extends StreamingMean<[images: Values, references: Values]> {
  readonly #range: number

  /** @param range greatest possible value minus the least (default 1) */
  constructor(range = 1) {
    super()
    checkNumber('Psnr', 'range', range, { above: 0 })
    this.#range = range
  }

  /** Images `[B, …]` and what they should be. */
  update(images: Values, references: Values): void {
    const [a, b] = readPair('Psnr', images, references)
    const each = sizeOf(a.shape.slice(1))
    if (a.shape.length < 2 || each === 0) {
      throw new GliaError(`Psnr: needs images [B, …]; received ${showShape(a.shape)}.`)
    }
    for (let i = 0; i < a.shape[0]; i++) {
      let squares = 0
      for (let k = i * each; k < (i + 1) * each; k++) squares += (a.data[k] - b.data[k]) ** 2
      this.add(10 * Math.log10(this.#range ** 2 / (squares / each)))
    }
  }
}

/** Structural similarity, averaged over images: see `ssim`. */
export class Ssim extends StreamingMean<[images: Tensor, references: Tensor]> {
  readonly #options: SsimOptions

  constructor(options: SsimOptions = {}) {
    super()
    this.#options = options
  }

  /** Images `[B, C, H, W]` and what they should be. */
  update(images: Tensor, references: Tensor): void {
    const each = read(ssim(images, references, this.#options).detach()).data
    for (let i = 0; i < each.length; i++) this.add(each[i])
  }
}

/** Number, sums and sums of products of features. */
class Moments {
  count = 0
  readonly sums: Float64Array
  readonly products: Float64Array

  constructor(size: number) {
    this.sums = new Float64Array(size)
    this.products = new Float64Array(size * size)
  }

  /** Lower triangles of products are enough. */
  add(row: ArrayLike<number>, start: number): void {
    const size = this.sums.length
    this.count++
    for (let i = 0; i < size; i++) {
      this.sums[i] += row[start + i]
      for (let j = 0; j <= i; j++) this.products[i * size + j] += row[start + i] * row[start + j]
    }
  }

  merge(other: Moments): void {
    this.count += other.count
    for (let i = 0; i < this.sums.length; i++) this.sums[i] += other.sums[i]
    for (let i = 0; i < this.products.length; i++) this.products[i] += other.products[i]
  }

  mean(): Float64Array {
    return this.sums.map((v) => v / this.count)
  }

  /** Unbiased, all of the matrix. */
  covariance(): Float64Array {
    const size = this.sums.length
    const mean = this.mean()
    const out = new Float64Array(size * size)
    for (let i = 0; i < size; i++) {
      for (let j = 0; j <= i; j++) {
        const v = (this.products[i * size + j] - this.count * mean[i] * mean[j]) / (this.count - 1)
        out[i * size + j] = v
        out[j * size + i] = v
      }
    }
    return out
  }
}

/**
 * Fréchet distance (Heusel et al. 2017, FID where the network is Inception) of the features of two sets of images, taken
 * for normal distributions: ‖μ₁ − μ₂‖² + Tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½). Takes time proportional to the cube of the number of
 * features.
 */
export class FrechetDistance extends StreamingMetric<[images: Tensor, kind: 'real' | 'fake'], number> {
  readonly #network: (images: Tensor) => Tensor
  #real: Moments | null = null
  #fake: Moments | null = null

  /** @param network from images to features `[B, D]`; by default `update` is given the features themselves */
  constructor(network: (images: Tensor) => Tensor = (features) => features) {
    super()
    this.#network = network
  }

  /** @param images `[B, …]` @param kind whether they are examples or generated */
  update(images: Tensor, kind: 'real' | 'fake'): void {
    if (kind !== 'real' && kind !== 'fake') {
      throw new GliaError(`FrechetDistance: images are 'real' or 'fake'; received ${String(kind)}.`)
    }
    const { data, shape } = read(this.#network(images))
    const size = (this.#real ?? this.#fake)?.sums.length ?? shape[1]
    if (shape.length !== 2 || shape[1] !== size || size === 0) {
      throw new GliaError(`FrechetDistance: features must be [B, ${size || 'D'}]; received ${showShape(shape)}.`)
    }
    if (kind === 'real') this.#real ??= new Moments(size)
    else this.#fake ??= new Moments(size)
    const moments = (kind === 'real' ? this.#real : this.#fake) as Moments
    for (let i = 0; i < shape[0]; i++) moments.add(data, i * size)
  }

  compute(): number {
    const [a, b] = [this.#real, this.#fake]
    if (!a || !b || a.count < 2 || b.count < 2) {
      throw new GliaError(
        `FrechetDistance: needs at least two images of each kind; received ${a?.count ?? 0} real and ${b?.count ?? 0} fake.`,
      )
    }
    const size = a.sums.length
    const [meanA, meanB, covA, covB] = [a.mean(), b.mean(), a.covariance(), b.covariance()]
    let sum = 0
    for (let i = 0; i < size; i++) sum += (meanA[i] - meanB[i]) ** 2 + covA[i * size + i] + covB[i * size + i]
    return Math.max(0, sum - 2 * traceOfRoot(covA, covB, size))
  }

  reset(): void {
    this.#real = null
    this.#fake = null
  }

  merge(other: this): void {
    const joined = (mine: Moments | null, theirs: Moments | null): Moments | null => {
      if (!theirs) return mine
      if (mine && !sameShape([mine.sums.length], [theirs.sums.length])) {
        throw new GliaError(`merge: features have ${mine.sums.length} numbers here and ${theirs.sums.length} there.`)
      }
      const all = mine ?? new Moments(theirs.sums.length)
      all.merge(theirs)
      return all
    }
    this.#real = joined(this.#real, other.#real)
    this.#fake = joined(this.#fake, other.#fake)
  }
}

/** Tr (A B)^½ of positive semidefinite matrices: the roots of the eigenvalues of A^½ B A^½ add up to it. */
function traceOfRoot(a: Float64Array, b: Float64Array, n: number): number {
  const { values, vectors } = symmetricEigen(a, n)
  // A^½ = V √λ Vᵀ; the rotation by V changes no eigenvalue: √λ Vᵀ B V √λ.
  const rotated = product(product(vectors, b, n, true), vectors, n, false)
  const root = values.map((v) => Math.sqrt(Math.max(0, v)))
  const inner = rotated.map((v, i) => v * root[Math.floor(i / n)] * root[i % n])
  return symmetricEigen(inner, n).values.reduce((sum, v) => sum + Math.sqrt(Math.max(0, v)), 0)
}

/** A B, or Aᵀ B, of `[n, n]` matrices. */
function product(a: Float64Array, b: Float64Array, n: number, transposed: boolean): Float64Array {
  const out = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      const factor = transposed ? a[k * n + i] : a[i * n + k]
      for (let j = 0; j < n; j++) out[i * n + j] += factor * b[k * n + j]
    }
  }
  return out
}
