import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { permutation, Random } from '../../src/data/random.ts'

describe('Random', () => {
  test('gives the same numbers for the same seed, for ever', () => {
    const random = new Random(42, 3)
    expect([random.bits(), random.bits(), random.bits()]).toMatchInlineSnapshot(`
      [
        387499285,
        -1090234025,
        1986003932,
      ]
    `)
  })

  test('seeds beyond 32 bits, negative seeds and streams all differ', () => {
    const seeds = [[0], [1], [-1], [2 ** 32], [2 ** 40], [0, 0], [0, 1], [1, 0], [0, 0, 0]] as const
    const firsts = seeds.map(([seed, ...streams]) => new Random(seed, ...streams).bits())
    expect(new Set(firsts).size).toBe(seeds.length)
  })

  test('uniform and bell have their mean and spread', () => {
    const random = new Random(0)
    const n = 100_000
    let [u, b, bb] = [0, 0, 0]
    for (let i = 0; i < n; i++) {
      u += random.uniform()
      const value = random.bell()
      b += value
      bb += value * value
    }
    expect(u / n).toBeCloseTo(0.5, 2)
    expect(Math.abs(b / n)).toBeLessThan(0.02)
    expect(bb / n).toBeCloseTo(1, 1)
  })

  test('refuses a seed that is not whole', () => {
    expect(() => new Random(0.5)).toThrow('a seed must be a whole number; received 0.5')
  })
})

describe('permutation', () => {
  test('holds every number once and depends on its arguments alone', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.maxSafeInteger(), (length, seed) => {
        const order = permutation(length, seed)
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length }, (_, i) => i))
        expect(permutation(length, seed)).toEqual(order)
      }),
    )
  })

  test('differs between epochs', () => {
    expect(permutation(50, 1, 0)).not.toEqual(permutation(50, 1, 1))
  })
})
