import { describe, expect, test } from 'vitest'
import { sentiment, translations } from '../../../src/data/generated/language.ts'
import { blobs, moons, polynomial, rings, spirals } from '../../../src/data/generated/points.ts'
import { ratings } from '../../../src/data/generated/ratings.ts'
import { forecasting, timeSeries } from '../../../src/data/generated/series.ts'
import { shapeClasses, shapes } from '../../../src/data/generated/shapes.ts'

describe('points', () => {
  test.each([
    ['spirals', spirals, 3],
    ['moons', moons, 2],
    ['rings', rings, 2],
    ['blobs', blobs, 3],
  ] as const)('%s: classes take turns, a smaller set is the beginning, seeds differ', (_, make, classes) => {
    const data = make({ count: 30, seed: 4 })
    expect([data.x.shape, data.y.shape, data.classes?.length]).toEqual([[2], [], classes])
    expect([...data.y.data.subarray(0, 4)]).toEqual([0, 1, 2, 3].map((i) => i % classes))
    expect(make({ count: 10, seed: 4 }).x.data).toEqual(data.x.data.subarray(0, 20))
    expect(make({ count: 30, seed: 5 }).x.data).not.toEqual(data.x.data)
  })

  test('the curves are where they should be', () => {
    const points = ({ x }: { x: { data: ArrayLike<number> } }) =>
      Array.from({ length: x.data.length / 2 }, (_, i) => [x.data[2 * i], x.data[2 * i + 1]])
    points(rings({ noise: 0 })).forEach(([x, y], i) => {
      expect(Math.hypot(x, y)).toBeCloseTo(i % 2 ? 0.5 : 1, 5)
    })
    points(moons({ noise: 0 })).forEach(([x, y], i) => {
      const distance = i % 2 ? Math.hypot(x - 1, y - 0.5) : Math.hypot(x, y)
      expect(distance).toBeCloseTo(1, 5)
    })
    points(spirals({ noise: 0 })).forEach(([x, y], i) => {
      const radius = Math.hypot(x, y)
      const angle = 2 * Math.PI * ((i % 3) / 3 + 0.65 * radius)
      expect(Math.abs(x - radius * Math.sin(angle))).toBeLessThan(1e-5)
    })
    const { x, y } = polynomial({ coefficients: [1, 0, 2], noise: 0 })
    x.data.forEach((value: number, i: number) => {
      expect(y.data[i]).toBeCloseTo(1 + 2 * value ** 2, 4)
    })
  })

  test('refuse numbers that make no sense', () => {
    expect(() => moons({ count: 0 })).toThrow('moons: count must be a whole number of at least 1; received 0')
    expect(() => spirals({ classes: 1 })).toThrow('classes must be a whole number of at least 2')
  })
})

describe('time series', () => {
  test('trend and seasons without noise, and windows over them', () => {
    const series = timeSeries({ length: 40, trend: 1, noise: 0, seasons: [{ period: 4, amplitude: 2 }] })
    expect([...series.subarray(0, 5)].map((v) => Math.round(v * 1e5) / 1e5)).toEqual([0, 3, 2, 1, 4])
    const { x, y, length } = forecasting(series, 3, 2)
    expect([length, x.shape, y.shape]).toEqual([36, [3, 1], [2]])
    expect([...x.data.subarray(3, 6), ...y.data.subarray(2, 4)]).toEqual([...series.subarray(1, 6)])
  })

  test('noise is as large as it should be', () => {
    const series = timeSeries({ length: 4000, trend: 0, seasons: [], noise: 0.3, memory: 0.8 })
    const variance = series.reduce((sum, v) => sum + v * v, 0) / series.length
    // Of an autoregression of the first order: 0.3² / (1 − 0.8²) = 0.25.
    expect(Math.abs(variance - 0.25)).toBeLessThan(0.06)
  })

  test('gaps and short series are refused', () => {
    expect(() => forecasting([1, 2, Number.NaN, 4], 2)).toThrow('value 2 of the series is NaN')
    expect(() => forecasting([1, 2], 2)).toThrow('2 values hold no window of 2 and the 1 after it')
    expect(() => timeSeries({ seasons: [{ period: 0, amplitude: 1 }] })).toThrow('a period must be above 0')
  })
})

