/** @file Lowered contractions on the wasm target, with one thread and with two, and what epilogues do there. */
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import type { Contraction } from '../../../src/kernels/kernel.ts'
import { lowerContraction } from '../../../src/kernels/lower/contraction.ts'
import { createWasmTargetSync } from '../../../src/targets/wasm/index.ts'
import { biasReluTwice, conv, convInputGradient, convWeightGradient, matmul } from './contractions.ts'
import { inputs, runLowered, worstEpilogueError, worstError } from './run.ts'

const targets = [createWasmTargetSync({ threads: 1 }), createWasmTargetSync({ threads: 2 })]
afterAll(() => {
  for (const t of targets) t.close()
})

/** Both thread counts give the same bits. */
function check(c: Contraction, error: typeof worstError): void {
  const given = inputs(c)
  const outs = targets.map((t) => runLowered(t, c, lowerContraction(c, t.machine), given))
  expect(error(c, given, outs[0])).toBeLessThan(1)
  for (const i of new Set(c.stores.map((s) => s.buffer))) expect(outs[1][i]).toEqual(outs[0][i])
}

const plain: typeof worstError = worstError
const size = fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 70 }) }, fc.constantFrom(1, 127, 128))

describe('contractions on wasm', () => {
  const shape = fc.record({
    m: size,
    n: size,
    k: fc.oneof(size, fc.constantFrom(0, 300, 5000)),
    batch: fc.constantFrom(1, 1, 3),
    ta: fc.boolean(),
    tb: fc.boolean(),
    tc: fc.boolean(),
  })

  test('matrix products', () => {
    fc.assert(
      fc.property(shape, (s) => check(matmul(s), plain)),
      { numRuns: 30 },
    )
  })

  test('epilogues', () => {
    fc.assert(
      fc.property(shape, (s) => check(matmul(s, biasReluTwice), worstEpilogueError)),
      { numRuns: 30 },
    )
  })

  test('convolutions and their gradients', () => {
    const convShape = fc.record({
      images: fc.constantFrom(1, 2, 7, 16),
      groups: fc.constantFrom(1, 1, 2),
      ci: fc.integer({ min: 1, max: 6 }),
      co: fc.integer({ min: 1, max: 17 }),
      oh: fc.integer({ min: 1, max: 14 }),
      ow: fc.integer({ min: 1, max: 28 }),
      kh: fc.integer({ min: 1, max: 5 }),
      kw: fc.integer({ min: 1, max: 5 }),
      stride: fc.constantFrom(1, 1, 2),
      dilation: fc.constantFrom(1, 1, 2),
    })
    const which = fc.constantFrom(conv, convWeightGradient, convInputGradient)
    fc.assert(
      fc.property(convShape, which, (s, make) => check(make(s), plain)),
      { numRuns: 30 },
    )
  })
})
