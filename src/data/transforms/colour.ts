/** @file Image transforms that change values in place: colour, noise, holes, normalisation. */

import { GliaError } from '../../core/errors.ts'
import type { Random } from '../random.ts'
import type { Item, MapSource } from '../source.ts'
import { blank } from './geometry.ts'
import { checkRange, defineTransform, type ImageTransform, sizeOfScene } from './scene.ts'

/** A picture as floats in [0, 1]. */
function intensities({ data, shape }: Item): { values: Float32Array; shape: readonly number[] } {
  const values = new Float32Array(data)
  if (!(data instanceof Float32Array)) for (let i = 0; i < values.length; i++) values[i] /= 255
  return { values, shape }
}

/** Back to the kind that it was, cut off at both ends. */
function restored(values: Float32Array, like: Item): Item {
  const out = blank(like.data, values.length)
  const scale = like.data instanceof Float32Array ? 1 : 255
  for (let i = 0; i < values.length; i++) {
    const value = Math.max(0, Math.min(1, values[i])) * scale
    out[i] = scale === 1 ? value : Math.round(value)
  }
  return { data: out, shape: like.shape }
}

/** Rec. 601 brightness of each pixel, in the digits that torchvision takes; grey pictures are their own. */
function greyOf(values: Float32Array, [channels, h, w]: readonly number[]): Float32Array {
  const n = h * w
  if (channels < 3) return values.subarray(0, n)
  return Float32Array.from(
    { length: n },
    (_, i) => 0.2989 * values[i] + 0.587 * values[n + i] + 0.114 * values[2 * n + i],
  )
}

/** All values times `factor`. */
export function adjustBrightness(x: Item, factor: number): Item {
  const { values } = intensities(x)
  return restored(
    values.map((v) => v * factor),
    x,
  )
}

/** Differences to the mean brightness times `factor`. */
export function adjustContrast(x: Item, factor: number): Item {
  const { values, shape } = intensities(x)
  const grey = greyOf(values, shape)
  const mean = grey.reduce((a, b) => a + b, 0) / grey.length
  return restored(
    values.map((v) => factor * v + (1 - factor) * mean),
    x,
  )
}

/** Differences to each pixel's brightness times `factor`: 0 gives grey. */
export function adjustSaturation(x: Item, factor: number): Item {
  const { values, shape } = intensities(x)
  const grey = greyOf(values, shape)
  return restored(
    values.map((v, i) => factor * v + (1 - factor) * grey[i % grey.length]),
    x,
  )
}

/** Turns the colour circle by `turn` (−0.5 … 0.5 of it), through hue, saturation and value. Grey pictures stay. */
export function adjustHue(x: Item, turn: number): Item {
  const { values, shape } = intensities(x)
  if (shape[0] !== 3) return x
  const n = shape[1] * shape[2]
  for (let i = 0; i < n; i++) {
    const [r, g, b] = [values[i], values[n + i], values[2 * n + i]]
    const most = Math.max(r, g, b)
    const spread = most - Math.min(r, g, b)
    if (spread === 0) continue
    const sixth = most === r ? (g - b) / spread : most === g ? 2 + (b - r) / spread : 4 + (r - g) / spread
    const hue = (((sixth / 6 + turn) % 1) + 1) % 1
    // Each channel falls off linearly with its distance on the circle from its own hue.
    for (let c = 0; c < 3; c++) {
      const k = (5 - 2 * c + 6 * hue + 6) % 6
      values[c * n + i] = most - spread * Math.max(0, Math.min(k, 4 - k, 1))
    }
  }
  return restored(values, x)
}

export interface ColourOptions {
  /** Factor in `[1 − b, 1 + b]`. */
  readonly brightness?: number
  /** Factor in `[1 − c, 1 + c]`. */
  readonly contrast?: number
  /** Factor in `[1 − s, 1 + s]`. */
  readonly saturation?: number
  /** Turn in `[−h, h]`, at most 0.5. */
  readonly hue?: number
}

/** Changes brightness, contrast, saturation and hue at random, in this order; 0 leaves one as it is. */
export const colour: (options: ColourOptions) => ImageTransform = defineTransform(
  'colour',
  (options: ColourOptions) => {
    const { brightness = 0, contrast = 0, saturation = 0, hue = 0 } = options
    checkRange('colour', 'hue', hue, 0, 0.5)
    const factor = (random: Random, by: number): number => random.uniform(Math.max(0, 1 - by), 1 + by)
    return (scene, random) => {
      let { x } = scene
      if (brightness > 0) x = adjustBrightness(x, factor(random, brightness))
      if (contrast > 0) x = adjustContrast(x, factor(random, contrast))
      if (saturation > 0) x = adjustSaturation(x, factor(random, saturation))
      if (hue > 0) x = adjustHue(x, random.uniform(-hue, hue))
      return { ...scene, x }
    }
  },
)

