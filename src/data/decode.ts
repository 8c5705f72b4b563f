/** @file Decoding pictures with what the platform has: browsers and their workers. In Node see `glia/node`. */

import { GliaError } from '../core/errors.ts'
import type { Picture } from './image.ts'
import { checkPicture } from './picture-size.ts'

/**
 * Decodes a PNG, JPEG, GIF (its first frame), WebP or BMP file to RGB and alpha, with the browser's own decoder, turned
 * upright where a camera noted down how it was held. Where a picture is transparent, colours may be off by one, because
 * canvases multiply them by alpha and back.
 *
 * @param name the file's name, for messages
 * @throws GliaError if it is no picture, damaged or larger than 32 megapixels, or the platform has no decoder
 */
export async function decodePicture(bytes: Uint8Array, name = 'The picture'): Promise<Picture> {
  checkPicture(bytes, name)
  if (typeof createImageBitmap !== 'function' || typeof OffscreenCanvas !== 'function') {
    throw new GliaError('decodePicture: this platform decodes no pictures; in Node use decodeImage of glia/node.')
  }
  let bitmap: ImageBitmap
  try {
    bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)]), {
      colorSpaceConversion: 'none',
      imageOrientation: 'from-image',
      premultiplyAlpha: 'none',
    })
  } catch (error) {
    throw new GliaError(`${name} cannot be decoded (${error instanceof Error ? error.message : error}).`)
  }
  const { width, height } = bitmap
  const context = new OffscreenCanvas(width, height).getContext('2d')
  if (context === null) throw new GliaError('decodePicture: the platform gave no canvas to decode on.')
  context.drawImage(bitmap, 0, 0)
  bitmap.close()
  return { width, height, channels: 4, data: new Uint8Array(context.getImageData(0, 0, width, height).data) }
}
