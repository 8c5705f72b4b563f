/** @file Winograd convolutions on the wasm target, with one thread and with two. */
import { afterAll, expect, test } from 'vitest'
import type { Contraction } from '../../../src/kernels/kernel.ts'
import { lowerWay, ways } from '../../../src/kernels/lower/winograd.ts'
import { createWasmTargetSync } from '../../../src/targets/wasm/index.ts'
import { biasReluTwice, conv, convInputGradient, convWeightGradient } from './contractions.ts'
import { inputs, runLowered, worstEpilogueError, worstError } from './run.ts'

const targets = [createWasmTargetSync({ threads: 1 }), createWasmTargetSync({ threads: 2 })]
afterAll(() => {
  for (const t of targets) t.close()
})

const sizes = { images: 9, ci: 5, co: 7, oh: 31, ow: 45, kh: 3, kw: 3 }

/** Each way is right, and gives the same bits with both numbers of threads. */
test.each<[string, Contraction, number, typeof worstError]>([
  ['a convolution', conv(sizes), 4, worstError],
  ['its epilogue', conv(sizes, biasReluTwice), 4, worstEpilogueError],
  ['its gradient with respect to the input', convInputGradient(sizes), 4, worstError],
  ['its gradient with respect to the filter', convWeightGradient(sizes), 2, worstError],
])('%s', (_, c, count, error) => {
  const given = inputs(c)
  const all = ways(c, targets[0].machine)
  expect(all.length).toBe(count)
  for (const way of all) {
    const outs = targets.map((t) => runLowered(t, c, lowerWay(c, way, t.machine), given))
    expect(error(c, given, outs[0])).toBeLessThan(1)
    for (const i of new Set(c.stores.map((s) => s.buffer))) expect(outs[1][i]).toEqual(outs[0][i])
  }
})
