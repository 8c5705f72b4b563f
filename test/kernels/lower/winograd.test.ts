/** @file Winograd convolutions against naive sums: values, and that nothing outside the buffers is touched. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Contraction } from '../../../src/kernels/kernel.ts'
import { lowerWay, lowerWinograd, ways } from '../../../src/kernels/lower/winograd.ts'
import type { Machine } from '../../../src/kernels/vector.ts'
import {
  biasReluTwice,
  type ConvShape,
  conv,
  convInputGradient,
  convWeightGradient,
  type Epilogue,
  matmul,
} from './contractions.ts'
import { evaluateLowered, inputs, worstEpilogueError, worstError } from './run.ts'

const machine = (lanes: number, l2 = 1 << 20): Machine => ({
  lanes,
  vectorRegisters: lanes === 16 ? 32 : 16,
  fused: lanes !== 4,
  l1: 32 << 10,
  l2,
})

/** Every way of doing `c` with tiles of m × m. Returns how many there are. */
function check(c: Contraction, lanes: number, m: number, parts: number, error = worstError): number {
  const on = machine(lanes)
  const found = ways(c, on).filter((w) => w.algebra.m === m)
  const given = inputs(c)
  for (const way of found) {
    const lowered = lowerWay(c, way, on)
    const out = evaluateLowered(c, lowered, given, parts)
    expect(error(c, given, out), lowered.calls.map((x) => x.program.name).join()).toBeLessThan(1)
  }
  expect(found.length).toBeGreaterThan(0)
  return found.length
}

const shape = fc.record({
  images: fc.integer({ min: 1, max: 3 }),
  ci: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(1, 4, 16, 19)),
  co: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(1, 4, 16, 17)),
  oh: fc.integer({ min: 2, max: 20 }),
  ow: fc.integer({ min: 2, max: 20 }),
})
const lanes = fc.constantFrom(4, 8, 16)
const tile = fc.constantFrom(2, 4)
const parts = fc.constantFrom(1, 2, 3)

type Make = (s: ConvShape, epilogue?: Epilogue) => Contraction
const kinds: [string, Make][] = [
  ['convolutions', conv],
  ['input gradients', convInputGradient],
  ['weight gradients', convWeightGradient],
]

describe.each(kinds)('Winograd %s by evaluation', (_, make) => {
  test('plain results', () => {
    fc.assert(
      fc.property(shape, lanes, tile, parts, (s, l, m, p) => {
        check(make({ ...s, kh: 3, kw: 3 }), l, m, p)
      }),
      { numRuns: 40 },
    )
  })

  test('epilogues', () => {
    fc.assert(
      fc.property(shape, lanes, tile, parts, (s, l, m, p) => {
        check(make({ ...s, kh: 3, kw: 3 }, biasReluTwice), l, m, p, worstEpilogueError)
      }),
      { numRuns: 15 },
    )
  })

  test.each([4, 8, 16])('tiles that fill rows and do not, on %d lanes', (l) => {
    for (const [oh, ow] of [
      [4, 4],
      [8, 16],
      [7, 7],
      [5, 33],
      [2, 70],
      [12, 66],
    ]) {
      for (const m of [2, 4]) check(make({ images: 2, ci: 2, co: 3, oh, ow, kh: 3, kw: 3 }), l, m, 2)
    }
  })
})

test.each([4, 8, 16])('block by block, on %d lanes', (l) => {
  const larger = conv({ images: 2, ci: 1, co: 2, oh: 61, ow: 101, kh: 3, kw: 3 })
  expect(check(larger, l, 4, 2)).toBe(2)
  for (const [images, ci, co, oh, ow] of [
    [1, 2, 3, 61, 97],
    [3, 3, 2, 70, 30],
    [30, 1, 5, 17, 9],
  ]) {
    for (const p of [1, 3]) {
      const c = conv({ images, ci, co, oh, ow, kh: 3, kw: 3 }, biasReluTwice)
      expect(check(c, l, 2, p, worstEpilogueError)).toBe(2)
    }
  }
})

test.each([4, 8, 16])('group by group of images, on %d lanes', (l) => {
  const on = machine(l, 512)
  for (const [images, ci, co, oh, ow] of [
    [5, 12, 12, 5, 7],
    [3, 20, 8, 9, 4],
  ]) {
    const c = conv({ images, ci, co, oh, ow, kh: 3, kw: 3 }, biasReluTwice)
    const given = inputs(c)
    const grouped = ways(c, on).filter((w) => w.blocking === null && w.group < images)
    expect(grouped.map((w) => w.algebra.m)).toEqual([4, 2])
    for (const way of grouped) {
      const lowered = lowerWay(c, way, on)
      for (const p of [1, 3])
        expect(worstEpilogueError(c, given, evaluateLowered(c, lowered, given, p))).toBeLessThan(1)
    }
  }
})

describe('Winograd convolutions', () => {
  const sizes = { images: 2, ci: 3, co: 5, oh: 9, ow: 9, kh: 3, kw: 3 }

  test.each<[string, Contraction]>([
    ['matrix products', matmul({ m: 30, n: 30, k: 30 })],
    ['larger filters', conv({ ...sizes, kh: 5, kw: 5 })],
    ['filters of one row', conv({ ...sizes, kh: 1 })],
    ['strides', conv({ ...sizes, stride: 2 })],
    ['dilations', conv({ ...sizes, dilation: 2 })],
    ['groups', conv({ ...sizes, groups: 2 })],
    ['no images', conv({ ...sizes, images: 0 })],
    ['no channels', conv({ ...sizes, ci: 0 })],
    ['no filters', convWeightGradient({ ...sizes, co: 0 })],
  ])('are not: %s', (_, c) => {
    expect(ways(c, machine(4))).toEqual([])
    expect(lowerWinograd(c, machine(4))).toBeNull()
  })

  test('take no more memory than they may', () => {
    for (const make of [conv, convWeightGradient]) {
      for (const sizes of [
        { images: 32, ci: 64, co: 64, oh: 224, ow: 224 },
        { images: 1, ci: 2048, co: 2048, oh: 28, ow: 28 },
      ]) {
        const c = make({ ...sizes, kh: 3, kw: 3 })
        for (const way of ways(c, machine(8))) {
          const bytes = lowerWay(c, way, machine(8)).scratch.reduce((n, x) => n + x, 0)
          expect(bytes).toBeLessThan(130 << 20)
        }
      }
    }
  })

  test('are chosen for many channels, not for few', () => {
    const wide = conv({ images: 1, ci: 64, co: 64, oh: 56, ow: 56, kh: 3, kw: 3 })
    const thin = conv({ images: 8, ci: 1, co: 8, oh: 28, ow: 28, kh: 3, kw: 3 })
    for (const l of [4, 8, 16]) {
      expect(lowerWinograd(wide, machine(l))).not.toBeNull()
      expect(lowerWinograd(thin, machine(l))).toBeNull()
    }
  })
})
