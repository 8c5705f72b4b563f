/**
 * @file Pictures as bytes, and how a picture of any size becomes the input of a model trained on small grey images.
 */

import { GliaError } from '../core/errors.ts'

/** A picture, row by row from the top left, channels together: `data[(y · width + x) · channels + c]`. */
export interface Picture {
  readonly width: number
  readonly height: number
  /** 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha. */
  readonly channels: 1 | 2 | 3 | 4
  /** 0 … 255; alpha 255 is opaque, and colours are not multiplied by it. */
  readonly data: Uint8Array
}

/**
 * The brightness of a picture (Rec. 601: 0.299 R + 0.587 G + 0.114 B), `[height, width]` bytes in one channel.
 *
 * Where it is transparent it is laid over white, or over black if what is drawn on it is bright, so that a drawing without
 * a background keeps its contrast.
 */
export function toGray(picture: Picture): Picture {
  const { width, height, channels, data } = picture
  const n = width * height
  const gray = new Uint8Array(n)
  const hasAlpha = channels === 2 || channels === 4
  let [drawn, weight] = [0, 0]
  for (let i = 0; i < n; i++) {
    const at = i * channels
    const value = channels >= 3 ? Math.round(0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2]) : data[at]
    gray[i] = value
    if (hasAlpha) {
      const alpha = data[at + channels - 1]
      drawn += alpha * value
      weight += alpha
    }
  }
  if (hasAlpha && weight < 255 * n) {
    const paper = drawn > 127 * weight ? 0 : 255
    for (let i = 0; i < n; i++) {
      const alpha = data[i * channels + channels - 1] / 255
      gray[i] = Math.round(alpha * gray[i] + (1 - alpha) * paper)
    }
  }
  return { width, height, channels: 1, data: gray }
}

/**
 * A picture of another size: each new pixel is the mean of the area that it covers where the picture shrinks, and linear
 * between its neighbours where it grows. Channels are treated alike.
 *
 * @throws GliaError if a size is not a whole number of at least 1
 */
export function resizeTo(picture: Picture, width: number, height: number): Picture {
  for (const [name, size] of Object.entries({ width, height })) {
    if (!Number.isInteger(size) || size < 1) {
      throw new GliaError(`resizeTo: ${name} must be a whole number of at least 1; received ${size}.`)
    }
  }
  const { channels, data } = picture
  const across = taps(picture.width, width)
  const down = taps(picture.height, height)
  const narrow = new Float64Array(picture.height * width * channels)
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        let sum = 0
        for (const [from, weight] of across[x]) sum += weight * data[(y * picture.width + from) * channels + c]
        narrow[(y * width + x) * channels + c] = sum
      }
    }
  }
  const row = width * channels
  const out = new Uint8Array(height * row)
  for (let y = 0; y < height; y++) {
    for (let i = 0; i < row; i++) {
      let sum = 0
      for (const [from, weight] of down[y]) sum += weight * narrow[from * row + i]
      out[y * row + i] = Math.round(sum)
    }
  }
  return { width, height, channels, data: out }
}

/** For each new position the old ones that it draws on, with weights that sum to 1. */
export function taps(from: number, to: number): [position: number, weight: number][][] {
  const step = from / to
  return Array.from({ length: to }, (_, i) => {
    if (step < 1) {
      const centre = Math.min(from - 1, Math.max(0, (i + 0.5) * step - 0.5))
      const left = Math.floor(centre)
      return [
        [left, 1 - (centre - left)],
        [Math.min(left + 1, from - 1), centre - left],
      ]
    }
    const [start, end] = [i * step, (i + 1) * step]
    const list: [number, number][] = []
    for (let p = Math.floor(start); p < Math.min(from, Math.ceil(end)); p++) {
      list.push([p, (Math.min(end, p + 1) - Math.max(start, p)) / step])
    }
    return list
  })
}

/** How to turn a picture into the input of a model of grey images. */
export interface GrayInputOptions {
  /** Width of the input in pixels, 28 by default. */
  readonly width?: number
  /** Height of the input in pixels, 28 by default. */
  readonly height?: number
  /** Make it white on black as MNIST is: always, never, or when the border is bright (`'auto'`, the default). */
  readonly invert?: boolean | 'auto'
  /**
   * Cut the drawing out, fit its longer side into 20 of 28 pixels and put its centre of mass in the middle, as was done
   * for MNIST. A picture that has the wanted size already is left as it is. false by default.
   */
  readonly fit?: boolean
}

/**
 * A grey picture of the size and polarity that a model expects; divide by 255 for its input `[1, height, width]`.
 *
 * @throws GliaError if a size is not a whole number of at least 1
 */
export function grayInput(picture: Picture, options: GrayInputOptions = {}): Picture {
  const { width = 28, height = 28, invert = 'auto', fit = false } = options
  let gray = toGray(picture)
  if (invert === true || (invert === 'auto' && borderMean(gray) > 127)) {
    gray = { ...gray, data: gray.data.map((value) => 255 - value) }
  }
  if (gray.width === width && gray.height === height) return gray
  const box = fit ? inkBox(gray) : undefined
  if (box === undefined) return resizeTo(gray, width, height)
  const cut = crop(gray, box)
  const scale = Math.min((width * 20) / 28 / cut.width, (height * 20) / 28 / cut.height)
  const size = (length: number): number => Math.max(1, Math.round(length * scale))
  return centred(resizeTo(cut, size(cut.width), size(cut.height)), width, height)
}

function borderMean({ width, height, data }: Picture): number {
  let [sum, count] = [0, 0]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x += y === 0 || y === height - 1 ? 1 : Math.max(1, width - 1)) {
      sum += data[y * width + x]
      count++
    }
  }
  return sum / count
}

/** The smallest rectangle around everything brighter than a fifth of the brightest pixel. */
function inkBox({ width, height, data }: Picture): [x: number, y: number, width: number, height: number] | undefined {
  const threshold = data.reduce((max, value) => Math.max(max, value), 0) / 5
  let [left, right, top, bottom] = [width, -1, height, -1]
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (data[y * width + x] <= threshold) continue
      left = Math.min(left, x)
      right = Math.max(right, x)
      top = Math.min(top, y)
      bottom = y
    }
  }
  return right < 0 ? undefined : [left, top, right - left + 1, bottom - top + 1]
}

function crop(picture: Picture, [x, y, width, height]: [number, number, number, number]): Picture {
  const data = new Uint8Array(width * height)
  for (let row = 0; row < height; row++) {
    const start = (y + row) * picture.width + x
    data.set(picture.data.subarray(start, start + width), row * width)
  }
  return { width, height, channels: 1, data }
}

/** Lays a smaller picture on black, its centre of mass as near the middle as it fits. */
function centred(picture: Picture, width: number, height: number): Picture {
  let [mass, mx, my] = [0, 0, 0]
  picture.data.forEach((value, i) => {
    mass += value
    mx += value * ((i % picture.width) + 0.5)
    my += value * (Math.floor(i / picture.width) + 0.5)
  })
  const place = (middle: number, size: number, room: number): number =>
    Math.min(room - size, Math.max(0, Math.round(room / 2 - middle)))
  const left = place(mx / mass, picture.width, width)
  const top = place(my / mass, picture.height, height)
  const data = new Uint8Array(width * height)
  for (let row = 0; row < picture.height; row++) {
    const start = row * picture.width
    data.set(picture.data.subarray(start, start + picture.width), (top + row) * width + left)
  }
  return { width, height, channels: 1, data }
}
