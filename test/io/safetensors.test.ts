import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GliaError } from '../../src/core/errors.ts'
import { readSafetensors, type TensorToWrite, writeSafetensors } from '../../src/io/safetensors.ts'

/** A file with this header text and as many zero bytes after it. */
function file(header: string | object, body = 0): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header))
  const out = new Uint8Array(8 + text.length + body)
  new DataView(out.buffer).setUint32(0, text.length, true)
  out.set(text, 8)
  return out
}

const entry = (dtype: string, shape: readonly unknown[], begin: unknown, end: unknown) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
})

describe('readSafetensors', () => {
  const fixture = readFileSync(new URL('fixtures/dtypes.safetensors', import.meta.url))

  test('reads every element type of a file written with PyTorch', () => {
    const { tensors, metadata } = readSafetensors(fixture)
    expect(metadata).toEqual(new Map([['format', 'pt']]))
    const f32 = (shape: number[], values: number[], stored: string) => ({
      dtype: 'float32',
      shape,
      stored,
      data: Float32Array.from(values),
    })
    const i32 = (shape: number[], values: number[], stored: string) => ({
      dtype: 'int32',
      shape,
      stored,
      data: Int32Array.from(values),
    })
    expect(Object.fromEntries(tensors)).toEqual({
      f64: f32([1, 2], [1.5, -2.25], 'F64'),
      i64: i32([3], [2147483647, -2147483648, -1], 'I64'),
      scalar: i32([], [7], 'I64'),
      f32: f32([2, 3], [0.1, 0.2, 0.3, -1, 3.4e38, 1e-45], 'F32'),
      i32: i32([2], [1, -2], 'I32'),
      f16: f32([6], [1, -0.333251953125, 65504, 2 ** -24, Infinity, NaN], 'F16'),
      bf16: f32([3], [1, -2.5, 3.00405527047391e38], 'BF16'),
      i16: i32([2], [-32768, 32767], 'I16'),
      i8: i32([2], [-128, 127], 'I8'),
      u8: { dtype: 'uint8', shape: [2], stored: 'U8', data: Uint8Array.of(0, 255) },
      bool: { dtype: 'bool', shape: [3], stored: 'BOOL', data: Uint8Array.of(1, 0, 1) },
      empty: f32([0, 3], [], 'F32'),
    })
    expect([...tensors.keys()]).toEqual([
      'f64',
      'i64',
      'scalar',
      'f32',
      'i32',
      'f16',
      'bf16',
      'i16',
      'i8',
      'u8',
      'bool',
      'empty',
    ])
  })

  test('copies: the file may change afterwards', () => {
    const bytes = Uint8Array.from(fixture)
    const { tensors } = readSafetensors(bytes)
    bytes.fill(0)
    expect(tensors.get('i32')?.data).toEqual(Int32Array.of(1, -2))
  })

  test('reads U16 and U32, and refuses integers beyond int32 by name', () => {
    const bytes = file({ a: entry('U32', [1], 0, 4), b: entry('U16', [1], 4, 6) }, 6)
    bytes.set([255, 255, 255, 127, 255, 255], bytes.length - 6)
    const { tensors } = readSafetensors(bytes)
    expect([tensors.get('a')?.data, tensors.get('b')?.data]).toEqual([Int32Array.of(0x7fffffff), Int32Array.of(0xffff)])
    bytes[bytes.length - 3] = 128
    expect(() => readSafetensors(bytes)).toThrow('tensor "a" is U32 and its value at position 0 does not fit int32')
    const wide = file({ n: entry('I64', [2], 0, 16) }, 16)
    wide[wide.length - 4] = 1
    expect(() => readSafetensors(wide)).toThrow('tensor "n" is I64 and its value at position 1 does not fit int32')
  })

  test('takes names that mean something to JavaScript', () => {
    const names = ['__proto__', 'constructor', 'toString', '0', '']
    const header = `{${names.map((n, i) => `${JSON.stringify(n)}:${JSON.stringify(entry('U8', [1], i, i + 1))}`).join(',')}}`
    const { tensors } = readSafetensors(file(header, names.length))
    expect(new Set(tensors.keys())).toEqual(new Set(names))
    expect(({} as Record<string, unknown>).dtype).toBeUndefined()
  })

  const u8 = (begin: unknown, end: unknown) => entry('U8', [1], begin, end)
  test.each<[string, Uint8Array, string]>([
    ['no header', new Uint8Array(7), 'it has 7 bytes'],
    ['a header beyond the end', file('{}').subarray(0, 9), 'its header is said to take 2 bytes, and 1 follow'],
    ['a huge header length', new Uint8Array(16).fill(255), 'its header is said to take 1844674407370955'],
    ['no JSON', file('{"a":'), 'its header is not JSON'],
    ['bad UTF-8', Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 0, 0x22, 0xff, 0x22), 'its header is not JSON'],
    ['deep nesting', file('['.repeat(200_000)), 'its header is not JSON'],
    ['a list', file('[]'), 'its header is not a JSON object'],
    [
      'a name twice',
      file(`{"a":${JSON.stringify(u8(0, 1))},"\\u0061" :${JSON.stringify(u8(0, 1))}}`, 1),
      'its header has "a" twice',
    ],
    [
      'a field twice',
      file('{"a":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}}', 1),
      'its header has "shape" twice',
    ],
    ['a number for a tensor', file({ a: 1 }), 'tensor "a" has no description'],
    ['a list for a tensor', file({ a: [] }), 'tensor "a" has no description'],
    ['no dtype', file({ a: {} }), 'tensor "a" has no dtype'],
    ['an unknown dtype', file({ a: entry('F8_E4M3', [1], 0, 1) }, 1), 'tensor "a" has the dtype "F8_E4M3"; known are'],
    [
      'a dtype from Object.prototype',
      file({ a: entry('toString', [1], 0, 1) }, 1),
      'tensor "a" has the dtype "toString"',
    ],
    ['a negative size', file({ a: entry('U8', [-1], 0, 1) }, 1), 'tensor "a" has a shape that is no list of sizes'],
    ['a broken size', file({ a: entry('U8', [0.5], 0, 1) }, 1), 'tensor "a" has a shape that is no list of sizes'],
    ['a text as size', file({ a: entry('U8', ['1'], 0, 1) }, 1), 'tensor "a" has a shape that is no list of sizes'],
    [
      'an overflowing shape',
      file({ a: entry('F32', [2 ** 40, 2 ** 40], 0, 1) }, 1),
      'tensor "a" has an impossible shape',
    ],
    [
      'a shape that wraps to zero',
      file({ a: entry('F32', [2 ** 32, 2 ** 32], 0, 0) }),
      'tensor "a" has an impossible shape',
    ],
    ['no range', file({ a: { dtype: 'U8', shape: [1] } }, 1), 'tensor "a" has no byte range'],
    ['a negative range', file({ a: u8(-1, 0) }, 1), 'tensor "a" has no byte range'],
    ['a backward range', file({ a: u8(1, 0) }, 1), 'takes 1 bytes as U8, and -1 are given'],
    ['a range of another size', file({ a: entry('F32', [2], 0, 4) }, 4), 'takes 8 bytes as F32, and 4 are given'],
    ['a range beyond the end', file({ a: u8(0, 1) }), 'tensor "a" ends at byte 1 of the 0 there'],
    ['overlap', file({ a: entry('U8', [2], 0, 2), b: u8(1, 2) }, 2), 'tensor "b" begins at byte 1, inside another'],
    ['a gap', file({ a: u8(0, 1), b: u8(2, 3) }, 3), 'tensor "b" begins at byte 2, after a gap'],
    ['bytes left over', file({ a: u8(0, 1) }, 4), '3 bytes follow its last tensor'],
    ['metadata that is a list', file({ __metadata__: [] }), '__metadata__ is not an object'],
    ['metadata that is no text', file({ __metadata__: { a: 1 } }), 'the metadata "a" is not a text'],
    [
      'a bool that is 2',
      file({ a: entry('BOOL', [1], 0, 1) }, 1).fill(2, -1),
      'tensor "a" is BOOL and has the value 2',
    ],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(GliaError)
    expect(() => readSafetensors(bytes)).toThrow(message)
  })

  test('a file cut anywhere is refused', () => {
    for (let length = 0; length < fixture.length; length++) {
      expect(() => readSafetensors(fixture.subarray(0, length))).toThrow(GliaError)
    }
  })

  test('changed bytes give a result or a GliaError, and no more values than bytes', () => {
    const change = fc.tuple(
      fc.nat(fixture.length - 1),
      fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('09{}[]",:-eF"'))),
    )
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), fc.nat(fixture.length), (changes, cut) => {
        const bytes = Uint8Array.from(fixture)
        for (const [at, value] of changes) bytes[at] = value
        for (const candidate of [bytes, bytes.subarray(0, cut)]) {
          try {
            const { tensors } = readSafetensors(candidate)
            let values = 0
            for (const { data } of tensors.values()) values += data.length
            expect(values).toBeLessThanOrEqual(candidate.length)
          } catch (error) {
            expect(error).toBeInstanceOf(GliaError)
          }
        }
      }),
      { numRuns: 3000 },
    )
  })

  test('any JSON as header gives a result or a GliaError', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(16), (json, body) => {
        try {
          readSafetensors(file(json, body))
        } catch (error) {
          expect(error).toBeInstanceOf(GliaError)
        }
      }),
    )
  })
})

