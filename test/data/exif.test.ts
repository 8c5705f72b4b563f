import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Orientation, orientationOf, upright } from '../../src/data/exif.ts'
import { decodeImage } from '../../src/node/decode.ts'

/** What Pillow's `ImageOps.exif_transpose` makes of 1 2 3 over 4 5 6. */
const turned: Readonly<Record<Orientation, readonly number[][]>> = {
  1: [
    [1, 2, 3],
    [4, 5, 6],
  ],
  2: [
    [3, 2, 1],
    [6, 5, 4],
  ],
  3: [
    [6, 5, 4],
    [3, 2, 1],
  ],
  4: [
    [4, 5, 6],
    [1, 2, 3],
  ],
  5: [
    [1, 4],
    [2, 5],
    [3, 6],
  ],
  6: [
    [4, 1],
    [5, 2],
    [6, 3],
  ],
  7: [
    [6, 3],
    [5, 2],
    [4, 1],
  ],
  8: [
    [3, 6],
    [2, 5],
    [1, 4],
  ],
}
const orientations = Object.keys(turned).map(Number) as Orientation[]

/** A segment with three entries, of which the second is the orientation. */
function exif(orientation: number, little: boolean, type = 3): Uint8Array {
  const tiff = new DataView(new ArrayBuffer(8 + 2 + 3 * 12 + 4))
  tiff.setUint16(0, little ? 0x4949 : 0x4d4d)
  tiff.setUint16(2, 42, little)
  tiff.setUint32(4, 8, little)
  tiff.setUint16(8, 3, little)
  const entries = [
    [0x0100, 6],
    [0x0112, orientation],
    [0x0128, 2],
  ]
  entries.forEach(([tag, value], i) => {
    tiff.setUint16(10 + 12 * i, tag, little)
    tiff.setUint16(12 + 12 * i, type, little)
    tiff.setUint32(14 + 12 * i, 1, little)
    tiff.setUint16(18 + 12 * i, value, little)
  })
  const body = [...new TextEncoder().encode('Exif\0\0'), ...new Uint8Array(tiff.buffer)]
  return Uint8Array.of(0xff, 0xe1, 0, body.length + 2, ...body)
}

const plain = new Uint8Array(readFileSync(new URL('../node/fixtures/baseline.jpg', import.meta.url)))
/** The picture, 32 × 24, with segments before all others. */
const withSegments = (...segments: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.of(...plain.subarray(0, 2), ...segments.flatMap((s) => [...s]), ...plain.subarray(2))

describe('upright', () => {
  test.each(orientations)('turns %i as Pillow does, every channel', (orientation) => {
    const rows = turned[orientation]
    const grey = upright({ width: 3, height: 2, channels: 1, data: Uint8Array.of(1, 2, 3, 4, 5, 6) }, orientation)
    expect(grey).toEqual({
      width: rows[0].length,
      height: rows.length,
      channels: 1,
      data: Uint8Array.from(rows.flat()),
    })
    const two = (values: readonly number[]): Uint8Array => Uint8Array.from(values.flatMap((v) => [v, 10 * v]))
    const pair = upright({ width: 3, height: 2, channels: 2, data: two([1, 2, 3, 4, 5, 6]) }, orientation)
    expect(pair.data).toEqual(two(rows.flat()))
  })
})

describe('orientationOf', () => {
  test('reads both byte orders, after other segments and fill bytes', () => {
    const comment = Uint8Array.of(0xff, 0xfe, 0, 4, 65, 66)
    const other = Uint8Array.of(0xff, 0xe1, 0, 6, 0x68, 0x74, 0x74, 0x70)
    for (const orientation of orientations) {
      for (const little of [true, false]) {
        const segment = exif(orientation, little)
        expect(orientationOf(withSegments(segment))).toBe(orientation)
        expect(orientationOf(withSegments(comment, other, Uint8Array.of(0xff), segment))).toBe(orientation)
      }
    }
  })

  test('takes what makes no sense as upright', () => {
    expect(orientationOf(plain)).toBe(1)
    expect(orientationOf(withSegments(exif(0, true)))).toBe(1)
    expect(orientationOf(withSegments(exif(9, false)))).toBe(1)
    expect(orientationOf(withSegments(exif(6, true, 4)))).toBe(1)
    const sound = withSegments(exif(6, true))
    for (let length = 0; length < 70; length++) expect([1, 6]).toContain(orientationOf(sound.slice(0, length)))
    // A directory that would lie outside.
    const outside = sound.slice()
    outside.set([0xff, 0xff, 0xff, 0xff], 2 + 4 + 6 + 4)
    expect(orientationOf(outside)).toBe(1)
  })
})

test.each(orientations)('decodeImage gives a photograph of orientation %i as it is to be seen', async (orientation) => {
  const photo = await decodeImage(withSegments(exif(orientation, orientation % 2 === 0)), 'photo.jpg')
  expect([photo.width, photo.height]).toEqual(orientation < 5 ? [32, 24] : [24, 32])
  expect(photo).toEqual(upright(await decodeImage(plain), orientation))
})
