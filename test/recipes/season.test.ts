/** @file After how many rows a series repeats itself. */

import { describe, expect, it } from 'vitest'
import { timeSeries } from '../../src/data/generated/series.ts'
import { seasonOf } from '../../src/recipes/files/season.ts'

const series = (period: number, noise: number, trend = 0, memory = 0): Float32Array =>
  timeSeries({ length: 600, trend, noise, memory, seed: 3, seasons: period > 0 ? [{ period, amplitude: 1 }] : [] })

describe('seasonOf', () => {
  it.each([2, 3, 7, 24, 52])(
    'finds a season of %i rows, not its multiples, in spite of noise and a trend',
    (period) => {
      const alternating = Float32Array.from({ length: 600 }, (_, t) => (t % 2) + 0.01 * t)
      expect(seasonOf(period === 2 ? alternating : series(period, 0.1, 0.02))).toBe(period)
    },
  )

  it('finds none in noise, in what wanders, in a line, in a constant and in next to nothing', () => {
    expect(seasonOf(series(0, 1))).toBeUndefined()
    expect(seasonOf(series(0, 1, 0, 0.9))).toBeUndefined()
    expect(seasonOf(Float32Array.from({ length: 100 }, (_, t) => 3 * t))).toBeUndefined()
    expect(seasonOf(new Float32Array(100))).toBeUndefined()
    expect(seasonOf([1, 2])).toBeUndefined()
  })
})
