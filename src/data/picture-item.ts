/** @file Between pictures (channels together) and items (channel after channel), and between colours. */

import { GliaError } from '../core/errors.ts'
import { type Picture, toGray } from './image.ts'
import { type Item, kindOf } from './source.ts'

/** A picture in three channels: grey is repeated, and what is transparent is laid over white. */
export function toRgb(picture: Picture): Picture {
  const { width, height, channels, data } = picture
  if (channels === 3) return picture
  const out = new Uint8Array(3 * width * height)
  for (let i = 0; i < width * height; i++) {
    const alpha = channels % 2 === 0 ? data[i * channels + channels - 1] / 255 : 1
    for (let c = 0; c < 3; c++) {
      const value = data[i * channels + (channels > 2 ? c : 0)]
      out[3 * i + c] = Math.round(alpha * value + (1 - alpha) * 255)
    }
  }
  return { width, height, channels: 3, data: out }
}

/** A picture as uint8 `[C, H, W]`, C being 1 (grey) or 3 (RGB, default). */
export function fromPicture(picture: Picture, channels: 1 | 3 = 3): Item {
  const { width, height, data } = channels === 3 ? toRgb(picture) : picture.channels === 1 ? picture : toGray(picture)
  const area = width * height
  const out = new Uint8Array(channels * area)
  for (let c = 0; c < channels; c++) for (let i = 0; i < area; i++) out[c * area + i] = data[i * channels + c]
  return { data: out, shape: [channels, height, width] }
}

/**
 * An item `[C, H, W]` of 1 to 4 channels as a picture; floats are taken as intensities in [0, 1].
 *
 * @throws GliaError if it has another shape
 */
export function toPicture(item: Item): Picture {
  const { data, shape } = item
  const [channels, height, width] = shape
  if (shape.length !== 3 || (channels !== 1 && channels !== 2 && channels !== 3 && channels !== 4)) {
    throw new GliaError(`toPicture: an item [C, H, W] of 1 to 4 channels is needed; received ${kindOf(item)}.`)
  }
  const area = width * height
  const scale = data instanceof Float32Array ? 255 : 1
  const out = new Uint8Array(data.length)
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < area; i++) {
      out[i * channels + c] = Math.max(0, Math.min(255, Math.round(scale * data[c * area + i])))
    }
  }
  return { width, height, channels, data: out }
}
