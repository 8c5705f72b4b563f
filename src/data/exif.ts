/** @file Which way up a photograph is: cameras store what the sensor saw, and note in Exif how to turn it. */

import type { Picture } from './image.ts'

/** How a stored picture must be turned, as Exif (JEITA CP-3451) counts: 1 is upright, 2 to 8 are mirrored or turned. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8

const EXIF = [0x45, 0x78, 0x69, 0x66, 0, 0]
/** The tag, and the type of its value: 16 bits. */
const [TAG, SHORT] = [0x0112, 3]

/** What the Exif segment of a JPEG file says; 1 where there is none, or it makes no sense. */
export function orientationOf(jpeg: Uint8Array): Orientation {
  const view = new DataView(jpeg.buffer, jpeg.byteOffset, jpeg.byteLength)
  for (let at = 2; at + 4 <= jpeg.length && jpeg[at] === 0xff; ) {
    const marker = jpeg[at + 1]
    // Fill bytes may come before a marker; at DA the picture begins.
    if (marker === 0xff) {
      at++
      continue
    }
    const length = view.getUint16(at + 2)
    if (marker === 0xda || length < 2) return 1
    const body = jpeg.subarray(at + 4, at + 2 + length)
    if (marker === 0xe1 && EXIF.every((byte, i) => body[i] === byte)) return orientationIn(body.subarray(EXIF.length))
    at += 2 + length
  }
  return 1
}

/** In the first directory of a TIFF header. */
function orientationIn(tiff: Uint8Array): Orientation {
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.byteLength)
  if (tiff.length < 8) return 1
  const little = tiff[0] === 0x49
  const start = view.getUint32(4, little)
  if (view.getUint16(2, little) !== 42 || start + 2 > tiff.length) return 1
  const count = view.getUint16(start, little)
  for (let entry = 0, at = start + 2; entry < count && at + 12 <= tiff.length; entry++, at += 12) {
    if (view.getUint16(at, little) !== TAG) continue
    const value = view.getUint16(at + 8, little)
    const sound = view.getUint16(at + 2, little) === SHORT && value >= 1 && value <= 8
    return sound ? (value as Orientation) : 1
  }
  return 1
}

/** A stored picture as it is to be seen: mirrored, turned by quarters, or both. */
export function upright(picture: Picture, orientation: Orientation): Picture {
  if (orientation === 1) return picture
  const { width: w, height: h, channels, data } = picture
  // The pixel that comes first, and how far it is from there to the one to the right and to the one below.
  const [first, right, below] = {
    2: [w - 1, -1, w],
    3: [w * h - 1, -1, -w],
    4: [w * (h - 1), 1, -w],
    5: [0, w, 1],
    6: [w * (h - 1), -w, 1],
    7: [w * h - 1, -w, -1],
    8: [w - 1, w, -1],
  }[orientation]
  const [width, height] = orientation < 5 ? [w, h] : [h, w]
  const out = new Uint8Array(data.length)
  let at = 0
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const from = (first + y * below + x * right) * channels
      for (let c = 0; c < channels; c++) out[at++] = data[from + c]
    }
  }
  return { width, height, channels, data: out }
}
