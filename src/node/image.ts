/**
 * @file PNG files in and out, JPEG files in. Sizes are checked before anything is decoded, so that a small hostile file cannot claim a
 * huge picture or unpack to one.
 */

import { readFile } from 'node:fs/promises'
import { inflateSync } from 'node:zlib'
import { convertIndexedToRgb, decode, encode } from 'fast-png'
import { GliaError } from '../core/errors.ts'
import type { Picture } from '../data/image.ts'
import { decodeImage } from './decode.ts'
import { writeFileAtomic } from './files.ts'

/** 32 megapixels: more than most cameras deliver, less than harm. */
const MAX_PIXELS = 32 * 2 ** 20
const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
/** Samples per pixel by PNG colour type: grey, RGB, palette, grey and alpha, RGB and alpha. */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }
/** All that pictures need; profiles, texts and times are left out unread, and palettes where they are mere suggestions. */
const NEEDED = new Set(['IHDR', 'IDAT', 'IEND'])
const PALETTE = new Set(['PLTE', 'tRNS'])

/**
 * Reads a PNG or JPEG file.
 *
 * @throws GliaError, one sentence, if the file is missing, unreadable, neither, damaged or larger than 32 megapixels
 */
export async function readImage(path: string): Promise<Picture> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new GliaError(code === 'ENOENT' ? `The image ${path} does not exist.` : `${path} cannot be read (${code}).`)
  }
  return decodeImage(bytes, path)
}

/** Writes a PNG file, atomically. */
export async function writeImage(path: string, picture: Picture): Promise<void> {
  await writeFileAtomic(path, encodePng(picture))
}

/**
 * Decodes a PNG of any colour type and depth to 8 bits a channel: grey, grey and alpha, RGB or RGB and alpha. Palettes become
 * RGB (with alpha if they have any), 16 bits are shortened to 8.
 *
 * @param name the file's name, for messages
 * @throws GliaError, one sentence, if it is no PNG, damaged or larger than 32 megapixels
 */
export function decodePng(bytes: Uint8Array, name = 'The image'): Picture {
  const essential = check(bytes, name)
  try {
    const png = decode(essential, { checkCrc: true })
    const { width, height } = png
    if (png.palette) {
      const data = Uint8Array.from(convertIndexedToRgb(png))
      return { width, height, channels: data.length === 4 * width * height ? 4 : 3, data }
    }
    const channels = png.channels
    if (channels !== 1 && channels !== 2 && channels !== 3 && channels !== 4) throw new Error(`${channels} channels`)
    return { width, height, channels, data: toBytes(png.data, width, height, channels, png.depth) }
  } catch (error) {
    throw new GliaError(`${name} is not a sound PNG file (${error instanceof Error ? error.message : error}).`)
  }
}

/** Encodes a picture as an 8-bit PNG. */
export function encodePng({ width, height, channels, data }: Picture): Uint8Array {
  if (data.length !== width * height * channels) {
    throw new GliaError(`encodePng: ${width} × ${height} × ${channels} values are needed; received ${data.length}.`)
  }
  return encode({ width, height, channels, data, depth: 8 })
}

/** Checks what the header announces, inflates against it, and returns the file's essential chunks alone. */
function check(bytes: Uint8Array, name: string): Uint8Array {
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte)) {
    throw new GliaError(`${name} is not a PNG file; convert it to PNG first.`)
  }
  const damaged = (what: string): GliaError => new GliaError(`${name} is not a sound PNG file (${what}).`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const kept = [bytes.subarray(0, 8)]
  const packed: Uint8Array[] = []
  let [least, most] = [0, 0]
  let type = ''
  for (let at = 8; type !== 'IEND'; ) {
    if (at + 12 > bytes.length) throw damaged('it is cut short')
    const length = view.getUint32(at)
    type = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    const end = at + 12 + length
    if (end > bytes.length) throw damaged('it is cut short')
    if ((type === 'IHDR') !== (at === 8) || (type === 'IHDR' && length !== 13)) throw damaged('its header is misplaced')
    if (type === 'IHDR') [least, most] = rawSizes(view, name)
    if (type === 'IDAT') packed.push(bytes.subarray(at + 8, end - 4))
    if (NEEDED.has(type) || (view.getUint8(25) === 3 && PALETTE.has(type))) kept.push(bytes.subarray(at, end))
    at = end
  }
  let unpacked: number
  try {
    unpacked = inflateSync(Buffer.concat(packed), { maxOutputLength: most }).length
  } catch (error) {
    throw damaged(error instanceof Error ? error.message : String(error))
  }
  if (unpacked < least) throw damaged('it has too few pixels')
  return new Uint8Array(Buffer.concat(kept))
}

/** Bounds of the inflated bytes: rows and their filter bytes; interlaced pictures have more rows, up to seven passes' worth. */
function rawSizes(view: DataView, name: string): [least: number, most: number] {
  const [width, height, depth, samples] = [
    view.getUint32(16),
    view.getUint32(20),
    view.getUint8(24),
    SAMPLES[view.getUint8(25)],
  ]
  if (width * height > MAX_PIXELS) {
    throw new GliaError(
      `${name} has ${width} × ${height} pixels; at most ${MAX_PIXELS} are read. Make it smaller first.`,
    )
  }
  if (width === 0 || height === 0 || samples === undefined || depth > 16) {
    throw new GliaError(`${name} is not a sound PNG file (its header makes no sense).`)
  }
  const interlaced = view.getUint8(28) !== 0
  if (interlaced && depth < 8) {
    throw new GliaError(
      `${name} is interlaced with ${depth} bits a channel, which is not read; save it without interlacing.`,
    )
  }
  const plain = (Math.ceil((width * samples * depth) / 8) + 1) * height
  return interlaced ? [(width * samples * depth * height) / 8, 2 * plain + 64] : [plain, plain]
}

/** 16-bit samples to their upper bytes; 1, 2 and 4 bits, packed from the top and rows padded to bytes, to 0 … 255. */
function toBytes(
  data: Uint8Array | Uint8ClampedArray | Uint16Array,
  width: number,
  height: number,
  channels: number,
  depth: number,
): Uint8Array {
  const row = width * channels
  if (depth === 16) return Uint8Array.from(data, (value) => value >> 8)
  if (depth === 8) return Uint8Array.from(data)
  const stride = Math.ceil((row * depth) / 8)
  const max = 2 ** depth - 1
  const out = new Uint8Array(row * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < row; x++) {
      const bit = x * depth
      out[y * row + x] = (((data[y * stride + (bit >> 3)] >> (8 - depth - (bit & 7))) & max) * 255) / max
    }
  }
  return out
}
