/** @file Decoding pictures in Node: PNG and JPEG, with libraries that are loaded when the first picture needs them. */

import { GliaError } from '../core/errors.ts'
import { orientationOf, upright } from '../data/exif.ts'
import type { Picture } from '../data/image.ts'
import { checkPicture } from '../data/picture-size.ts'

/**
 * Decodes a PNG or JPEG file. JPEG comes as RGB, turned upright where a camera noted down how it was held (Exif).
 *
 * @param name the file's name, for messages
 * @throws GliaError, one sentence, if it is neither, damaged or larger than 32 megapixels
 */
export async function decodeImage(bytes: Uint8Array, name = 'The image'): Promise<Picture> {
  const { format } = checkPicture(bytes, name)
  if (format === 'png') return (await import('./image.ts')).decodePng(bytes, name)
  if (format === 'jpeg') return decodeJpeg(bytes, name)
  throw new GliaError(`${name} is a ${format.toUpperCase()} file, which is not read; convert it to PNG or JPEG first.`)
}

/**
 * Decodes a JPEG file, baseline or progressive, to RGB, and turns it as its Exif orientation says.
 *
 * @throws GliaError, one sentence, if it is no JPEG, damaged or larger than 32 megapixels
 */
export async function decodeJpeg(bytes: Uint8Array, name = 'The image'): Promise<Picture> {
  const { format } = checkPicture(bytes, name)
  if (format !== 'jpeg') throw new GliaError(`${name} is not a JPEG file.`)
  const loaded = await import('jpeg-js')
  const decode = (loaded.default ?? loaded).decode
  try {
    const { width, height, data } = decode(bytes, {
      useTArray: true,
      formatAsRGBA: false,
      tolerantDecoding: false,
      maxResolutionInMP: 34,
      maxMemoryUsageInMB: 1024,
    })
    const stored = {
      width,
      height,
      channels: 3,
      data: new Uint8Array(data.buffer, data.byteOffset, data.length),
    } as const
    return upright(stored, orientationOf(bytes))
  } catch (error) {
    throw new GliaError(`${name} is not a sound JPEG file (${error instanceof Error ? error.message : error}).`)
  }
}
