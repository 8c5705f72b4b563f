/**
 * @file Seeded random numbers for data: generated digits, shuffles, splits.
 *
 * Only 32-bit integer arithmetic and exact float operations are used, so a seed gives the same numbers on every engine
 * and processor. Tensor randomness (initialisation, dropout) has its own counter-based generator.
 */

import { GliaError } from '../core/errors.ts'

/** Murmur3's finaliser: every input bit changes about half of the output bits. */
function mix(word: number): number {
  let h = word | 0
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}

/** Where a `Random` stands: four numbers. */
export type RandomState = readonly [number, number, number, number]

/**
 * A small fast generator (Chris Doty-Humphrey's sfc32: 128 bits of state, passes PractRand).
 *
 * Give the same seed with different stream numbers to get independent sequences: `new Random(seed, epoch, example)`.
 */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /**
   * @param seed any safe integer (negative ones too)
   * @param streams integers that tell sequences of one seed apart
   * @throws GliaError if the seed or a stream is not a safe integer
   */
  constructor(seed: number, ...streams: readonly number[]) {
    let [a, b, c] = [0x9e3779b9, 0x243f6a88, 0xb7e15162]
    for (const key of [seed, ...streams]) {
      if (!Number.isSafeInteger(key)) throw new GliaError(`Random: a seed must be a whole number; received ${key}.`)
      const [low, high] = [key | 0, Math.floor(key / 2 ** 32) | 0]
      a = mix(a ^ low)
      b = mix(Math.imul(b, 31) ^ a ^ high)
      c = mix(Math.imul(c, 37) ^ b)
    }
    this.#a = a
    this.#b = b
    this.#c = c
    for (let i = 0; i < 8; i++) this.bits()
  }

  /** Where the sequence stands: `Random.at` goes on there. */
  get state(): RandomState {
    return [this.#a, this.#b, this.#c, this.#counter]
  }

  /** A generator that goes on where another one stood. */
  static at([a, b, c, counter]: RandomState): Random {
    const random = new Random(0)
    random.#a = a
    random.#b = b
    random.#c = c
    random.#counter = counter
    return random
  }

  /** The next 32 random bits, as a signed integer. */
  bits(): number {
    const result = (this.#a + this.#b + this.#counter++) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0
    return result
  }

  /** Uniform in `[low, high)`; `[0, 1)` by default. */
  uniform(low = 0, high = 1): number {
    return low + ((this.bits() >>> 0) / 2 ** 32) * (high - low)
  }

  /** Bell-shaped with mean 0 and standard deviation 1, never beyond ±3.5: a sum of four uniforms, exact everywhere. */
  bell(): number {
    const sum = (this.bits() >>> 0) + (this.bits() >>> 0) + (this.bits() >>> 0) + (this.bits() >>> 0)
    return (sum / 2 ** 32 - 2) * 1.7320508075688772
  }

  /** A whole number in `[0, n)`, `n` up to 2³². */
  below(n: number): number {
    return Math.floor(((this.bits() >>> 0) / 2 ** 32) * n)
  }
}

/**
 * The numbers `0 … length − 1` in random order (Fisher and Yates), the same for the same arguments.
 *
 * @param seed a safe integer, 0 by default
 * @param streams tell permutations of one seed apart, for example the epoch
 */
export function permutation(length: number, seed = 0, ...streams: readonly number[]): Int32Array {
  if (!Number.isInteger(length) || length < 0) {
    throw new GliaError(`permutation: length must be a whole number of at least 0; received ${length}.`)
  }
  const random = new Random(seed, ...streams)
  const order = Int32Array.from({ length }, (_, i) => i)
  for (let i = length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const kept = order[i]
    order[i] = order[j]
    order[j] = kept
  }
  return order
}
