/** @file In which order, and how often, examples are seen. */

import { GliaError } from '../core/errors.ts'
import { permutation, Random } from './random.ts'

/** The examples of an epoch: indices in `[0, length)`, in order, with repeats if it likes. */
export type Sampler = (length: number, epoch: number) => Int32Array

/** As they are. */
export function sequential(): Sampler {
  return (length) => Int32Array.from({ length }, (_, i) => i)
}

/** Every example once, in another order at every epoch; the order that `fit` uses for the same seed. */
export function shuffled(seed = 0): Sampler {
  return (length, epoch) => permutation(length, seed, epoch)
}

export interface WeightedOptions {
  /** Examples drawn per epoch; as many as there are by default. */
  readonly count?: number
  /** Whether an example can be drawn again within an epoch; true by default. */
  readonly replacement?: boolean
  /** 0 by default. */
  readonly seed?: number
}

/**
 * Draws examples with probabilities in proportion to `weights`.
 *
 * @throws GliaError if a weight is negative or not finite, all are 0, or without replacement more are wanted than have a
 * weight above 0
 */
export function weighted(weights: ArrayLike<number>, options: WeightedOptions = {}): Sampler {
  const { replacement = true, seed = 0, count = weights.length } = options
  const positive = checkWeights(weights)
  if (!replacement && count > positive) {
    throw new GliaError(
      `weighted: ${count} examples cannot be drawn without replacement, as ${positive} have a weight above 0.`,
    )
  }
  return (length, epoch) => {
    if (length !== weights.length) {
      throw new GliaError(`weighted: there are ${weights.length} weights for ${length} examples.`)
    }
    const tree = new Fenwick(weights)
    const random = new Random(seed, 3, epoch)
    return Int32Array.from({ length: count }, () => {
      const index = tree.find((random.uniform() + random.uniform() / 2 ** 32) * tree.total)
      if (!replacement) tree.clear(index)
      return index
    })
  }
}

/** Weights under which all classes are drawn equally often: 1 / (number of classes · number of examples of the class). */
export function balancedWeights(labels: ArrayLike<number>): Float64Array {
  const counts = new Map<number, number>()
  for (let i = 0; i < labels.length; i++) counts.set(labels[i], (counts.get(labels[i]) ?? 0) + 1)
  return Float64Array.from({ length: labels.length }, (_, i) => 1 / (counts.size * (counts.get(labels[i]) ?? 1)))
}

function checkWeights(weights: ArrayLike<number>): number {
  let positive = 0
  for (let i = 0; i < weights.length; i++) {
    if (!(weights[i] >= 0 && weights[i] < Number.POSITIVE_INFINITY)) {
      throw new GliaError(`weighted: weight ${i} must be a finite number of at least 0; received ${weights[i]}.`)
    }
    if (weights[i] > 0) positive++
  }
  if (positive === 0) throw new GliaError('weighted: at least one weight must be above 0.')
  return positive
}

/** Prefix sums under changes, both in log n steps (Fenwick 1994). */
class Fenwick {
  readonly #sums: Float64Array
  readonly #weights: Float64Array
  readonly #top: number

  constructor(weights: ArrayLike<number>) {
    this.#weights = Float64Array.from(weights)
    this.#sums = new Float64Array(weights.length + 1)
    this.#top = 2 ** Math.floor(Math.log2(Math.max(1, weights.length)))
    for (let i = 1; i <= weights.length; i++) {
      this.#sums[i] += weights[i - 1]
      const parent = i + (i & -i)
      if (parent <= weights.length) this.#sums[parent] += this.#sums[i]
    }
  }

  get total(): number {
    let sum = 0
    for (let i = this.#weights.length; i > 0; i -= i & -i) sum += this.#sums[i]
    return sum
  }

  /** The index whose part of `[0, total)` holds `target`; never one of weight 0. */
  find(target: number): number {
    let at = 0
    for (let step = this.#top; step > 0; step >>= 1) {
      const next = at + step
      if (next <= this.#weights.length && this.#sums[next] <= target) {
        at = next
        target -= this.#sums[next]
      }
    }
    // Rounding may lead past the end or onto an index of weight 0.
    let index = Math.min(at, this.#weights.length - 1)
    while (index > 0 && this.#weights[index] === 0) index--
    while (this.#weights[index] === 0) index++
    return index
  }

  clear(index: number): void {
    const weight = this.#weights[index]
    this.#weights[index] = 0
    for (let i = index + 1; i <= this.#weights.length; i += i & -i) this.#sums[i] -= weight
  }
}
