import { describe, expect, it } from 'vitest'
import { threefry2x32, uniformFromBits } from '../../src/core/random.ts'
import {
  bernoulli,
  compile,
  defaultGenerator,
  exponential,
  Generator,
  gumbel,
  manualSeed,
  multinomial,
  normal,
  rand,
  randint,
  randn,
  randperm,
  tensor,
  uniform,
} from '../../src/index.ts'
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

  it('draws from other distributions, with numbers or tensors as parameters', () => {
    manualSeed(5)
    const n = 20_000
    const on = { device }
    const z = normal(3, 2, [n], on)
    expect(z.mean().itemSync()).toBeCloseTo(3, 1)
    expect(z.std().itemSync()).toBeCloseTo(2, 1)
    const rows = normal(tensor([-5, 5], on), tensor([1, 0], on), [n, 2])
    expect(rows.mean(0).dataSync()[0]).toBeCloseTo(-5, 1)
    expect(rows.select(1, 1).unique().values.arraySync()).toEqual([5])
    const u = uniform(-2, 6, [n], on)
    expect(u.mean().itemSync()).toBeCloseTo(2, 0)
    expect(u.var().itemSync()).toBeCloseTo(64 / 12, 0)
    expect(u.min().itemSync()).toBeGreaterThanOrEqual(-2)
    const e = exponential(4, [n], on)
    expect(e.mean().itemSync()).toBeCloseTo(0.25, 2)
    expect(e.std().itemSync()).toBeCloseTo(0.25, 2)
    expect(e.min().itemSync()).toBeGreaterThanOrEqual(0)
    // Mean γ and variance π²/6.
    const g = gumbel([n], on)
    expect(g.mean().itemSync()).toBeCloseTo(0.5772, 1)
    expect(g.var().itemSync()).toBeCloseTo(Math.PI ** 2 / 6, 1)
    const flips = bernoulli(tensor([0, 0.25, 1], on), [n, 3])
    const shares = flips.mean(0).dataSync()
    expect([shares[0], shares[2]]).toEqual([0, 1])
    expect(shares[1]).toBeCloseTo(0.25, 1)
  })

  it('draws categories in proportion to their weights, and none of weight 0', () => {
    manualSeed(6)
    const weights = tensor([1, 0, 3], { device })
    const drawn = multinomial(weights, 20_000, { replacement: true })
    expect(drawn.dtype).toBe('int32')
    const counts = drawn.bincount({ minlength: 3 }).dataSync()
    expect(counts[1]).toBe(0)
    expect(counts[2] / 20_000).toBeCloseTo(0.75, 1)
    const first = multinomial(weights.expand([5_000, 3]), 2)
    expect(first.shape).toEqual([5_000, 2])
    expect(first.select(1, 0).eq(2).mean().itemSync()).toBeCloseTo(0.75, 1)
    expect(first.sum(1).unique().values.arraySync()).toEqual([2])
    manualSeed(7)
    const step = compile(() => multinomial(weights, 8, { replacement: true }))
    expect(step().arraySync()).not.toEqual(step().arraySync())
  })

  it('does not differentiate through draws', () => {
    const mean = tensor([1], { device, requiresGrad: true })
    expect(normal(mean, 1, [3]).requiresGrad).toBe(false)
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
