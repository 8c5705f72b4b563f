/** @file Attention block by block of queries beside attention of all queries at once: results, gradients, when it is chosen. */
import { beforeEach, describe, expect, it } from 'vitest'
import {
  createDevice,
  grad,
  manualSeed,
  noGrad,
  Parameter,
  rand,
  randn,
  setDefaultDevice,
  type Tensor,
} from '../../src/index.ts'
import { attend, scaledDotProductAttention } from '../../src/nn/functional/attention.ts'
import { attendInBlocks, blockRows } from '../../src/nn/functional/attention-blocks.ts'
import { functional as f, MultiheadAttention } from '../../src/nn/index.ts'
import { InterpDevice } from '../../src/plan/interp.ts'

beforeEach(() => {
  setDefaultDevice(new InterpDevice())
  manualSeed(0)
})

const apart = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().itemSync()

interface Case {
  readonly q: readonly number[]
  readonly k: readonly number[]
  readonly v: readonly number[]
  readonly masks?: () => Tensor[]
  readonly causal?: boolean
  readonly rows: number
}

const cases: Record<string, Case> = {
  'blocks that divide the queries': { q: [2, 3, 12, 4], k: [2, 3, 10, 4], v: [2, 3, 10, 5], rows: 4 },
  'a block that is shorter': { q: [2, 13, 4], k: [2, 9, 4], v: [2, 9, 3], rows: 5 },
  'causal queries': { q: [2, 2, 24, 3], k: [2, 2, 24, 3], v: [2, 2, 24, 3], causal: true, rows: 3 },
  'causal queries in uneven parts': { q: [23, 3], k: [23, 3], v: [23, 3], causal: true, rows: 4 },
  'more causal queries than keys': { q: [2, 20, 3], k: [2, 7, 3], v: [2, 7, 3], causal: true, rows: 2 },
  'fewer causal queries than keys': { q: [2, 9, 3], k: [2, 20, 3], v: [2, 20, 3], causal: true, rows: 2 },
  'heads that share keys': { q: [2, 6, 8, 4], k: [2, 2, 11, 4], v: [2, 2, 11, 4], rows: 3 },
  'one head for all': { q: [2, 4, 8, 4], k: [2, 1, 8, 4], v: [2, 1, 8, 4], causal: true, rows: 2 },
  'keys for all batches': { q: [3, 2, 8, 4], k: [6, 4], v: [6, 4], rows: 4 },
  'masks of every kind': {
    q: [2, 2, 9, 4],
    k: [2, 2, 6, 4],
    v: [2, 2, 6, 4],
    masks: () => [rand([9, 6]).gt(0.3), rand([2, 1, 1, 6]).gt(0.2), randn([2, 9, 6]), randn([9, 1]), randn([6])],
    rows: 2,
  },
  'causal masks': {
    q: [2, 2, 9, 4],
    k: [2, 2, 9, 4],
    v: [2, 2, 9, 4],
    masks: () => [rand([2, 1, 1, 9]).gt(0.2), randn([2, 9, 9])],
    causal: true,
    rows: 2,
  },
}

describe('attention in blocks', () => {
  it.each(Object.entries(cases))('equals that of all queries at once: %s', (_, c) => {
    const [q, k, v] = [c.q, c.k, c.v].map((shape) => new Parameter(randn(shape)))
    const mask = c.masks?.() ?? []
    const causal = c.causal ?? false
    const whole = attend(q, k, v, { mask, causal }).output
    const parts = attendInBlocks(q, k, v, mask, causal, c.rows, (q, k, v, mask) => attend(q, k, v, { mask }).output)
    expect(parts.shape).toEqual(whole.shape)
    expect(apart(parts, whole)).toBeLessThan(1e-6)
    const g = randn(whole.shape)
    const [gParts, gWhole] = [parts, whole].map((y) => grad(y, [q, k, v], { gradient: g, createGraph: true }))
    gParts.forEach((x, i) => {
      expect(apart(x, gWhole[i])).toBeLessThan(1e-5)
    })
    const [again, expected] = [gParts, gWhole].map((gs) => {
      const sum = gs.map((x) => x.square().sum()).reduce((a, b) => a.add(b))
      return grad(sum, [q, k, v])
    })
    again.forEach((x, i) => {
      expect(apart(x, expected[i])).toBeLessThan(1e-4)
    })
  })

  it('is chosen where scores are large, and for uncausal gradients where they are very large', () => {
    const [fixed, trained] = [randn([2, 2]), new Parameter(randn([2, 2]))]
    const rows = (extent: number, causal: boolean, operand: Tensor): number | null =>
      blockRows([4, extent, 1024], [operand], causal)
    expect(rows(512, true, trained)).toBeNull()
    expect(rows(1024, true, trained)).toBe(256)
    expect(rows(1024, false, fixed)).toBe(256)
    expect(rows(1024, false, trained)).toBeNull()
    expect(noGrad(() => rows(1024, false, trained))).toBe(256)
    expect(rows(32768, false, trained)).toBe(256)
    expect(blockRows([4096, 1024, 1024], [fixed], true)).toBe(16)
    expect(blockRows([4096, 16, 1024], [fixed], true)).toBeNull()
  })

  it('refuses masks that do not fit', () => {
    const x = randn([1024, 2])
    const long = randn([2, 1024, 2])
    expect(() => scaledDotProductAttention(long, x, x, { mask: rand([1023, 1024]) })).toThrow(/mask/)
    expect(() => scaledDotProductAttention(long, x, x, { mask: rand([3, 1, 1024]) })).toThrow(/mask/)
  })

  it('serves the functions and layers that attend', async () => {
    setDefaultDevice(await createDevice('wasm', { threads: 1 }))
    const [q, k, v] = [4, 4, 4].map((heads) => new Parameter(randn([1, heads, 760, 4])))
    const [y, whole] = [
      f.scaledDotProductAttention(q, k, v, { causal: true }),
      attend(q, k, v, { causal: true }).output,
    ]
    expect(apart(y, whole)).toBeLessThan(1e-5)
    const g = randn(y.shape)
    const [found, expected] = [y, whole].map((t) => grad(t, [q, k, v], { gradient: g }))
    found.forEach((x, i) => {
      expect(apart(x, expected[i])).toBeLessThan(1e-4)
    })
    const layer = new MultiheadAttention(8, 4, { batchFirst: true })
    const x = randn([1, 760, 8])
    const without = layer.call(x, x, x, { causal: true, needWeights: false })
    expect(without[1]).toBeNull()
    expect(apart(without[0], layer.call(x, x, x, { causal: true })[0])).toBeLessThan(1e-5)
  })
})
