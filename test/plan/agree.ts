/** @file Compares what devices make of the same random graph. */
import type { Node } from '../../src/graph/node.ts'
import type { Device } from '../../src/plan/device.ts'
import { randomGraph } from './random-graphs.ts'
import { randomProduct } from './random-products.ts'
import { stepValues } from './random-steps.ts'

/** What a device computes of a graph that is made anew: realising turns nodes into data. */
function realised(device: Device, roots: readonly Node[]): ArrayLike<number>[] {
  device.realise(roots)
  return roots.map((r) => r.as('data').values)
}

export function graphValues(device: Device, seed: number): ArrayLike<number>[] {
  return realised(device, randomGraph(seed))
}

/**
 * The largest difference beyond rounding, in words; null if there is none.
 *
 * @param tolerance of |a − b| / (1 + |b|)
 */
export function difference(
  expected: readonly ArrayLike<number>[],
  got: readonly ArrayLike<number>[],
  tolerance = 1e-4,
): string | null {
  return compare(expected, got, (want, have) => Math.abs(want - have) / (1 + Math.abs(want)) / tolerance)
}

/** As `difference`, with errors relative to a result's largest element: those of Winograd's algorithm are. */
function coarseDifference(expected: readonly ArrayLike<number>[], got: readonly ArrayLike<number>[]): string | null {
  const scales = expected.map((w) => Array.from(w).reduce((most, x) => Math.max(most, Math.abs(x)), 1))
  return compare(expected, got, (want, have, k) => Math.abs(want - have) / scales[k] / 5e-5)
}

/** @param error of an element of a result; from 1 on it is too large */
function compare(
  expected: readonly ArrayLike<number>[],
  got: readonly ArrayLike<number>[],
  error: (want: number, have: number, result: number) => number,
): string | null {
  if (got.length !== expected.length) return `${got.length} results instead of ${expected.length}`
  for (const [k, want] of expected.entries()) {
    const have = got[k]
    if (have.length !== want.length) return `root ${k} has ${have.length} elements instead of ${want.length}`
    let worst = 0
    let at = -1
    for (let i = 0; i < want.length; i++) {
      const e = want[i] === have[i] || (Number.isNaN(want[i]) && Number.isNaN(have[i])) ? 0 : error(want[i], have[i], k)
      if (!(e <= worst)) [worst, at] = [e, i]
    }
    if (!(worst < 1)) return `root ${k}, element ${at}: ${want[at]} became ${have[at]}`
  }
  return null
}

/** Kinds of random computations. */
export const kinds = {
  graph: { values: graphValues, difference },
  step: {
    values: stepValues,
    difference: (want: ArrayLike<number>[], got: ArrayLike<number>[]): string | null => difference(want, got, 2e-4),
  },
  product: {
    values: (device: Device, seed: number): ArrayLike<number>[] => realised(device, randomProduct(seed)),
    difference: coarseDifference,
  },
} as const

export type Kind = keyof typeof kinds
