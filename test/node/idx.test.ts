import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fashionClasses, readIdxDirectory } from '../../src/node/idx.ts'

let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'glia-idx-'))
})
afterEach(() => rm(dir, { recursive: true }))

function idx(shape: readonly number[], values: ArrayLike<number>): Uint8Array {
  const head = Buffer.alloc(4 + 4 * shape.length)
  head[2] = 8
  head[3] = shape.length
  shape.forEach((d, i) => {
    head.writeUInt32BE(d, 4 + 4 * i)
  })
  return Buffer.concat([head, Uint8Array.from(values)])
}

const pixels = (count: number): number[] => Array.from({ length: count * 6 }, (_, i) => i % 251)
const TRAIN_IMAGES = 'train-images-idx3-ubyte'
const TRAIN_LABELS = 'train-labels-idx1-ubyte'
const contents: Record<string, Uint8Array> = {
  [TRAIN_IMAGES]: idx([3, 2, 3], pixels(3)),
  [TRAIN_LABELS]: idx([3], [0, 9, 4]),
  't10k-images-idx3-ubyte': idx([2, 2, 3], pixels(2)),
  't10k-labels-idx1-ubyte': idx([2], [1, 2]),
}

/** Writes the four files under names made from the usual ones, gzipped if the name says so. */
async function fill(name: (usual: string) => string = (usual) => usual): Promise<void> {
  for (const [usual, bytes] of Object.entries(contents)) {
    const file = name(usual)
    await writeFile(join(dir, file), file.endsWith('.gz') ? gzipSync(bytes) : bytes)
  }
}

async function failure(): Promise<string> {
  const error = await readIdxDirectory(dir).then(
    () => undefined,
    (e: unknown) => e,
  )
  expect(error).toHaveProperty('name', 'GliaError')
  const { message } = error as Error
  // One sentence for a command line: one line, closed by a full stop or a question mark.
  expect(message).toMatch(/^[^\n]+[.?]$/)
  return message.replaceAll(`${dir}/`, '').replaceAll(dir, 'DIR')
}

