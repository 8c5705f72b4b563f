/** @file Image transforms that move pixels, and with them boxes, masks and keypoints. */

import { GliaError } from '../../core/errors.ts'
import { taps } from '../image.ts'
import type { Random } from '../random.ts'
import type { Item } from '../source.ts'
import { about, blank, type Matrix, moved, projection, translation, warp } from './geometry.ts'
import { checkRange, checkSize, defineTransform, type ImageTransform, type Scene, sizeOfScene } from './scene.ts'

type Size = readonly [height: number, width: number]

/** What lies outside the old picture, in the picture's own units (0 … 255, or 0 … 1 for floats); 0 by default. */
interface Fill {
  readonly fill?: number
}

/** To this size: means of areas where it shrinks, linear where it grows. */
export const resize: (options: { readonly size: Size }) => ImageTransform = defineTransform(
  'resize',
  ({ size }: { readonly size: Size }) => {
    checkSize('resize', size)
    return (scene) => resized(scene, size)
  },
)

/** The shorter side to this length, the other in proportion. */
export const resizeShorter: (options: { readonly to: number }) => ImageTransform = defineTransform(
  'resizeShorter',
  ({ to }: { readonly to: number }) => {
    checkSize('resizeShorter', [to, to])
    return (scene) => {
      const [h, w] = sizeOfScene(scene)
      const scale = to / Math.min(h, w)
      return resized(scene, [Math.max(1, Math.round(h * scale)), Math.max(1, Math.round(w * scale))])
    }
  },
)

/** The middle of this size; a smaller picture gets a border. */
export const centreCrop: (options: { readonly size: Size } & Fill) => ImageTransform = defineTransform(
  'centreCrop',
  ({ size, fill }: { readonly size: Size } & Fill) => {
    checkSize('centreCrop', size)
    return (scene) => {
      const [h, w] = sizeOfScene(scene)
      return cut(scene, Math.round((h - size[0]) / 2), Math.round((w - size[1]) / 2), size, fill)
    }
  },
)

/**
 * A part of this size anywhere, after a border of `padding` pixels on every side (0 by default): with 32 and 4, the
 * augmentation of CIFAR-10 (He et al. 2016).
 */
export const randomCrop: (options: { readonly size: Size; readonly padding?: number } & Fill) => ImageTransform =
  defineTransform(
    'randomCrop',
    ({ size, padding = 0, fill }: { readonly size: Size; readonly padding?: number } & Fill) => {
      checkSize('randomCrop', size)
      return (scene, random) => {
        const [h, w] = sizeOfScene(scene)
        const [down, across] = [h + 2 * padding - size[0], w + 2 * padding - size[1]]
        if (down < 0 || across < 0) {
          throw new GliaError(
            `randomCrop: a picture of ${h} × ${w} with a border of ${padding} is smaller than ${size[0]} × ${size[1]}; ` +
              'resize it first, or use more padding.',
          )
        }
        return cut(scene, random.below(down + 1) - padding, random.below(across + 1) - padding, size, fill)
      }
    },
  )

export interface ResizedCropOptions {
  readonly size: Size
  /** Part of the area, [0.08, 1] by default. */
  readonly scale?: readonly [number, number]
  /** Width over height, [3/4, 4/3] by default. */
  readonly ratio?: readonly [number, number]
}

/** A part of random area and proportions, resized to `size` (Szegedy et al. 2015). */
export const randomResizedCrop: (options: ResizedCropOptions) => ImageTransform = defineTransform(
  'randomResizedCrop',
  ({ size, scale = [0.08, 1], ratio = [3 / 4, 4 / 3] }: ResizedCropOptions) => {
    checkSize('randomResizedCrop', size)
    return (scene, random) => {
      const [h, w] = sizeOfScene(scene)
      const area = h * w * random.uniform(...scale)
      const shape = Math.exp(random.uniform(Math.log(ratio[0]), Math.log(ratio[1])))
      const width = Math.max(1, Math.min(w, Math.round(Math.sqrt(area * shape))))
      const height = Math.max(1, Math.min(h, Math.round(Math.sqrt(area / shape))))
      const part = cut(scene, random.below(h - height + 1), random.below(w - width + 1), [height, width])
      return resized(part, size)
    }
  },
)

