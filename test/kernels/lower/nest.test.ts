import fc from 'fast-check'
import { describe, it } from 'vitest'
import type { Nest } from '../../../src/kernels/kernel.ts'
import { checkNest, evaluating, machine, memoryFor } from './machine.ts'
import { drawNest } from './nests.ts'
import type { Memory } from './reference.ts'

/** Small quarters, so that sums and products of a few are exact; indices are in range for the most part. */
function fill(nest: Nest, seed: number): Memory {
  return memoryFor(nest.buffers, (buffer, i) => {
    const x = Math.imul(i * 31 + buffer * 17 + seed, 0x9e3779b1) >>> 16
    const { dtype } = nest.buffers[buffer]
    if (dtype === 'float32') return ((x % 33) - 16) / 8
    if (dtype === 'int32') return seed % 5 === 0 ? (x % 9) - 4 : x % 2
    return dtype === 'bool' ? x % 2 : x % 256
  })
}

describe.each([4, 8, 16])('nests in %i lanes', (lanes) => {
  it('compute what their description says', () => {
    fc.assert(
      fc.property(
        fc.gen(),
        fc.nat({ max: 1000 }),
        fc.integer({ min: 1, max: 3 }),
        fc.boolean(),
        (g, seed, parts, pairs) => {
          const { nest, exact } = drawNest(g)
          const tolerance = exact ? { relative: 1e-6, absolute: 1e-6 } : { relative: 1e-4, absolute: 1e-4 }
          checkNest(nest, fill(nest, seed), machine(lanes, pairs), evaluating(parts), tolerance)
        },
      ),
      { numRuns: 200 },
    )
  })
})
