/** @file Compares what devices make of the same random graph. */
import type { Device } from '../../src/plan/device.ts'
import { randomGraph } from './random-graphs.ts'

/** What a device computes of a graph. Graphs are made anew: realising turns nodes into data. */
export function graphValues(device: Device, seed: number): number[][] {
  const roots = randomGraph(seed)
  device.realise(roots)
  return roots.map((r) => Array.from(r.as('data').values))
}

/** The largest difference beyond rounding, in words; null if there is none. */
export function difference(expected: readonly number[][], got: readonly number[][]): string | null {
  if (got.length !== expected.length) return `${got.length} results instead of ${expected.length}`
  for (const [k, want] of expected.entries()) {
    const have = got[k]
    if (have.length !== want.length) return `root ${k} has ${have.length} elements instead of ${want.length}`
    let worst = 0
    let at = -1
    want.forEach((w, i) => {
      const error = Object.is(w, have[i]) ? 0 : Math.abs(w - have[i]) / (1 + Math.abs(w))
      if (!(error <= worst)) [worst, at] = [error, i]
    })
    if (!(worst < 1e-4)) return `root ${k}, element ${at}: ${want[at]} became ${have[at]}`
  }
  return null
}
