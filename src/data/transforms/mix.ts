/** @file Mixtures of the examples of a batch: mixup and CutMix. */

import { GliaError } from '../../core/errors.ts'
import { permutation, type Random } from '../random.ts'
import type { Item } from '../source.ts'

/** A batch of pictures and their classes. */
export interface ClassBatch {
  /** `[B, C, H, W]`. */
  readonly x: Item
  /** Class numbers `[B]`, or shares of classes `[B, K]`. */
  readonly y: Item
}

export interface MixOptions {
  /** Number of classes K. */
  readonly classes: number
  /** Of the distribution Beta(α, α) of shares, 0.2 by default (1 for CutMix). */
  readonly alpha?: number
}

/**
 * Mixes each example with another of the batch, `λ a + (1 − λ) b`, and the classes likewise (Zhang et al. 2018).
 *
 * @returns a batch transform: `x` float32 in [0, 1] or as it was, `y` float32 `[B, K]`, for a cross-entropy of shares
 * @throws GliaError if a class number is not below `classes`
 */
export function mixup({ classes, alpha = 0.2 }: MixOptions): (batch: ClassBatch, random: Random) => ClassBatch {
  return ({ x, y }, random) => {
    const share = beta(alpha, random)
    const partner = permutation(x.shape[0], random.below(2 ** 31))
    return {
      x: { data: blended(intensities(x), partner, share), shape: x.shape },
      y: { data: blended(shares('mixup', y, classes), partner, share), shape: [x.shape[0], classes] },
    }
  }
}

/** `share` of each row and the rest of its partner's. */
function blended(data: Float32Array, partner: Int32Array, share: number): Float32Array {
  const size = data.length / partner.length
  const out = new Float32Array(data.length)
  for (let row = 0; row < partner.length; row++) {
    const [own, other] = [row * size, partner[row] * size]
    for (let i = 0; i < size; i++) out[own + i] = share * data[own + i] + (1 - share) * data[other + i]
  }
  return out
}

/** Bytes as float32 in [0, 1]; floats as they are. */
function intensities({ data }: Item): Float32Array {
  if (data instanceof Float32Array) return data
  const out = new Float32Array(data.length)
  for (let i = 0; i < data.length; i++) out[i] = data[i] / 255
  return out
}

/**
 * Puts a rectangle of another example into each, and mixes the classes by area (Yun et al. 2019).
 *
 * @returns a batch transform: `x` as it was, `y` float32 `[B, K]`
 */
export function cutmix({ classes, alpha = 1 }: MixOptions): (batch: ClassBatch, random: Random) => ClassBatch {
  return ({ x, y }, random) => {
    const [count, channels, h, w] = x.shape
    const side = Math.sqrt(1 - beta(alpha, random))
    const [cy, cx] = [random.below(h), random.below(w)]
    const [top, bottom] = [cy - (side * h) / 2, cy + (side * h) / 2].map((v) => Math.max(0, Math.min(h, Math.round(v))))
    const [left, right] = [cx - (side * w) / 2, cx + (side * w) / 2].map((v) => Math.max(0, Math.min(w, Math.round(v))))
    const partner = permutation(count, random.below(2 ** 31))
    const data = x.data.slice()
    for (let i = 0; i < count * channels; i++) {
      const other = partner[Math.floor(i / channels)] * channels + (i % channels)
      for (let row = top; row < bottom; row++) {
        const from = (other * h + row) * w
        data.set(x.data.subarray(from + left, from + right), (i * h + row) * w + left)
      }
    }
    const share = 1 - ((bottom - top) * (right - left)) / (h * w)
    const target = shares('cutmix', y, classes)
    const mixed = target.map(
      (v, i) => share * v + (1 - share) * target[partner[Math.floor(i / classes)] * classes + (i % classes)],
    )
    return { x: { data, shape: x.shape }, y: { data: mixed, shape: [count, classes] } }
  }
}

/** Class numbers as one-hot rows; shares as they are. */
function shares(operation: string, { data, shape }: Item, classes: number): Float32Array {
  if (shape.length === 2 && shape[1] === classes) return Float32Array.from(data)
  const out = new Float32Array(shape[0] * classes)
  for (let i = 0; i < shape[0]; i++) {
    if (!(shape.length === 1 && Number.isInteger(data[i]) && data[i] >= 0 && data[i] < classes)) {
      throw new GliaError(
        `${operation}: y must be class numbers [B] below ${classes}; received ${data[i]} in [${shape.join(', ')}].`,
      )
    }
    out[i * classes + data[i]] = 1
  }
  return out
}

/** Beta(α, α), as a ratio of gamma variates. */
function beta(alpha: number, random: Random): number {
  if (!(alpha > 0)) throw new GliaError(`mixup: alpha must be above 0; received ${alpha}.`)
  const [a, b] = [logGamma(alpha, random), logGamma(alpha, random)]
  return 1 / (1 + Math.exp(b - a))
}

/** The logarithm of a gamma variate (Marsaglia and Tsang 2000), which does not vanish for small α. */
function logGamma(alpha: number, random: Random): number {
  const d = alpha + 1 - 1 / 3
  for (;;) {
    const [u, v] = [1 - random.uniform(), random.uniform()]
    const normal = Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v)
    const cube = (1 + normal / Math.sqrt(9 * d)) ** 3
    if (cube <= 0) continue
    if (Math.log(1 - random.uniform()) < 0.5 * normal ** 2 + d - d * cube + d * Math.log(cube)) {
      // From α + 1 back to α.
      return Math.log(d * cube) + Math.log(1 - random.uniform()) / alpha
    }
  }
}
