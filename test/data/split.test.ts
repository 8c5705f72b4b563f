import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { arrayDataset } from '../../src/data/dataset.ts'
import { kFold, kFoldIndices, splitIndices, splits } from '../../src/data/split.ts'

const sorted = (parts: Iterable<Int32Array>): number[] => [...parts].flatMap((p) => [...p]).sort((a, b) => a - b)
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

describe('splitIndices', () => {
  test('keeps the order without a seed', () => {
    expect(splitIndices(10, [0.5, 0.3]).map((p) => [...p])).toEqual([
      [0, 1, 2, 3, 4],
      [5, 6, 7],
    ])
  })

  test('parts are disjoint and complete, and classes keep their shares', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 60 }),
        fc.integer(),
        (labels, seed) => {
          const parts = splitIndices(labels.length, [0.6, 0.2, 0.2], { seed, labels })
          expect(sorted(parts)).toEqual(range(labels.length))
          for (const c of new Set(labels)) {
            const count = (list: Iterable<number>): number => [...list].filter((i) => labels[i] === c).length
            const n = count(range(labels.length))
            ;[0.6, 0.2, 0.2].forEach((fraction, p) => {
              expect(Math.abs(count(parts[p]) - fraction * n)).toBeLessThanOrEqual(1)
            })
          }
        },
      ),
      { numRuns: 50 },
    )
  })

  test('refuses fractions that sum to more than 1', () => {
    expect(() => splitIndices(10, [0.8, 0.3])).toThrow('sum to at most 1; received [0.8, 0.3]')
    expect(() => splitIndices(10, [1], { labels: [1] })).toThrow('1 labels for 10 examples')
  })
})

describe('kFoldIndices', () => {
  test.each([undefined, 7])('every index validates once, seed %s', (seed) => {
    const labels = range(23).map((i) => i % 2)
    for (const options of [{}, { labels }]) {
      const folds = kFoldIndices(23, 4, seed === undefined ? options : { ...options, seed })
      expect(sorted(folds.map((f) => f.validation))).toEqual(range(23))
      for (const { train, validation } of folds) {
        expect(sorted([train, validation])).toEqual(range(23))
        expect([5, 6]).toContain(validation.length)
      }
    }
  })

  test('folds keep the shares of classes', () => {
    const labels = range(40).map((i) => (i < 30 ? 0 : 1))
    for (const { validation } of kFoldIndices(40, 5, { labels, seed: 1 })) {
      expect([...validation].filter((i) => labels[i] === 1).length).toBe(2)
    }
  })

  test('refuses too many folds', () => {
    expect(() => kFoldIndices(3, 4)).toThrow('k must be a whole number from 2 to the 3 examples')
    expect(() => kFoldIndices(4, 3, { labels: [0, 0, 1, 1] })).toThrow('no class has 3 examples')
  })
})

test('data sets in memory are cut alike', () => {
  const data = arrayDataset({
    x: { data: Float32Array.from(range(20)), shape: [] },
    y: { data: Int32Array.from(range(20), (i) => i % 2), shape: [] },
  })
  const { train, validation, test: rest } = splits(data, { seed: 3, stratify: true, validation: 0.2, test: 0.2 })
  expect([train.length, validation.length, rest.length]).toEqual([12, 4, 4])
  expect([...validation.y.data].sort()).toEqual([0, 0, 1, 1])
  expect(kFold(data, 5, { seed: 1 }).map((f) => f.validation.length)).toEqual([4, 4, 4, 4, 4])
  const real = { ...data, y: data.x }
  expect(() => kFold(real, 5, { stratify: true })).toThrow('stratify needs class numbers')
})
