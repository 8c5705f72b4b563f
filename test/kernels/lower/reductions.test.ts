/** @file Reductions: NaN, ties, empty loops, accuracy, and results that do not depend on who computes which part. */
import { describe, expect, it } from 'vitest'
import type { DType } from '../../../src/core/dtype.ts'
import { indexOf, newVar, type Var } from '../../../src/kernels/index.ts'
import type { Nest, Reduction } from '../../../src/kernels/kernel.ts'
import { lowerNest } from '../../../src/kernels/lower/nest.ts'
import { load, nest, pass, place, reduced, store } from './build.ts'
import { evaluating, machine, memoryFor } from './machine.ts'

const [NAN, INF] = [Number.NaN, Number.POSITIVE_INFINITY]

/** Reduces the rows (or with `columns`, the columns) of a matrix. */
function kernel(op: Reduction['op'], rows: number, cols: number, dtype: DType, columns: boolean): Nest {
  const [r, c] = [newVar(rows), newVar(cols)]
  const [kept, gone]: [Var, Var] = columns ? [c, r] : [r, c]
  const arg = op === 'argmax' || op === 'argmin'
  const value = load(0, place([r, c], [rows, cols]), [], dtype)
  const position = { op: 'index', dtype: 'int32', index: indexOf(gone) } as const
  const reduction: Reduction = { id: 0, op, value, ...(arg ? { position } : {}) }
  const result = arg ? 'int32' : dtype
  const buffers = [{ dtype, size: rows * cols }, { dtype: result, size: kept.extent } as const]
  return nest(
    buffers,
    [kept],
    [pass([gone], [reduction], []), pass([], [], [store(1, indexOf(kept), reduced(0, result))])],
  )
}

function run(n: Nest, lanes: number, data: (i: number) => number, parts = 1): number[] {
  const memory = memoryFor(n.buffers, (b, i) => (b === 0 ? data(i) : 0))
  evaluating(parts)(lowerNest(n, machine(lanes)), n.buffers, memory)
  return Array.from(memory[1])
}

