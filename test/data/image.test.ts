import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { grayInput, type Picture, resizeTo, toGray } from '../../src/data/image.ts'

const picture = (width: number, height: number, channels: Picture['channels'], values: Iterable<number>): Picture => ({
  width,
  height,
  channels,
  data: Uint8Array.from(values),
})

describe('toGray', () => {
  test('weighs red, green and blue', () => {
    expect([...toGray(picture(3, 1, 3, [255, 0, 0, 0, 255, 0, 0, 0, 255])).data]).toEqual([76, 150, 29])
  })

  test('lays dark drawings on white and bright ones on black', () => {
    expect([...toGray(picture(2, 1, 2, [0, 255, 0, 0])).data]).toEqual([0, 255])
    expect([...toGray(picture(2, 1, 2, [255, 255, 255, 0])).data]).toEqual([255, 0])
    expect([...toGray(picture(1, 1, 4, [10, 10, 10, 255])).data]).toEqual([10])
  })
})

describe('resizeTo', () => {
  test('takes the mean of an area', () => {
    expect([...resizeTo(picture(4, 2, 1, [0, 10, 100, 200, 20, 30, 100, 0]), 2, 1).data]).toEqual([15, 100])
    expect([...resizeTo(picture(3, 1, 1, [0, 90, 180]), 2, 1).data]).toEqual([30, 150])
  })

  test('grows linearly and keeps channels apart', () => {
    expect([...resizeTo(picture(2, 1, 1, [0, 100]), 4, 1).data]).toEqual([0, 25, 75, 100])
    expect([...resizeTo(picture(1, 1, 3, [1, 2, 3]), 1, 2).data]).toEqual([1, 2, 3, 1, 2, 3])
  })

  test('keeps a plain picture plain at every size', () => {
    const size = fc.integer({ min: 1, max: 40 })
    fc.assert(
      fc.property(size, size, size, size, fc.nat(255), (w, h, toW, toH, value) => {
        const { data } = resizeTo(picture(w, h, 1, Array(w * h).fill(value)), toW, toH)
        expect([...data]).toEqual(Array(toW * toH).fill(value))
      }),
    )
  })

  test('refuses impossible sizes', () => {
    expect(() => resizeTo(picture(1, 1, 1, [0]), 0, 1)).toThrow(
      'width must be a whole number of at least 1; received 0',
    )
  })
})

describe('grayInput', () => {
  test('inverts a picture with a bright border, and only then', () => {
    const dark = picture(3, 3, 1, [0, 0, 0, 0, 200, 0, 0, 0, 0])
    const bright = { ...dark, data: dark.data.map((v) => 255 - v) }
    const options = { width: 3, height: 3 }
    expect(grayInput(dark, options)).toEqual(dark)
    expect(grayInput(bright, options)).toEqual(dark)
    expect(grayInput(dark, { ...options, invert: true })).toEqual(bright)
  })

  test('fits a drawing into the middle as MNIST does', () => {
    const side = 200
    const data = new Uint8Array(side * side).fill(255)
    for (let y = 10; y < 90; y++) data.fill(0, y * side + 150, y * side + 170)
    const input = grayInput(
      {
        width: side,
        height: side,
        channels: 3,
        data: Uint8Array.from({ length: 3 * side * side }, (_, i) => data[Math.floor(i / 3)]),
      },
      { fit: true },
    )
    const rows = Array.from({ length: 28 }, (_, y) => [...input.data.subarray(y * 28, (y + 1) * 28)])
    rows.forEach((row, y) => {
      expect(row).toEqual(Array.from({ length: 28 }, (_, x) => (y >= 4 && y < 24 && x >= 11.5 && x < 16.5 ? 255 : 0)))
    })
  })

  test('an empty picture stays empty', () => {
    const { data } = grayInput(picture(50, 50, 1, Array(2500).fill(255)), { fit: true })
    expect(data).toEqual(new Uint8Array(784))
  })
})
