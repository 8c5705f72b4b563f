import { describe, expect, test } from 'vitest'
import { arrayDataset, batchOf, split, subset } from '../../src/data/dataset.ts'

const images = arrayDataset({
  x: { data: Uint8Array.of(0, 255, 51, 102, 153, 204), shape: [1, 1, 2] },
  y: { data: Uint8Array.of(7, 8, 9), shape: [] },
  classes: ['a', 'b'],
})

describe('arrayDataset', () => {
  test('counts examples', () => expect(images.length).toBe(3))

  test('refuses half an example and columns of different length', () => {
    const y = { data: new Uint8Array(2), shape: [] }
    expect(() => arrayDataset({ x: { data: new Uint8Array(5), shape: [2] }, y })).toThrow(
      'x holds 5 values, not a whole number of examples of shape [2]',
    )
    expect(() => arrayDataset({ x: { data: new Uint8Array(6), shape: [2] }, y })).toThrow(
      'x has 3 examples but y has 2',
    )
  })
})

describe('batchOf', () => {
  test('stacks pixels as floats in [0, 1] and labels as int32', () => {
    const { x, y } = batchOf(images, [2, 0])
    expect(x.shape).toEqual([2, 1, 1, 2])
    expect(x.data).toEqual(Float32Array.of(153 / 255, 204 / 255, 0, 1))
    expect(y).toEqual({ shape: [2], data: Int32Array.of(9, 7) })
  })

  test('leaves floats and token numbers what they are', () => {
    const texts = arrayDataset({
      x: { data: Int32Array.of(1, 2, 3, 4), shape: [2] },
      y: { data: Float32Array.of(0.5, -0.5), shape: [1] },
    })
    const { x, y } = batchOf(texts, [1, 1])
    expect(x).toEqual({ shape: [2, 2], data: Int32Array.of(3, 4, 3, 4) })
    expect(y).toEqual({ shape: [2, 1], data: Float32Array.of(-0.5, -0.5) })
  })

  test('an empty batch keeps its shape', () => expect(batchOf(images, []).x.shape).toEqual([0, 1, 1, 2]))

  test.each([-1, 3, 0.5, NaN])('refuses the index %d', (index) => {
    expect(() => batchOf(images, [index])).toThrow(`index ${index} is not in a data set of 3 examples`)
  })
})

describe('subset and split', () => {
  test('subset copies examples in order and keeps classes', () => {
    const part = subset(images, [1])
    expect(part).toEqual({
      length: 1,
      x: { data: Uint8Array.of(51, 102), shape: [1, 1, 2] },
      y: { data: Uint8Array.of(8), shape: [] },
      classes: ['a', 'b'],
    })
  })

  test('split keeps the order, or shuffles with a seed', () => {
    const [first, rest] = split(images, 2 / 3)
    expect([...first.y.data, ...rest.y.data]).toEqual([7, 8, 9])
    const all = arrayDataset({
      x: { data: new Uint8Array(100), shape: [] },
      y: { data: Uint8Array.from({ length: 100 }, (_, i) => i), shape: [] },
    })
    const [a, b] = split(all, 0.8, { seed: 5 })
    expect([a.length, b.length]).toEqual([80, 20])
    expect([...a.y.data, ...b.y.data].sort((p, q) => p - q)).toEqual([...all.y.data])
    expect(a.y.data).toEqual(split(all, 0.8, { seed: 5 })[0].y.data)
    expect(a.y.data).not.toEqual(split(all, 0.8, { seed: 6 })[0].y.data)
  })

  test.each([-0.1, 1.1, NaN])('refuses the fraction %d', (fraction) => {
    expect(() => split(images, fraction)).toThrow('fraction must lie between 0 and 1')
  })
})
