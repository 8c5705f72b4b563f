/** @file Lowered contractions against naive sums: values, and that nothing outside the buffers is touched. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Contraction } from '../../../src/kernels/kernel.ts'
import { lowerContraction } from '../../../src/kernels/lower/contraction.ts'
import { canonical } from '../../../src/kernels/lower/contraction-dims.ts'
import { makeLevels } from '../../../src/kernels/lower/contraction-loops.ts'
import { choosePlan, type Loop, orient, type Plan } from '../../../src/kernels/lower/contraction-plan.ts'
import type { Machine } from '../../../src/kernels/vector.ts'
import { biasReluTwice, conv, convInputGradient, convWeightGradient, matmul } from './contractions.ts'
import { evaluateLowered, inputs, worstEpilogueError, worstError } from './run.ts'

const machine = (lanes: number, small = false): Machine => ({
  lanes,
  vectorRegisters: lanes === 16 ? 32 : 16,
  fused: lanes !== 4,
  l1: small ? 512 : 32 << 10,
  l2: small ? 4096 : 1 << 20,
})

/** Small caches make small products go the ways of large ones. */
const machines = [machine(4), machine(8), machine(16), machine(4, true), machine(8, true), machine(16, true)]

function check(c: Contraction, m: Machine, parts: number, error = worstError): void {
  const lowered = lowerContraction(c, m)
  const given = inputs(c)
  const out = evaluateLowered(c, lowered, given, parts)
  expect(error(c, given, out), lowered.calls.map((x) => x.program.name).join()).toBeLessThan(1)
}

const size = fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 40 }) }, fc.constantFrom(0, 1, 2, 64, 97))
const anyMachine = fc.constantFrom(...machines)
const parts = fc.constantFrom(1, 2, 3)

describe('tiles of images', () => {
  const c = conv({ images: 40, ci: 8, co: 16, oh: 3, ow: 3, kh: 3, kw: 3, stride: 2 })

  test('stay in the cache while their windows move', () => {
    const form = canonical(c)
    const small = machine(16, true)
    const plans: Plan[] = []
    choosePlan([orient(form, c.a, c.b, true)], small, (plan) => {
      if (plan.form === 'splat' && plan.rowTile?.loop.extent === 40 && plan.rowTile.size === 8) plans.push(plan)
    })
    expect(plans.length).toBeGreaterThan(0)
    for (const plan of plans) {
      const strides = { row: (l: Loop) => l.row * 4, col: (l: Loop) => l.col * 4, rowTile: 0, laneTile: 0 }
      const levels = makeLevels(plan, small, strides, null)
      const images = levels.findIndex((l) => l.kind === 'block' && l.loop === plan.rowTile?.loop)
      const places = levels.findIndex((l) => l.loop.role === 'row' && l.loop !== plan.rowTile?.loop)
      expect(images).toBeGreaterThanOrEqual(0)
      expect(images).toBeLessThan(places)
    }
  })

  test.each(machines)('sum up, on a machine of $lanes lanes and $l2 bytes', (m) => check(c, m, 2))
})

describe('contractions by evaluation', () => {
  test('matrix products', () => {
    const shape = fc.record({
      m: size,
      n: size,
      k: size,
      batch: fc.constantFrom(1, 1, 2, 3),
      ta: fc.boolean(),
      tb: fc.boolean(),
      tc: fc.boolean(),
    })
    fc.assert(
      fc.property(shape, anyMachine, parts, (s, m, p) => check(matmul(s), m, p)),
      { numRuns: 150 },
    )
  })

  test('epilogues', () => {
    const shape = fc.record({
      m: size,
      n: size,
      k: size,
      batch: fc.constantFrom(1, 2),
      tb: fc.boolean(),
      tc: fc.boolean(),
    })
    fc.assert(
      fc.property(shape, anyMachine, parts, (s, m, p) => check(matmul(s, biasReluTwice), m, p, worstEpilogueError)),
      { numRuns: 60 },
    )
  })

  const convShape = fc.record({
    images: fc.integer({ min: 1, max: 3 }),
    groups: fc.constantFrom(1, 1, 2),
    ci: fc.integer({ min: 1, max: 5 }),
    co: fc.integer({ min: 1, max: 9 }),
    oh: fc.integer({ min: 1, max: 9 }),
    ow: fc.integer({ min: 1, max: 18 }),
    kh: fc.integer({ min: 1, max: 4 }),
    kw: fc.integer({ min: 1, max: 5 }),
    stride: fc.constantFrom(1, 1, 2, 3),
    dilation: fc.constantFrom(1, 1, 2),
  })

  test('convolutions', () => {
    fc.assert(
      fc.property(convShape, anyMachine, parts, (s, m, p) => check(conv(s), m, p)),
      { numRuns: 80 },
    )
  })

  test("convolutions' weight gradients", () => {
    fc.assert(
      fc.property(convShape, anyMachine, parts, (s, m, p) => check(convWeightGradient(s), m, p)),
      { numRuns: 80 },
    )
  })

  test("convolutions' input gradients", () => {
    fc.assert(
      fc.property(convShape, anyMachine, parts, (s, m, p) => check(convInputGradient(s), m, p)),
      { numRuns: 80 },
    )
  })
})
