/** @file Results that are written past the caches: which are, and that they arrive. */
import { describe, expect, it } from 'vitest'
import { arange, compile, createDeviceSync, type Tensor } from '../../src/index.ts'
import type { Expr } from '../../src/kernels/expr.ts'
import { indexOf, newVar } from '../../src/kernels/index.ts'
import type { Contraction, Nest, Scatter } from '../../src/kernels/kernel.ts'
import { atSlot, type Location } from '../../src/plan/location.ts'
import { withStreams } from '../../src/plan/streams.ts'
import { compiledTargets } from '../support/devices.ts'

const LARGE = 1 << 24
const places = (...slots: number[]): Location[] => slots.map(atSlot)

/** out[i] = x[i], as many as `size`; with `again`, a second pass computes with what the first has stored. */
function copy(size: number, again = false): Nest {
  const v = newVar(size)
  const load = (buffer: number): Expr => ({ op: 'load', dtype: 'float32', buffer, index: indexOf(v), guards: [] })
  const pass = (value: Expr) => ({ inner: [], reductions: [], stores: [{ buffer: 1, index: indexOf(v), value }] })
  return {
    kind: 'nest',
    name: 'copy',
    buffers: [
      { dtype: 'float32', size },
      { dtype: 'float32', size },
    ],
    outer: [v],
    passes: again ? [pass(load(0)), pass(load(1))] : [pass(load(0))],
  }
}

const streamed = (k: Nest | Contraction | Scatter, args: Location[]): number[] =>
  withStreams(k, args).buffers.flatMap((b, i) => (b.streamed === true ? [i] : []))

describe('streams', () => {
  it('are large results', () => {
    expect(streamed(copy(LARGE), places(5, 6))).toEqual([1])
    const smaller = copy(LARGE - 1)
    expect(withStreams(smaller, places(5, 6))).toBe(smaller)
  })

  it('are not what a kernel reads again, nor what overwrites another of its buffers', () => {
    expect(streamed(copy(LARGE, true), places(5, 6))).toEqual([])
    expect(streamed(copy(LARGE), places(5, 5))).toEqual([])
  })

  it('are results of products, not rows that are added to', () => {
    const [m, n] = [newVar(LARGE), newVar(2)]
    const common = { buffers: [{ dtype: 'float32', size: 2 * LARGE } as const, ...copy(LARGE).buffers], name: 'large' }
    const product: Contraction = {
      ...common,
      kind: 'contraction',
      dims: [
        { v: m, a: 2, b: 0, role: 'm' },
        { v: n, a: 1, b: 1, role: 'k' },
      ],
      a: { buffer: 0, offset: 0 },
      b: { buffer: 1, offset: 0 },
      stores: [{ buffer: 2, index: indexOf(m), value: { op: 'accumulator', dtype: 'float32' } }],
    }
    expect(streamed(product, places(4, 5, 6))).toEqual([2])
    const rows = { outer: 1, rows: LARGE, positions: 2, inner: 1, indices: 0, updates: 1, out: 2 }
    expect(streamed({ ...common, ...rows, kind: 'scatter' }, places(4, 5, 6))).toEqual([])
  })

  it.each(compiledTargets)('arrive, and so does what lies across cache lines, on %s', (target) => {
    const device = createDeviceSync(target, { threads: 2 })
    // Rows that begin anywhere in a line.
    const [rows, cols] = [4097, 4099]
    const starts = arange(0, rows / 2, 0.5, { device })
      .reshape([rows, 1])
      .realise()
    const x = starts.add(arange(0, cols, 1, { device })).realise()
    const step = compile((x: Tensor, starts: Tensor) => [x.mul(2), x.sub(starts)])
    const [doubled, columns] = step(x, starts).map((t) => t.hostValues())
    expect(doubled.findIndex((value, i) => value !== Math.floor(i / cols) + 2 * (i % cols))).toBe(-1)
    expect(columns.findIndex((value, i) => value !== i % cols)).toBe(-1)
  })
})
