import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Scatter } from '../../../src/kernels/kernel.ts'
import { lowerScatter } from '../../../src/kernels/lower/scatter.ts'
import { compareMemory, evaluating, machine, memoryFor } from './machine.ts'
import { runScatter } from './reference.ts'

function scatter(outer: number, rows: number, positions: number, inner: number, dtype: 'float32' | 'int32'): Scatter {
  return {
    kind: 'scatter',
    name: 'scatter',
    outer,
    rows,
    positions,
    inner,
    indices: 0,
    updates: 1,
    out: 2,
    buffers: [
      { dtype: 'int32', size: positions },
      { dtype, size: outer * positions * inner },
      { dtype, size: outer * rows * inner },
    ],
  }
}

function check(s: Scatter, lanes: number, seed: number): void {
  for (const parts of [1, 2, 3]) {
    const memory = memoryFor(s.buffers, (b, i) => {
      const x = Math.imul(i * 31 + b * 7 + seed, 0x9e3779b1) >>> 16
      return b === 0 ? x % s.rows : (x % 64) / 4 - (s.buffers[b].dtype === 'int32' ? x % 4 : 0) / 4
    })
    const expected = memory.map((m) => m.slice())
    runScatter(s, expected)
    evaluating(parts)(lowerScatter(s, machine(lanes)), s.buffers, memory)
    compareMemory(s, memory, expected, { relative: 0, absolute: 0 })
  }
}

describe.each([4, 8, 16])('scatter in %i lanes', (lanes) => {
  it('adds every update to its row', () => {
    const extent = fc.constantFrom(1, 2, 3, 5, 8, 17)
    const inner = fc.constantFrom(1, 2, 3, 4, 7, 16, 33, 100, 260)
    fc.assert(
      fc.property(extent, extent, fc.nat({ max: 20 }), inner, fc.nat(), fc.boolean(), (o, r, p, i, seed, float) => {
        check(scatter(o, r, p, i, float ? 'float32' : 'int32'), lanes, seed)
      }),
      { numRuns: 40 },
    )
  })

  it('cuts rows and columns of large ones', () => {
    check(scatter(1, 300, 700, 10, 'float32'), lanes, 1)
    check(scatter(1, 7, 40, 515, 'float32'), lanes, 2)
    check(scatter(2, 50, 2000, 3, 'float32'), lanes, 3)
  })

  it('does nothing where there is nothing', () => {
    for (const s of [scatter(0, 3, 2, 2, 'float32'), scatter(2, 0, 0, 2, 'float32'), scatter(2, 3, 2, 0, 'float32')]) {
      expect(lowerScatter(s, machine(lanes)).calls).toEqual([])
    }
  })
})