describe('writeSafetensors', () => {
  const shape = fc.array(fc.nat(4), { maxLength: 4 })
  const size = (dims: readonly number[]): number => dims.reduce((p, d) => p * d, 1)
  const tensor: fc.Arbitrary<TensorToWrite> = shape.chain((dims) => {
    const minLength = size(dims)
    const length = { minLength, maxLength: minLength }
    return fc.oneof(
      fc.float32Array(length).map((data): TensorToWrite => ({ dtype: 'float32', shape: dims, data })),
      fc.int32Array(length).map((data): TensorToWrite => ({ dtype: 'int32', shape: dims, data })),
      fc.int32Array(length).map((data): TensorToWrite => ({ dtype: 'int32', shape: dims, data, as: 'I64' })),
      fc.uint8Array(length).map((data): TensorToWrite => ({ dtype: 'uint8', shape: dims, data })),
      fc.uint8Array({ ...length, max: 1 }).map((data): TensorToWrite => ({ dtype: 'bool', shape: dims, data })),
    )
  })
  const name = fc.string({ unit: 'binary' }).filter((n) => n !== '__metadata__')

  test('what is written is read back, bit for bit', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(name, tensor), { selector: ([n]) => n }),
        fc.dictionary(fc.string(), fc.string()),
        (list, texts) => {
          const bytes = writeSafetensors(list, Object.entries(texts))
          const { tensors, metadata } = readSafetensors(bytes)
          expect(metadata).toEqual(new Map(Object.entries(texts)))
          expect(tensors.size).toBe(list.length)
          for (const [key, { dtype, shape: dims, data }] of list) {
            const read = tensors.get(key)
            expect([read?.dtype, read?.shape]).toEqual([dtype, dims])
            expect(Buffer.from(read?.data.buffer ?? new ArrayBuffer(1))).toEqual(
              Buffer.from(data.buffer, data.byteOffset, data.byteLength),
            )
          }
          expect(writeSafetensors([...list].reverse(), Object.entries(texts))).toEqual(bytes)
        },
      ),
    )
  })

  test('aligns every tensor to its width', () => {
    const bytes = writeSafetensors([
      ['a', { dtype: 'bool', shape: [3], data: Uint8Array.of(1, 0, 1) }],
      ['b', { dtype: 'float32', shape: [1], data: Float32Array.of(1) }],
      ['c', { dtype: 'int32', shape: [], data: Int32Array.of(5), as: 'I64' }],
    ])
    const length = new DataView(bytes.buffer).getUint32(0, true)
    expect(length % 8).toBe(0)
    expect(JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)))).toEqual({
      c: { dtype: 'I64', shape: [], data_offsets: [0, 8] },
      b: { dtype: 'F32', shape: [1], data_offsets: [8, 12] },
      a: { dtype: 'BOOL', shape: [3], data_offsets: [12, 15] },
    })
    expect(readSafetensors(bytes).tensors.get('c')).toEqual({
      dtype: 'int32',
      shape: [],
      stored: 'I64',
      data: Int32Array.of(5),
    })
  })

  test('an empty file is a file', () => {
    expect(readSafetensors(writeSafetensors([]))).toEqual({ tensors: new Map(), metadata: new Map() })
  })

  test('refuses what cannot be stored', () => {
    const data = Float32Array.of(1, 2)
    const good: TensorToWrite = { dtype: 'float32', shape: [2], data }
    expect(() =>
      writeSafetensors([
        ['a', good],
        ['a', good],
      ]),
    ).toThrow('"a" cannot name a tensor (again)')
    expect(() => writeSafetensors([['__metadata__', good]])).toThrow('"__metadata__" cannot name a tensor')
    expect(() => writeSafetensors([['a', { ...good, shape: [3] }]])).toThrow(
      'tensor "a" has the shape [3] but 2 values',
    )
    expect(() => writeSafetensors([['a', { ...good, as: 'I64' }]])).toThrow(
      'tensor "a" is float32; only int32 can be stored as I64',
    )
  })
})

const models = join(process.env.GLIA_DATA ?? '', 'models')

describe.runIf(process.env.GLIA_DATA !== undefined && existsSync(models))('published files (needs GLIA_DATA)', () => {
  test.each(['mnist-cnn.safetensors', 'tiny-multi-layer.safetensors'])('%s is read and written back', (name) => {
    const { tensors, metadata } = readSafetensors(readFileSync(join(models, name)))
    expect(tensors.size).toBeGreaterThan(3)
    for (const { dtype, data } of tensors.values()) {
      if (dtype === 'float32') expect(data.every((v) => Number.isFinite(v) && Math.abs(v) < 1e6)).toBe(true)
    }
    expect(readSafetensors(writeSafetensors(tensors, metadata)).tensors.size).toBe(tensors.size)
  })
})