describe('shapes', () => {
  test('boxes, masks, keypoints and captions agree with the picture', async () => {
    const source = shapes({ count: 40, size: 48, seed: 2 })
    const kinds = new Set<number>()
    for (let i = 0; i < source.length; i++) {
      const { x, boxes, labels, masks, keypoints, caption } = await source.get(i)
      const n = labels.shape[0]
      expect([x.shape, boxes.shape, masks.shape, keypoints.shape]).toEqual([
        [3, 48, 48],
        [n, 4],
        [n, 48, 48],
        [n, 5, 3],
      ])
      expect(caption.split(' left of ').length).toBe(n)
      for (let k = 0; k < n; k++) {
        kinds.add(labels.data[k])
        expect(caption).toContain(shapeClasses[labels.data[k]])
        const [left, top, right, bottom] = boxes.data.subarray(4 * k, 4 * k + 4)
        let [inside, total] = [0, 0]
        for (let p = 0; p < 48 * 48; p++) {
          if (masks.data[k * 48 * 48 + p] === 0) continue
          total++
          const [u, v] = [p % 48, Math.floor(p / 48)]
          if (u >= left && u < right && v >= top && v < bottom) inside++
          // Shapes are brighter than the ground in some channel.
          expect(Math.max(x.data[p], x.data[2304 + p], x.data[4608 + p])).toBeGreaterThan(100)
          // In front of all others: a pixel belongs to one mask only.
          for (let other = 0; other < k; other++) expect(masks.data[other * 2304 + p]).toBe(0)
        }
        expect(total).toBeGreaterThan(20)
        expect(inside).toBe(total)
      }
    }
    expect(kinds.size).toBe(3)
  })

  test('a picture depends on seed and place alone', async () => {
    expect(await shapes({ count: 9, seed: 3 }).get(5)).toEqual(await shapes({ count: 6, seed: 3 }).get(5))
    expect((await shapes({ seed: 4 }).get(5)).x).not.toEqual((await shapes({ seed: 3 }).get(5)).x)
    expect(() => shapes({ size: 8 })).toThrow('size must be a whole number of at least 16')
  })
})

describe('language', () => {
  test('the label is what the last clause says', () => {
    const good = /good|great|charming|moving|funny|clever|wonderful|lively/
    const list = sentiment({ count: 200, seed: 1 })
    expect(list.map(({ label }) => label).slice(0, 4)).toEqual([0, 1, 0, 1])
    for (const { text, label } of list) {
      const last = text.split(/ but | and /).at(-1) ?? ''
      expect(good.test(last) !== / not /.test(last)).toBe(label === 1)
    }
    expect(new Set(list.map(({ text }) => text)).size).toBeGreaterThan(190)
    expect(sentiment({ count: 3, seed: 1 })).toEqual(list.slice(0, 3))
  })

  test('French agrees', () => {
    const list = translations({ count: 300 })
    const feminine = /^(maison|voiture|table|fille)$/
    for (const { source, target } of list) {
      const english = source.split(' ')
      const french = target.split(' ')
      expect(french.length).toBe(english.length)
      const article = french[0]
      const noun =
        french.slice(0, 3).find((word) => /^(chien|chat|maison|voiture|livre|table|fille|garçon)$/.test(word)) ?? ''
      expect(/^(la|une)$/.test(article)).toBe(feminine.test(noun))
      expect(/^(la|le)$/.test(article)).toBe(english[0] === 'the')
    }
    expect(list.some(({ target }) => / (maison|voiture|table|fille) (verte|noire)/.test(target))).toBe(true)
    expect(list.some(({ target }) => /(petite|grande) (maison|voiture|table|fille)/.test(target))).toBe(true)
  })
})

describe('ratings', () => {
  test('each user rates different items in half stars', () => {
    const data = ratings({ users: 12, items: 9, perUser: 9, seed: 2 })
    expect(data.length).toBe(108)
    for (let user = 0; user < 12; user++) {
      const items = [...data.items].filter((_, i) => data.users[i] === user)
      expect(new Set(items).size).toBe(9)
    }
    for (const stars of data.ratings)
      expect([stars >= 0.5, stars <= 5, Number.isInteger(2 * stars)]).toEqual([true, true, true])
    expect(() => ratings({ items: 3, perUser: 4 })).toThrow('items (for 4 ratings per user) must be')
  })

  test('the items of a user differ by taste more than by noise', () => {
    const quiet = ratings({ noise: 0, seed: 1 })
    const loud = ratings({ noise: 0.3, seed: 1 })
    let [change, spread] = [0, 0]
    quiet.ratings.forEach((value, i) => {
      change += (value - loud.ratings[i]) ** 2
      spread += (value - 3) ** 2
    })
    expect(change).toBeGreaterThan(0)
    expect(spread).toBeGreaterThan(4 * change)
  })
})
