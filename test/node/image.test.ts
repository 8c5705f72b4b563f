import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GliaError } from '../../src/core/errors.ts'
import { decodePng, encodePng, readImage, writeImage } from '../../src/node/image.ts'
import { crc32 } from './crc32.ts'

const fixtures = new URL('fixtures/', import.meta.url)
const expected: Record<string, { width: number; height: number; channels: number; data: number[] }> = JSON.parse(
  await readFile(new URL('expected.json', fixtures), 'utf8'),
)

let dir = ''
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'glia-image-'))
})
afterAll(() => rm(dir, { recursive: true }))

function chunk(type: string, body: Uint8Array): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), body])
  const out = Buffer.alloc(typed.length + 8)
  out.writeUInt32BE(body.length, 0)
  typed.copy(out, 4)
  out.writeUInt32BE(crc32(typed), typed.length + 4)
  return out
}

/** A PNG file with this header and these bytes as pixels, whether they fit or not. */
function png(width: number, height: number, depth: number, type: number, interlace: number, raw: Uint8Array): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([depth, type, 0, 0, interlace], 8)
  const signature = Buffer.from('89504e470d0a1a0a', 'hex')
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(raw)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

describe('readImage', () => {
  test.each(Object.keys(expected))('reads %s as Pillow does', async (name) => {
    const { data, ...rest } = await readImage(new URL(name, fixtures).pathname)
    expect({ ...rest, data: [...data] }).toEqual(expected[name])
  })

  test('says what is missing or no picture', async () => {
    await expect(readImage(join(dir, 'no.png'))).rejects.toThrow('no.png does not exist.')
    await expect(readImage(dir)).rejects.toThrow('cannot be read (EISDIR)')
    await writeFile(join(dir, 'a.jpg'), Uint8Array.of(0xff, 0xd8, 0xff))
    await expect(readImage(join(dir, 'a.jpg'))).rejects.toThrow('a.jpg is no picture')
    const gif = Buffer.from('GIF89a\x02\0\x02\0\0\0', 'latin1')
    expect(() => decodePng(gif, 'a.gif')).toThrow('a.gif is not a PNG file; convert it to PNG first.')
    await writeFile(join(dir, 'a.gif'), gif)
    await expect(readImage(join(dir, 'a.gif'))).rejects.toThrow('a.gif is a GIF file, which is not read')
  })
})

describe('writeImage', () => {
  test('what is written is read back', async () => {
    const path = join(dir, 'out.png')
    const picture = { width: 2, height: 1, channels: 3, data: Uint8Array.of(1, 2, 3, 4, 5, 6) } as const
    await writeImage(path, picture)
    expect(await readImage(path)).toEqual(picture)
  })

  test('refuses data of another size', () => {
    expect(() => encodePng({ width: 2, height: 2, channels: 1, data: new Uint8Array(3) })).toThrow(
      '2 × 2 × 1 values are needed; received 3',
    )
  })
})

describe('decodePng', () => {
  test('refuses huge, empty and senseless headers before decoding', () => {
    const none = new Uint8Array(0)
    expect(() => decodePng(png(100_000, 100_000, 8, 0, 0, none), 'bomb.png')).toThrow(
      'bomb.png has 100000 × 100000 pixels',
    )
    expect(() => decodePng(png(0, 1, 8, 0, 0, none))).toThrow('its header makes no sense')
    expect(() => decodePng(png(1, 1, 8, 5, 0, none))).toThrow('its header makes no sense')
    expect(() => decodePng(png(9, 9, 1, 0, 1, new Uint8Array(40)))).toThrow('save it without interlacing')
  })

  test('refuses pixels that are fewer or more than announced', () => {
    expect(() => decodePng(png(2, 2, 8, 0, 0, new Uint8Array(5)))).toThrow('it has too few pixels')
    expect(() => decodePng(png(2, 2, 8, 0, 0, new Uint8Array(50_000_000)))).toThrow('is not a sound PNG file')
    expect([...decodePng(png(2, 2, 8, 0, 0, new Uint8Array(6).fill(7, 1, 3))).data]).toEqual([7, 7, 0, 0])
  })

  test('reads interlaced pictures of 8 bits', () => {
    // A 1 × 1 picture has one pass of one row.
    expect([...decodePng(png(1, 1, 8, 0, 1, Uint8Array.of(0, 42))).data]).toEqual([42])
  })

  test('changed bytes give a picture or a GliaError', async () => {
    const files = await Promise.all(Object.keys(expected).map((name) => readFile(new URL(name, fixtures))))
    fc.assert(
      fc.property(fc.constantFrom(...files), fc.nat(200), fc.nat(255), fc.nat(200), (file, at, value, cut) => {
        const bytes = Uint8Array.from(file)
        bytes[at % bytes.length] = value
        for (const candidate of [bytes, bytes.subarray(0, cut)]) {
          try {
            decodePng(candidate)
          } catch (error) {
            expect(error).toBeInstanceOf(GliaError)
          }
        }
      }),
      { numRuns: 500 },
    )
  })
})
