import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { digits } from '../../src/data/digits.ts'

const PIXELS = 28 * 28
const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe('digits', () => {
  test('gives 28 × 28 grey images with labels and class names', async () => {
    const { train, test: held } = await digits({ train: 30, test: 10 })
    expect([train.length, held.length]).toEqual([30, 10])
    expect(train.x.shape).toEqual([1, 28, 28])
    expect(train.x.data).toHaveLength(30 * PIXELS)
    expect(train.y.shape).toEqual([])
    expect(train.classes).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
    const counts = new Uint8Array(10)
    for (const label of train.y.data) counts[label]++
    expect([...counts]).toEqual(Array(10).fill(3))
  })

  test('the same seed gives the same bytes, for ever and on every engine', async () => {
    const { train, test: held } = await digits({ train: 200, test: 50, seed: 7 })
    expect(hash(Uint8Array.from(train.x.data))).toMatchInlineSnapshot(
      `"f49aa61ac08f056e28bdc31b5e5c9f616de3916ae821b67f81bc4304c3b81925"`,
    )
    expect(hash(Uint8Array.from(held.x.data))).toMatchInlineSnapshot(
      `"563e9d44ea305511d84071c3a0de7f7b32f174ccc17d55b88c8b165d40fc6d86"`,
    )
  })

  test('a smaller set is the beginning of a larger one', async () => {
    const [small, large] = [await digits({ train: 25, test: 5 }), await digits({ train: 60, test: 5 })]
    expect(large.train.x.data.subarray(0, 25 * PIXELS)).toEqual(small.train.x.data)
    expect(large.train.y.data.subarray(0, 25)).toEqual(small.train.y.data)
  })

  test('no image occurs twice, within or between the sets or under another seed', async () => {
    const sets = [await digits({ train: 500, test: 500 }), await digits({ train: 500, test: 500, seed: 1 })]
    const all = sets.flatMap(({ train, test: held }) => [train, held])
    const hashes = all.flatMap(({ x }) =>
      Array.from({ length: 500 }, (_, i) => hash(Uint8Array.from(x.data.subarray(i * PIXELS, (i + 1) * PIXELS)))),
    )
    expect(new Set(hashes).size).toBe(2000)
  })

  test('white on black, inside the frame, centred', async () => {
    const { train } = await digits({ train: 300, test: 0 })
    for (let i = 0; i < train.length; i++) {
      let [mass, mx, my, border, brightest] = [0, 0, 0, 0, 0]
      for (let p = 0; p < PIXELS; p++) {
        const [value, x, y] = [train.x.data[i * PIXELS + p], p % 28, Math.floor(p / 28)]
        mass += value
        mx += value * x
        my += value * y
        brightest = Math.max(brightest, value)
        if (x === 0 || y === 0 || x === 27 || y === 27) border += value
      }
      expect(border).toBe(0)
      expect(brightest).toBeGreaterThan(200)
      expect(mass / PIXELS).toBeLessThan(110)
      expect(Math.abs(mx / mass - 13.5)).toBeLessThan(5)
      expect(Math.abs(my / mass - 13.5)).toBeLessThan(5)
    }
  })

  test('class means tell most test images apart, and not all', async () => {
    const { train, test: held } = await digits({ train: 2000, test: 500 })
    const means = Array.from({ length: 10 }, () => new Float64Array(PIXELS))
    train.y.data.forEach((label, i) => {
      for (let p = 0; p < PIXELS; p++) means[label][p] += train.x.data[i * PIXELS + p] / 200
    })
    let right = 0
    held.y.data.forEach((label, i) => {
      const distances = means.map((mean) => mean.reduce((sum, m, p) => sum + (m - held.x.data[i * PIXELS + p]) ** 2, 0))
      if (distances.indexOf(Math.min(...distances)) === label) right++
    })
    expect(right / held.length).toBeGreaterThan(0.6)
    expect(right / held.length).toBeLessThan(0.9)
  })

  test('lets the event loop run', async () => {
    let ticks = 0
    const timer = setInterval(() => ticks++)
    await digits({ train: 3000, test: 0 })
    clearInterval(timer)
    expect(ticks).toBeGreaterThan(0)
  })

  test('takes empty sets and refuses impossible counts', async () => {
    expect((await digits({ train: 0, test: 0 })).train.length).toBe(0)
    await expect(digits({ train: -1 })).rejects.toThrow('train must be a whole number of at least 0; received -1')
    await expect(digits({ test: 1.5 })).rejects.toThrow('test must be a whole number')
    await expect(digits({ seed: NaN })).rejects.toThrow('a seed must be a whole number')
  })
})
