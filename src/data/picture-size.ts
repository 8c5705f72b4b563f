/** @file What a picture's header says of its format and size, read before anything is decoded. */

import { GliaError } from '../core/errors.ts'

export interface PictureHeader {
  readonly format: 'png' | 'jpeg' | 'gif' | 'webp' | 'bmp'
  readonly width: number
  readonly height: number
}

/** 32 megapixels: more than most cameras deliver, less than harm. */
export const MAX_PIXELS: number = 32 * 2 ** 20

/** Format and size of a PNG, JPEG, GIF, WebP or BMP file; undefined for anything else and for headers cut short. */
export function pictureHeader(bytes: Uint8Array): PictureHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const is = (text: string, at: number): boolean => [...text].every((char, i) => bytes[at + i] === char.charCodeAt(0))
  if (bytes.length >= 24 && is('\x89PNG\r\n\x1a\n', 0)) {
    return { format: 'png', width: view.getUint32(16), height: view.getUint32(20) }
  }
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return jpegHeader(view)
  if (bytes.length >= 10 && (is('GIF87a', 0) || is('GIF89a', 0))) {
    return { format: 'gif', width: view.getUint16(6, true), height: view.getUint16(8, true) }
  }
  if (bytes.length >= 26 && is('BM', 0)) {
    return { format: 'bmp', width: view.getInt32(18, true), height: Math.abs(view.getInt32(22, true)) }
  }
  if (bytes.length >= 30 && is('RIFF', 0) && is('WEBP', 8)) return webpHeader(view, is)
  return undefined
}

function jpegHeader(view: DataView): PictureHeader | undefined {
  for (let at = 2; at + 9 <= view.byteLength; ) {
    if (view.getUint8(at) !== 0xff) return undefined
    const marker = view.getUint8(at + 1)
    // Fill bytes, and markers without a body.
    if (marker === 0xff || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {
      at += marker === 0xff ? 1 : 2
      continue
    }
    // A start of frame; C4, C8 and CC are tables.
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return { format: 'jpeg', width: view.getUint16(at + 7), height: view.getUint16(at + 5) }
    }
    at += 2 + view.getUint16(at + 2)
  }
  return undefined
}

function webpHeader(view: DataView, is: (text: string, at: number) => boolean): PictureHeader | undefined {
  const uint24 = (at: number): number => view.getUint16(at, true) + (view.getUint8(at + 2) << 16)
  if (is('VP8X', 12)) return { format: 'webp', width: uint24(24) + 1, height: uint24(27) + 1 }
  if (is('VP8L', 12)) {
    const bits = view.getUint32(21, true)
    return { format: 'webp', width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
  }
  if (!is('VP8 ', 12)) return undefined
  return { format: 'webp', width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff }
}

/**
 * The header of a picture that is safe to decode.
 *
 * @param name the file's name, for messages
 * @param maxPixels most pixels that may be decoded, 32 Mi by default: a small hostile file cannot claim a huge picture
 * @throws GliaError if it is no picture, has no pixels, or more than `maxPixels`
 */
export function checkPicture(bytes: Uint8Array, name: string, maxPixels: number = MAX_PIXELS): PictureHeader {
  const header = pictureHeader(bytes)
  if (header === undefined) {
    throw new GliaError(
      `${name} is no picture: its ${bytes.length} bytes begin as no PNG, JPEG, GIF, WebP or BMP file.`,
    )
  }
  const { format, width, height } = header
  if (width < 1 || height < 1)
    throw new GliaError(`${name} is not a sound ${format.toUpperCase()} file: it has no pixels.`)
  if (width * height > maxPixels) {
    throw new GliaError(
      `${name} has ${width} × ${height} pixels; at most ${maxPixels} are read. Make it smaller first.`,
    )
  }
  return header
}