export interface FlipOptions {
  /** Left and right change places (default), or top and bottom. */
  readonly axis?: 'horizontal' | 'vertical'
  /** How often, 0.5 by default. */
  readonly p?: number
}

/** Mirrors. */
export const flip: (options: FlipOptions) => ImageTransform = defineTransform(
  'flip',
  ({ axis = 'horizontal', p = 0.5 }: FlipOptions) => {
    checkRange('flip', 'p', p, 0, 1)
    return (scene, random) => {
      if (random.uniform() >= p) return scene
      const [h, w] = sizeOfScene(scene)
      const across = axis === 'horizontal'
      const masks = scene.masks ? { masks: mirrored(scene.masks, across) } : {}
      const map: Matrix = across ? [-1, 0, w, 0, 1, 0, 0, 0, 1] : [1, 0, 0, 0, -1, h, 0, 0, 1]
      return moved(scene, map, [h, w], { x: mirrored(scene.x, across), ...masks })
    }
  },
)

/** Moves by up to `max` of height and width either way. */
export const shift: (options: { readonly max: number } & Fill) => ImageTransform = defineTransform(
  'shift',
  ({ max, fill }: { readonly max: number } & Fill) => {
    checkRange('shift', 'max', max, 0, 1)
    return inPlace(fill, (random, h, w) =>
      translation(Math.round(random.uniform(-max, max) * w), Math.round(random.uniform(-max, max) * h)),
    )
  },
)

/** Turns about the middle by up to `degrees` either way, or by an angle in `[from, to]`; positive is anticlockwise. */
export const rotate: (options: { readonly degrees: number | readonly [number, number] } & Fill) => ImageTransform =
  defineTransform('rotate', ({ degrees, fill }: { readonly degrees: number | readonly [number, number] } & Fill) => {
    const [from, to] = typeof degrees === 'number' ? [-degrees, degrees] : degrees
    checkRange('rotate', 'degrees', to - from, 0, 720)
    return inPlace(fill, (random, h, w) => {
      const angle = (random.uniform(from, to) * Math.PI) / 180
      const [cos, sin] = [Math.cos(angle), Math.sin(angle)]
      return about(w / 2, h / 2, [cos, sin, -sin, cos])
    })
  })

/** Makes larger or smaller about the middle by a factor in `scale`. */
export const zoom: (options: { readonly scale: readonly [number, number] } & Fill) => ImageTransform = defineTransform(
  'zoom',
  ({ scale: [from, to], fill }: { readonly scale: readonly [number, number] } & Fill) => {
    checkRange('zoom', 'scale[0]', from, 1e-3, to)
    return inPlace(fill, (random, h, w) => {
      const factor = random.uniform(from, to)
      return about(w / 2, h / 2, [factor, 0, 0, factor])
    })
  },
)

/** Moves each corner inwards by up to half of `distortion` (0 … 1) of height and width: as seen from elsewhere. */
export const perspective: (options: { readonly distortion: number } & Fill) => ImageTransform = defineTransform(
  'perspective',
  ({ distortion, fill }: { readonly distortion: number } & Fill) => {
    checkRange('perspective', 'distortion', distortion, 0, 0.99)
    return inPlace(fill, (random, h, w) => {
      const [dx, dy] = [(distortion * w) / 2, (distortion * h) / 2]
      const corners = [
        [0, 0],
        [w, 0],
        [w, h],
        [0, h],
      ] as const
      const to = corners.map(([x, y]): [number, number] => [
        x === 0 ? random.uniform(0, dx) : x - random.uniform(0, dx),
        y === 0 ? random.uniform(0, dy) : y - random.uniform(0, dy),
      ])
      return projection(corners, to)
    })
  },
)

