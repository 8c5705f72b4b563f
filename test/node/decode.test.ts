import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GliaError } from '../../src/core/errors.ts'
import { decodePicture } from '../../src/data/decode.ts'
import { checkPicture, pictureHeader } from '../../src/data/picture-size.ts'
import { decodeImage, decodeJpeg } from '../../src/node/decode.ts'

const fixture = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(`fixtures/${name}`, import.meta.url)))
/** Of a 32 × 24 picture, by Pillow. */
const expected: Record<string, { mean: number[]; corner: number[]; last: number[]; middle: number[] }> = JSON.parse(
  readFileSync(new URL('fixtures/jpeg.json', import.meta.url), 'utf8'),
)

describe('decodeImage', () => {
  test.each(Object.keys(expected))('%s is what Pillow makes of it', async (name) => {
    const { width, height, channels, data } = await decodeImage(fixture(name), name)
    expect([width, height, channels, data.length]).toEqual([32, 24, 3, 32 * 24 * 3])
    const { mean, corner, last, middle } = expected[name]
    const at = (x: number, y: number) => [...data.subarray((y * 32 + x) * 3, (y * 32 + x) * 3 + 3)]
    // Decoders differ in how they round and how they enlarge colour.
    const near = (a: number[], b: number[], tolerance: number) =>
      a.forEach((value, c) => {
        expect(Math.abs(value - b[c])).toBeLessThanOrEqual(tolerance)
      })
    near(at(0, 0), corner, 6)
    near(at(31, 23), last, 6)
    near(at(16, 12), middle, 6)
    const means = [0, 1, 2].map((c) => data.filter((_, i) => i % 3 === c).reduce((a, b) => a + b, 0) / (32 * 24))
    near(means, mean, 0.6)
  })

  test('PNG goes the same way', async () => {
    expect((await decodeImage(fixture('rgb.png'))).channels).toBe(3)
    await expect(decodeJpeg(fixture('rgb.png'), 'a')).rejects.toThrow('a is not a JPEG file')
  })

  test('a damaged JPEG ends in a message', async () => {
    const good = fixture('baseline.jpg')
    await expect(decodeImage(good.slice(0, 400), 'cut.jpg')).rejects.toThrow('cut.jpg is not a sound JPEG file')
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.nat(255), async (at, value) => {
        const bytes = good.slice()
        bytes[at] = value
        await decodeImage(bytes).catch((error: unknown) => expect(error).toBeInstanceOf(GliaError))
      }),
      { numRuns: 100, seed: 3 },
    )
  })

  test('a small file that claims a huge picture is refused before decoding', async () => {
    const bytes = fixture('baseline.jpg').slice()
    const at = bytes.findIndex((byte, i) => byte === 0xff && bytes[i + 1] === 0xc0)
    bytes.set([0xff, 0xff, 0xff, 0xff], at + 5)
    await expect(decodeImage(bytes, 'bomb.jpg')).rejects.toThrow('bomb.jpg has 65535 × 65535 pixels; at most 33554432')
  })
})

describe('pictureHeader', () => {
  // The first 40 bytes of files that Pillow wrote, 32 × 24.
  test.each([
    ['gif', 'R0lGODdhIAAYAIcAAPDm1PDc0NzhyPDSzNzSwvDIyNzIvsjmwMjcvA=='],
    ['bmp', 'Qk02CQAAAAAAADYAAAAoAAAAIAAAABgAAAABABgAAAAAAAAJAADEDg=='],
    ['webp', 'UklGRnwAAABXRUJQVlA4IHAAAADQBACdASogABgAPl0kjkWjoiGb9A=='],
    ['webp', 'UklGRj4AAABXRUJQVlA4TDEAAAAvH8AFAAmASNrfe4aI/qcuAILwHw=='],
  ])('%s', (format, base64) => {
    expect(pictureHeader(new Uint8Array(Buffer.from(base64, 'base64')))).toEqual({ format, width: 32, height: 24 })
  })

  test('JPEG and PNG; nothing else, however short', () => {
    expect(pictureHeader(fixture('progressive.jpg'))).toEqual({ format: 'jpeg', width: 32, height: 24 })
    expect(pictureHeader(fixture('gray.png'))?.format).toBe('png')
    expect(pictureHeader(new TextEncoder().encode('hello'))).toBeUndefined()
    for (const name of ['gray.jpg', 'gray.png']) {
      for (let n = 0; n < 30; n++) expect(() => pictureHeader(fixture(name).subarray(0, n))).not.toThrow()
    }
    expect(() => checkPicture(new Uint8Array(3), 'x.png')).toThrow('x.png is no picture: its 3 bytes')
  })

  test('the browser decoder says that there is none here', async () => {
    await expect(decodePicture(fixture('gray.png'))).rejects.toThrow('in Node use decodeImage')
    await expect(decodePicture(new Uint8Array(9), 'x')).rejects.toThrow('x is no picture')
  })
})
