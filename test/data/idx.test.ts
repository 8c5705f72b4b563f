import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GliaError } from '../../src/core/errors.ts'
import { parseIdx } from '../../src/data/idx.ts'

function idx(type: number, shape: readonly number[], values: readonly number[]): Uint8Array {
  const dims = shape.flatMap((d) => [d >>> 24, (d >>> 16) & 255, (d >>> 8) & 255, d & 255])
  return Uint8Array.of(0, 0, type, shape.length, ...dims, ...values)
}

describe('parseIdx', () => {
  test('reads bytes as a view', () => {
    const file = idx(8, [2, 1, 2], [1, 2, 3, 255])
    const { shape, data } = parseIdx(file, 'f')
    expect(shape).toEqual([2, 1, 2])
    expect([...data]).toEqual([1, 2, 3, 255])
    expect(data.buffer).toBe(file.buffer)
  })

  test.each([
    [9, [0xff], Int32Array.of(-1)],
    [11, [0xff, 0xfe], Int32Array.of(-2)],
    [12, [0, 0, 1, 2], Int32Array.of(258)],
    [13, [0x3f, 0x80, 0, 0], Float32Array.of(1)],
    [14, [0xc0, 0, 0, 0, 0, 0, 0, 0], Float32Array.of(-2)],
  ])('reads element type %d', (type, bytes, data) => {
    expect(parseIdx(idx(type, [1], bytes), 'f').data).toEqual(data)
  })

  test('says what is wrong', () => {
    expect(() => parseIdx(new Uint8Array(3), 'f')).toThrow('f is truncated: 3 bytes do not hold an IDX header')
    expect(() => parseIdx(Uint8Array.of(0x1f, 0x8b, 8, 0), 'f')).toThrow('its magic number is 0x1f8b0800')
    expect(() => parseIdx(Uint8Array.of(0, 0, 8, 2, 0), 'f')).toThrow('its IDX header takes 12 bytes and 5 are there')
    expect(() => parseIdx(idx(8, [3], [1, 2]), 'f')).toThrow(
      'f is truncated: its header announces 3 values, so 11 bytes, but it has 10',
    )
    expect(() => parseIdx(idx(8, [1], [1, 2]), 'f')).toThrow('f is too long')
  })

  test('survives any bytes', () => {
    const headers = fc.tuple(fc.constantFrom(8, 9, 11, 12, 13, 14), fc.integer({ min: 1, max: 5 }))
    fc.assert(
      fc.property(headers, fc.uint8Array({ maxLength: 40 }), ([type, rank], rest) => {
        try {
          parseIdx(Uint8Array.of(0, 0, type, rank, ...rest), 'f')
        } catch (error) {
          expect(error).toBeInstanceOf(GliaError)
        }
      }),
    )
  })
})