/** Each row backwards, or the rows in reverse. */
function mirrored({ data, shape }: Item, across: boolean): Item {
  const [rows, columns] = shape.slice(-2)
  const out = blank(data, data.length)
  for (let start = 0; start < data.length; start += columns) {
    const row = (start / columns) % rows
    if (across) for (let x = 0; x < columns; x++) out[start + x] = data[start + columns - 1 - x]
    else out.set(data.subarray(start, start + columns), start + (rows - 1 - 2 * row) * columns)
  }
  return { data: out, shape }
}

function inPlace(fill: number | undefined, map: (random: Random, height: number, width: number) => Matrix) {
  return (scene: Scene, random: Random): Scene => {
    const [h, w] = sizeOfScene(scene)
    return warp(scene, map(random, h, w), [h, w], fill)
  }
}

/** The part of this size from row `top` and column `left` on. */
function cut(scene: Scene, top: number, left: number, size: Size, fill = 0): Scene {
  const window = ({ data, shape }: Item, background: number): Item => {
    const [rows, columns] = shape.slice(-2)
    const layers = data.length / (rows * columns)
    const out = blank(data, layers * size[0] * size[1])
    if (background !== 0) out.fill(background)
    const [from, to] = [Math.max(0, left), Math.min(columns, left + size[1])]
    for (let l = 0; l < layers; l++) {
      for (let y = Math.max(0, top); y < Math.min(rows, top + size[0]) && from < to; y++) {
        const start = (l * rows + y) * columns
        copy(data, start + from, start + to, out, (l * size[0] + y - top) * size[1] + from - left)
      }
    }
    return { data: out, shape: [...shape.slice(0, -2), ...size] }
  }
  const masks = scene.masks ? { masks: window(scene.masks, 0) } : {}
  return moved(scene, translation(-left, -top), size, { x: window(scene.x, fill), ...masks })
}

/** Up to so many values, a loop is faster than a view. */
const SHORT = 64

function copy(data: Item['data'], from: number, to: number, out: Item['data'], at: number): void {
  if (to - from > SHORT) out.set(data.subarray(from, to), at)
  else for (let i = from; i < to; i++) out[at + i - from] = data[i]
}

function resized(scene: Scene, size: Size): Scene {
  const [h, w] = sizeOfScene(scene)
  const map: Matrix = [size[1] / w, 0, 0, 0, size[0] / h, 0, 0, 0, 1]
  const masks = scene.masks ? { masks: sampled(scene.masks, size) } : {}
  return moved(scene, map, size, { x: resizeItem(scene.x, size), ...masks })
}

/** The nearest pixel of each. */
function sampled({ data, shape }: Item, [height, width]: Size): Item {
  const [rows, columns] = shape.slice(-2)
  const layers = data.length / (rows * columns)
  const out = blank(data, layers * height * width)
  for (let l = 0; l < layers; l++) {
    for (let y = 0; y < height; y++) {
      const row = (l * rows + Math.floor(((y + 0.5) * rows) / height)) * columns
      for (let x = 0; x < width; x++) {
        out[(l * height + y) * width + x] = data[row + Math.floor(((x + 0.5) * columns) / width)]
      }
    }
  }
  return { data: out, shape: [...shape.slice(0, -2), height, width] }
}

/** `[C, H, W]` to another height and width, as `resizeTo` does. */
export function resizeItem({ data, shape }: Item, [height, width]: Size): Item {
  const [channels, rows, columns] = shape
  const [across, down] = [taps(columns, width), taps(rows, height)]
  const out = blank(data, channels * height * width)
  const whole = !(data instanceof Float32Array)
  const narrow = new Float64Array(rows * width)
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < width; x++) {
        let sum = 0
        for (const [from, weight] of across[x]) sum += weight * data[(c * rows + y) * columns + from]
        narrow[y * width + x] = sum
      }
    }
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        let sum = 0
        for (const [from, weight] of down[y]) sum += weight * narrow[from * width + x]
        out[(c * height + y) * width + x] = whole ? Math.round(sum) : sum
      }
    }
  }
  return { data: out, shape: [channels, height, width] }
}
