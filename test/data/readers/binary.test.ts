import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GliaError } from '../../../src/core/errors.ts'
import { parseCifar } from '../../../src/data/readers/cifar.ts'
import { encodeNpy, encodeNpz, parseNpy, parseNpz } from '../../../src/data/readers/npy.ts'
import { encodeWav, parseWav } from '../../../src/data/readers/wav.ts'

/** Written by numpy.save. */
const numpy: Record<string, string> = JSON.parse(
  readFileSync(new URL('../fixtures/numpy.json', import.meta.url), 'utf8'),
)
const file = (name: string): Uint8Array => new Uint8Array(Buffer.from(numpy[name], 'base64'))

describe('NumPy files', () => {
  test('reads what NumPy wrote', async () => {
    const float = { shape: [2, 3], data: Float32Array.of(0, 0.25, 0.5, 0.75, 1, 1.25) }
    expect(parseNpy(file('float'))).toEqual(float)
    expect(parseNpy(file('fortran'))).toEqual({ shape: [2, 3, 4], data: Int32Array.from({ length: 24 }, (_, i) => i) })
    expect(parseNpy(file('long'))).toEqual({ shape: [2], data: Int32Array.of(-5, 2 ** 31 - 1) })
    expect(parseNpy(file('bool'))).toEqual({ shape: [2], data: Uint8Array.of(1, 0) })
    expect(parseNpy(file('double'))).toEqual({ shape: [], data: Float64Array.of(0.1) })
    expect(parseNpy(file('empty'))).toEqual({ shape: [0, 3], data: new Float32Array(0) })
    expect([...parseNpy(file('half')).data]).toEqual([1.5, -(2 ** -10), 2 ** -24, Number.POSITIVE_INFINITY])
    const archive = await parseNpz(file('npz'))
    expect([...archive.keys()]).toEqual(['x', 'y'])
    expect(archive.get('y')).toEqual({ shape: [2], data: Uint8Array.of(1, 2) })
  })

  test('writes what it reads', async () => {
    for (const data of [Uint8Array.of(1, 2), Int32Array.of(-1, 5), Float32Array.of(0.5, 2), Float64Array.of(0.1, -3)]) {
      expect(parseNpy(encodeNpy({ shape: [2, 1], data }))).toEqual({ shape: [2, 1], data })
    }
    const arrays = new Map([['a/b', { shape: [2], data: Float32Array.of(1, 2) }]])
    expect(await parseNpz(await encodeNpz(arrays))).toEqual(arrays)
  })

  test('refuses what it cannot hold', async () => {
    expect(() => parseNpy(file('big'), 'b.npy')).toThrow('b.npy: element 0 is 2147483648, more than int32 holds')
    expect(() => parseNpy(file('object'))).toThrow('values of type |O')
    expect(() => parseNpy(file('float').slice(0, -1))).toThrow('is truncated')
    expect(() => parseNpy(new Uint8Array(20))).toThrow('is not a .npy file')
    await expect(parseNpz(new Uint8Array(20), 'a.npz')).rejects.toThrow('a.npz is not a sound .npz file')
  })

  test('a damaged archive never ends in anything but a message', async () => {
    const good = file('npz')
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.nat(255), async (at, value) => {
        const bytes = good.slice()
        bytes[at] = value
        await parseNpz(bytes).catch((error: unknown) => expect(error).toBeInstanceOf(GliaError))
      }),
      { numRuns: 150, seed: 1 },
    )
  })
})

describe('CIFAR', () => {
  const record = (labels: number[], value: number): number[] => [...labels, ...new Array(3072).fill(value)]

  test('reads both kinds', () => {
    const ten = parseCifar(Uint8Array.from([...record([3], 7), ...record([9], 8)]))
    expect([ten.length, ten.x.shape, [...ten.y.data], ten.classes?.[3]]).toEqual([2, [3, 32, 32], [3, 9], 'cat'])
    expect([ten.x.data[0], ten.x.data[3072]]).toEqual([7, 8])
    const hundred = Uint8Array.from(record([19, 99], 1))
    expect([...parseCifar(hundred, { kind: 100 }).y.data]).toEqual([99])
    expect([...parseCifar(hundred, { kind: 100, labels: 'coarse' }).y.data]).toEqual([19])
  })

  test('refuses other files', () => {
    expect(() => parseCifar(new Uint8Array(3072), { name: 'x.bin' })).toThrow('x.bin is no CIFAR-10 file')
    expect(() => parseCifar(new Uint8Array(0))).toThrow('no CIFAR-10 file')
    expect(() => parseCifar(Uint8Array.from(record([10], 0)))).toThrow('label 10 of record 0 is out of range')
  })
})

describe('WAV', () => {
  const sound = {
    sampleRate: 8000,
    shape: [2, 3] as const,
    data: Float32Array.of(0, 0.5, -1, 0.25, -0.5, 2 ** -15),
  }
  /** A WAV file of one channel with this format and these bytes. */
  const wav = (code: number, bits: number, bytes: number[], announced = bytes.length): Uint8Array => {
    const out = encodeWav({ sampleRate: 8000, shape: [1, 0], data: new Float32Array(0) })
    const view = new DataView(out.buffer)
    view.setUint16(20, code, true)
    view.setUint16(34, bits, true)
    view.setUint32(40, announced, true)
    return Uint8Array.from([...out, ...bytes])
  }

  test('reads what it writes, sample for sample', () => {
    expect(parseWav(encodeWav(sound))).toEqual(sound)
    const loud = parseWav(encodeWav({ ...sound, shape: [1, 2], data: Float32Array.of(3, -3) }))
    expect([...loud.data]).toEqual([1 - 2 ** -15, -1])
  })

  test('reads other depths', () => {
    expect([...parseWav(wav(1, 8, [0, 128, 192])).data]).toEqual([-1, 0, 0.5])
    expect([...parseWav(wav(1, 24, [0, 0, 0x80, 0, 0, 0x40])).data]).toEqual([-1, 0.5])
    expect([...parseWav(wav(1, 32, [0, 0, 0, 0xc0])).data]).toEqual([-0.5])
    expect([...parseWav(wav(3, 32, [0, 0, 0x40, 0x3f])).data]).toEqual([0.75])
    expect([...parseWav(wav(3, 64, [0, 0, 0, 0, 0, 0, 0xe0, 0x3f])).data]).toEqual([0.5])
  })

  test('an interrupted recording is read to its end', () => {
    expect([...parseWav(wav(1, 8, [0, 192], 0xffffffff)).data]).toEqual([-1, 0.5])
  })

  test('says what is wrong', () => {
    expect(() => parseWav(new Uint8Array(44), 's.wav')).toThrow('s.wav is not a WAV file')
    expect(() => parseWav(wav(1, 8, [1], 5))).toThrow('is truncated: it announces 5 bytes of samples and has 1')
    expect(() => parseWav(wav(85, 16, [1, 1]))).toThrow('format 85 with 16 bits')
    expect(() => parseWav(wav(1, 8, []))).toThrow('holds no samples')
  })
})