/** Takes the colour away, keeping the number of channels. */
export const grey: (options: Record<string, never>) => ImageTransform = defineTransform('grey', () => (scene) => ({
  ...scene,
  x: adjustSaturation(scene.x, 0),
}))

/** Adds bell-shaped noise of this standard deviation, in parts of the full range: 0.05 is a little. */
export const noise: (options: { readonly std: number }) => ImageTransform = defineTransform(
  'noise',
  ({ std }: { readonly std: number }) => {
    checkRange('noise', 'std', std, 0, 10)
    return (scene, random) => {
      const { values } = intensities(scene.x)
      return {
        ...scene,
        x: restored(
          values.map((v) => v + std * random.bell()),
          scene.x,
        ),
      }
    }
  },
)

export interface CutoutOptions {
  /** Side of the square, in parts of the shorter side; 0.5 by default. */
  readonly side?: number
  /** What is written there, 0 by default, in the picture's units. */
  readonly fill?: number
  /** How often, 1 by default. */
  readonly p?: number
}

/** Covers a square whose middle is anywhere in the picture (DeVries and Taylor 2017). */
export const cutout: (options: CutoutOptions) => ImageTransform = defineTransform(
  'cutout',
  ({ side = 0.5, fill = 0, p = 1 }: CutoutOptions) => {
    checkRange('cutout', 'side', side, 0, 1)
    checkRange('cutout', 'p', p, 0, 1)
    return (scene, random) => {
      if (random.uniform() >= p) return scene
      const [h, w] = sizeOfScene(scene)
      const length = Math.round(side * Math.min(h, w))
      const [top, left] = [random.below(h) - (length >> 1), random.below(w) - (length >> 1)]
      const data = scene.x.data.slice()
      for (let c = 0; c < scene.x.shape[0]; c++) {
        for (let y = Math.max(0, top); y < Math.min(h, top + length); y++) {
          const row = (c * h + y) * w
          data.fill(fill, row + Math.max(0, left), row + Math.max(0, Math.min(w, left + length)))
        }
      }
      return { ...scene, x: { data, shape: scene.x.shape } }
    }
  },
)

export interface NormaliseOptions {
  /** Of each channel, in [0, 1]; one number serves all. */
  readonly mean: readonly number[]
  readonly std: readonly number[]
}

/** `(x − mean) / std` per channel, as float32; bytes become [0, 1] first. The statistics come from `channelStatistics`. */
export const normalise: (options: NormaliseOptions) => ImageTransform = defineTransform(
  'normalise',
  ({ mean, std }: NormaliseOptions) => {
    const wrong = std.find((value) => !(value > 0))
    if (wrong !== undefined) throw new GliaError(`normalise: std must be above 0; received ${wrong}.`)
    return (scene) => {
      const { values, shape } = intensities(scene.x)
      for (const [name, list] of Object.entries({ mean, std })) {
        if (list.length === 1 || list.length === shape[0]) continue
        throw new GliaError(`normalise: ${name} has ${list.length} values for ${shape[0]} channels.`)
      }
      const n = shape[1] * shape[2]
      for (let c = 0; c < shape[0]; c++) {
        const [m, s] = [mean[mean.length === 1 ? 0 : c], std[std.length === 1 ? 0 : c]]
        for (let i = c * n; i < (c + 1) * n; i++) values[i] = (values[i] - m) / s
      }
      return { ...scene, x: { data: values, shape } }
    }
  },
)

/**
 * Mean and standard deviation of each channel, in [0, 1], over a source (of training examples only).
 *
 * @param count examples to look at, all by default; taken evenly
 * @throws GliaError if a channel is constant, as it cannot be normalised
 */
export async function channelStatistics(
  source: MapSource<{ readonly x: Item }>,
  count: number = source.length,
): Promise<{ readonly mean: number[]; readonly std: number[] }> {
  const sums: number[] = []
  const squares: number[] = []
  let pixels = 0
  for (let i = 0; i < count; i++) {
    const { values, shape } = intensities((await source.get(Math.floor((i * source.length) / count))).x)
    const n = shape[1] * shape[2]
    pixels += n
    values.forEach((value, at) => {
      const c = Math.floor(at / n)
      sums[c] = (sums[c] ?? 0) + value
      squares[c] = (squares[c] ?? 0) + value * value
    })
  }
  const mean = sums.map((sum) => sum / pixels)
  const std = squares.map((square, c) => Math.sqrt(Math.max(0, square / pixels - mean[c] ** 2)))
  const flat = std.findIndex((value) => value < 1e-6)
  if (flat >= 0 || sums.length === 0) {
    throw new GliaError(
      `channelStatistics: channel ${flat} is constant (or there are no pictures); it cannot be normalised.`,
    )
  }
  return { mean, std }
}