describe('readIdxDirectory', () => {
  test.each<[string, (usual: string) => string]>([
    ['plain', (usual) => usual],
    ['gzipped', (usual) => `${usual}.gz`],
    ['with a dot', (usual) => usual.replace('-idx', '.idx')],
    ['with a dot, gzipped', (usual) => `${usual.replace('-idx', '.idx')}.gz`],
    ['shortened', (usual) => `${usual.replace('train-', 'train-first3-')}.gz`],
  ])('reads files named the usual way, %s', async (_, name) => {
    await fill(name)
    const { train, test: held } = await readIdxDirectory(dir)
    expect(train.length).toBe(3)
    expect(train.x.shape).toEqual([1, 2, 3])
    expect([...train.x.data]).toEqual(pixels(3))
    expect([...train.y.data]).toEqual([0, 9, 4])
    expect(train.classes).toHaveLength(10)
    expect([held.length, ...held.y.data]).toEqual([2, 1, 2])
  })

  test('prefers the full set', async () => {
    await fill()
    await writeFile(join(dir, 'train-a-images-idx3-ubyte'), 'rubbish')
    expect((await readIdxDirectory(dir)).train.length).toBe(3)
  })

  test('reads other files than these as they are, with their own classes', async () => {
    await fill()
    expect((await readIdxDirectory(dir, { classes: fashionClasses })).test.classes?.[9]).toBe('Ankle boot')
    await expect(readIdxDirectory(dir, { classes: ['a', 'b'] })).rejects.toThrow(
      'label 9 of example 1 is out of range; labels run from 0 to 1.',
    )
  })

  test('names a missing directory, or a file in its place', async () => {
    await expect(readIdxDirectory(join(dir, 'no'))).rejects.toThrow(
      `The data directory ${join(dir, 'no')} does not exist.`,
    )
    await writeFile(join(dir, 'file'), '')
    await expect(readIdxDirectory(join(dir, 'file'))).rejects.toThrow('is a file, not a directory.')
  })

  test.each([
    [TRAIN_IMAGES, 'training images'],
    [TRAIN_LABELS, 'training labels'],
    ['t10k-images-idx3-ubyte', 'test images'],
    ['t10k-labels-idx1-ubyte', 'test labels'],
  ])('names the missing one of the four: %s', async (name, what) => {
    await fill()
    await rm(join(dir, name))
    expect(await failure()).toBe(
      `DIR has no ${what}: looked for ${name} and ${name.replace('-idx', '.idx')}, with and without .gz.`,
    )
  })

  test('a directory under the name of a file', async () => {
    await fill()
    await rm(join(dir, TRAIN_IMAGES))
    await mkdir(join(dir, TRAIN_IMAGES))
    expect(await failure()).toBe(`${TRAIN_IMAGES} cannot be read (EISDIR).`)
  })

  const damaged: [string, string, Uint8Array, string][] = [
    [
      'a wrong magic number',
      TRAIN_IMAGES,
      Buffer.from('<html>not found</html>'),
      'is not an IDX file: its magic number is 0x3c68746d',
    ],
    [
      'labels in place of images',
      TRAIN_IMAGES,
      idx([3], [1, 2, 3]),
      'has the magic number 0x00000801; images of bytes have 0x00000803',
    ],
    [
      'images in place of labels',
      TRAIN_LABELS,
      idx([1, 2, 3], pixels(1)),
      'has the magic number 0x00000803; labels of bytes have 0x00000801',
    ],
    ['an empty file', TRAIN_LABELS, new Uint8Array(0), 'is truncated: 0 bytes do not hold an IDX header'],
    [
      'a cut header',
      TRAIN_IMAGES,
      idx([3, 2, 3], []).subarray(0, 9),
      'is truncated: its IDX header takes 16 bytes and 9 are there',
    ],
    [
      'cut values',
      TRAIN_IMAGES,
      idx([3, 2, 3], pixels(2)),
      'is truncated: its header announces 3 × 2 × 3 values, so 34 bytes, but it has 28',
    ],
    ['too many values', TRAIN_LABELS, idx([3], [1, 2, 3, 4]), 'is too long'],
    [
      'a label out of range',
      TRAIN_LABELS,
      idx([3], [1, 10, 3]),
      'label 10 of example 1 is out of range; labels run from 0 to 9.',
    ],
    [
      'another number of labels',
      TRAIN_LABELS,
      idx([2], [1, 2]),
      'has 3 images but train-labels-idx1-ubyte has 2 labels.',
    ],
    ['no pixels', TRAIN_IMAGES, idx([3, 0, 3], []), 'holds no pixels (3 × 0 × 3).'],
    [
      'images of another size',
      TRAIN_IMAGES,
      idx([3, 3, 3], pixels(5).slice(0, 27)),
      'training images are 3 × 3 pixels, test images 2 × 3.',
    ],
  ]
  test.each(damaged)('refuses %s', async (_, name, bytes, message) => {
    await fill()
    await writeFile(join(dir, name), bytes)
    expect(await failure()).toContain(message)
  })

  describe('gzip', () => {
    beforeEach(() => fill((usual) => `${usual}.gz`))
    const put = (bytes: Uint8Array): Promise<void> => writeFile(join(dir, `${TRAIN_IMAGES}.gz`), bytes)

    test('that ends too early', async () => {
      const noise = idx(
        [64, 8, 8],
        Array.from({ length: 4096 }, (_, i) => Math.imul(i + 1, 0x9e3779b9) >>> 24),
      )
      const whole = gzipSync(noise)
      await put(whole.subarray(0, whole.length - 200))
      expect(await failure()).toBe(`${TRAIN_IMAGES}.gz is truncated: its gzip data ends too early.`)
      await put(whole.subarray(0, 15))
      expect(await failure()).toContain(`${TRAIN_IMAGES}.gz is truncated`)
    })

    test('that is damaged or none', async () => {
      await put(Buffer.from('certainly no gzip data'))
      expect(await failure()).toContain('is not a sound gzip file')
      const bytes = gzipSync(contents[TRAIN_IMAGES])
      bytes[bytes.length - 6] ^= 1
      await put(bytes)
      expect(await failure()).toContain('is not a sound gzip file')
    })

    test('that unpacks to more or less than its header announces', async () => {
      await put(gzipSync(Buffer.concat([contents[TRAIN_IMAGES], Buffer.alloc(50_000_000)])))
      expect(await failure()).toBe(
        `${TRAIN_IMAGES}.gz is too long: it unpacks to more bytes than its header announces.`,
      )
      await put(gzipSync(idx([3, 2, 3], pixels(2))))
      expect(await failure()).toContain('is truncated: its header announces 3 × 2 × 3 values')
    })

    test('whose header announces more than it can hold', async () => {
      await put(gzipSync(idx([0xffffffff, 0xffff, 0xffff], [1, 2, 3])))
      expect(await failure()).toContain('announces 4294967295 × 65535 × 65535 values, more than its')
    })
  })
})

const data = process.env.GLIA_DATA ?? ''

describe.runIf(existsSync(join(data, 'mnist')))('published files (needs GLIA_DATA)', () => {
  test('MNIST', async () => {
    const { train, test: held } = await readIdxDirectory(join(data, 'mnist'))
    expect([train.length, held.length]).toEqual([60_000, 10_000])
    expect([...train.y.data.subarray(0, 10)]).toEqual([5, 0, 4, 1, 9, 2, 1, 3, 1, 4])
  })

  test('Fashion-MNIST, shortened', async () => {
    const { train, test: held } = await readIdxDirectory(join(data, 'fashion-mnist'), { classes: fashionClasses })
    expect([train.length, held.length]).toEqual([12_000, 10_000])
    expect([...train.y.data.subarray(0, 5)]).toEqual([9, 0, 0, 3, 0])
  })
})
