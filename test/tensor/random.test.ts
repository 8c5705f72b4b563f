import { describe, expect, it } from 'vitest'
import { threefry2x32, uniformFromBits } from '../../src/core/random.ts'
import { bernoulli, defaultGenerator, Generator, manualSeed, rand, randint, randn, randperm } from '../../src/index.ts'
import { devices } from '../support/devices.ts'

describe.each(devices)('on %s', (_, device) => {
  it('draws what Threefry says', () => {
    manualSeed(42)
    rand([3], { device })
    const expected = Array.from({ length: 5 }, (_, i) => uniformFromBits(threefry2x32(42, 1, i, 0)[0]))
    expect(rand([5], { device }).arraySync()).toEqual(expected)
  })

  it('repeats after the same seed, and differs from draw to draw', () => {
    manualSeed(1)
    const [a, b] = [randn([10], { device }).dataSync(), randn([10], { device }).dataSync()]
    expect(a).not.toEqual(b)
    manualSeed(1)
    expect(randn([10], { device }).dataSync()).toEqual(a)
  })

  it('has the right moments', () => {
    manualSeed(0)
    const z = randn([20_001], { device })
    expect(z.mean().itemSync()).toBeCloseTo(0, 1)
    expect(z.std().itemSync()).toBeCloseTo(1, 1)
    const u = rand([20_000], { device })
    expect(u.mean().itemSync()).toBeCloseTo(0.5, 1)
    expect(u.min().itemSync()).toBeGreaterThanOrEqual(0)
    expect(u.max().itemSync()).toBeLessThan(1)
    expect(bernoulli(0.25, [20_000], { device }).float().mean().itemSync()).toBeCloseTo(0.25, 1)
    const dice = randint(1, 7, [6000], { device })
    expect([dice.min().itemSync(), dice.max().itemSync(), dice.dtype]).toEqual([1, 6, 'int32'])
    expect([...randperm(50, { device }).dataSync()].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, i) => i),
    )
  })

  it('takes a generator, whose state can be saved', () => {
    const generator = new Generator(9)
    const first = rand([2], { device, generator }).dataSync()
    const { state } = generator
    expect(state).toEqual([9, 1])
    const second = rand([2], { device, generator }).dataSync()
    generator.state = state
    expect(rand([2], { device, generator }).dataSync()).toEqual(second)
    expect(rand([2], { device, generator: new Generator(9) }).dataSync()).toEqual(first)
    const before = defaultGenerator.state
    rand([2], { device, generator })
    expect(defaultGenerator.state).toEqual(before)
  })
})

describe('mistakes', () => {
  it('names them', () => {
    expect(() => manualSeed(0.5)).toThrow(/whole number; received 0.5/)
    expect(() => randint(3, 3, [1])).toThrow(/low < high/)
  })
})