describe.each([4, 8, 16])('in %i lanes', (lanes) => {
  describe.each([
    ['rows', false],
    ['columns', true],
  ])('of %s', (_, columns) => {
    const n = 37
    /** A line of values with others at some places. */
    const reduce = (
      op: Reduction['op'],
      dtype: DType,
      base: (i: number) => number,
      at: Record<number, number>,
    ): number => {
      const [rows, cols] = columns ? [n, 1] : [1, n]
      return run(kernel(op, rows, cols, dtype, columns), lanes, (i) => at[i] ?? base(i))[0]
    }

    it('greatest and least let NaN through wherever it stands', () => {
      for (let i = 0; i < n; i++) {
        expect(reduce('max', 'float32', (k) => k, { [i]: NAN })).toBe(NAN)
        expect(reduce('min', 'float32', (k) => k, { [i]: NAN })).toBe(NAN)
      }
      expect(reduce('max', 'float32', (k) => -k, {})).toBe(-0)
      expect(reduce('max', 'float32', () => -INF, {})).toBe(-INF)
      expect(reduce('min', 'float32', () => INF, {})).toBe(INF)
    })

    it('positions are those of the first, NaN before all', () => {
      for (const i of [0, 1, 5, 17, 36]) {
        expect(reduce('argmax', 'float32', (k) => k % 7, { [i]: 9, [n - 1 - ((i * 5) % 7)]: 9 })).toBe(
          Math.min(i, n - 1 - ((i * 5) % 7)),
        )
        expect(reduce('argmax', 'float32', (k) => k, { [i]: NAN, 36: NAN })).toBe(i)
        expect(reduce('argmin', 'float32', (k) => k, { [i]: NAN, 36: NAN })).toBe(i)
        expect(reduce('argmin', 'float32', (k) => -k - 1, { [i]: -INF, 36: -INF })).toBe(i)
        expect(reduce('argmax', 'bool', () => 0, { [i]: 1, 36: 1 })).toBe(i)
        expect(reduce('argmin', 'int32', () => 0, { [i]: -(2 ** 31) })).toBe(i)
      }
      expect(reduce('argmax', 'float32', () => -INF, {})).toBe(0)
      expect(reduce('argmin', 'float32', () => INF, {})).toBe(0)
      expect(reduce('argmax', 'int32', () => -(2 ** 31), {})).toBe(0)
      expect(reduce('argmax', 'float32', () => -0, { 3: 0 })).toBe(0)
      expect(reduce('argmax', 'bool', () => 0, {})).toBe(0)
    })

    it('int32 wraps, bool is any and all, uint8 stays in range', () => {
      expect(reduce('sum', 'int32', () => 2 ** 30, {})).toBe((37 * 2 ** 30) | 0)
      expect(reduce('prod', 'int32', () => 3, {})).toBe(Array(37).fill(3).reduce(Math.imul, 1))
      expect(reduce('max', 'bool', () => 0, { 30: 1 })).toBe(1)
      expect(reduce('max', 'bool', () => 0, {})).toBe(0)
      expect(reduce('min', 'bool', () => 1, { 30: 0 })).toBe(0)
      expect(reduce('min', 'bool', () => 1, {})).toBe(1)
      expect(reduce('sum', 'uint8', () => 100, {})).toBe(3700 & 255)
      expect(reduce('min', 'uint8', () => 200, {})).toBe(200)
    })
  })

  it('of nothing give the identity', () => {
    const empty = (op: Reduction['op'], dtype: DType): number => run(kernel(op, 1, 0, dtype, false), lanes, () => 0)[0]
    expect(empty('sum', 'float32')).toBe(0)
    expect(empty('prod', 'float32')).toBe(1)
    expect(empty('max', 'float32')).toBe(-INF)
    expect(empty('min', 'float32')).toBe(INF)
    expect(empty('max', 'int32')).toBe(-(2 ** 31))
    expect(empty('min', 'int32')).toBe(2 ** 31 - 1)
    expect(empty('min', 'bool')).toBe(1)
    expect(lowerNest(kernel('sum', 0, 3, 'float32', false), machine(lanes)).calls).toEqual([])
  })

  it.each([
    [1, 200_000],
    [3, 60_000],
    [70_000, 2],
  ])('sums of %i × %i are as accurate as a tree, the same for every division of the work', (rows, cols) => {
    const columns = rows > cols
    const n = kernel('sum', rows, cols, 'float32', columns)
    const data = (i: number): number => Math.fround(1 + ((Math.imul(i, 0x9e3779b1) >>> 8) % 1000) / 1000)
    const got = run(n, lanes, data)
    got.forEach((g, k) => {
      let exact = 0
      for (let i = 0; i < (columns ? rows : cols); i++) exact += data(columns ? i * cols + k : k * cols + i)
      expect(Math.abs(g / exact - 1)).toBeLessThan(1e-6)
    })
    for (const parts of [2, 5]) expect(run(n, lanes, data, parts)).toEqual(got)
  })

  it.each(['argmax', 'argmin', 'max', 'min', 'prod'] as const)('a long %s is cut and put together', (op) => {
    for (const [rows, cols, columns] of [
      [1, 40_003, false],
      [2, 20_011, false],
      [12_007, 3, true],
    ] as const) {
      const n = kernel(op, rows, cols, op === 'prod' ? 'int32' : 'float32', columns)
      const data = (i: number): number => (op === 'prod' ? 3 : (Math.imul(i, 0x9e3779b1) >>> 8) % 30_000)
      const expected = Array.from({ length: columns ? cols : rows }, (_, k) => {
        const line = Array.from({ length: columns ? rows : cols }, (_, i) =>
          data(columns ? i * cols + k : k * cols + i),
        )
        if (op === 'prod') return line.reduce(Math.imul, 1)
        const best = line.reduce((a, b) => (op.endsWith('max') ? Math.max(a, b) : Math.min(a, b)))
        return op.startsWith('arg') ? line.indexOf(best) : best
      })
      expect(run(n, lanes, data, 3)).toEqual(expected)
    }
  })
})
