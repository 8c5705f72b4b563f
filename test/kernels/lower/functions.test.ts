/** @file Every elementwise function on awkward values. */
import { describe, expect, it } from 'vitest'
import type { DType } from '../../../src/core/dtype.ts'
import type { Expr } from '../../../src/kernels/expr.ts'
import { indexOf, newVar } from '../../../src/kernels/index.ts'
import { lowerNest } from '../../../src/kernels/lower/nest.ts'
import type { BinaryOp, UnaryOp } from '../../../src/kernels/names.ts'
import { binary, load, nest, pass, store, unary } from './build.ts'
import { evaluating, machine } from './machine.ts'
import { allocate } from './reference.ts'

const [NAN, INF] = [Number.NaN, Number.POSITIVE_INFINITY]
const [MIN, MAX] = [-(2 ** 31), 2 ** 31 - 1]

/** What `make` computes of columns of numbers. */
function run(dtype: DType, result: DType, columns: readonly number[][], make: (...x: Expr[]) => Expr): number[] {
  const n = columns[0].length
  const v = newVar(n)
  const at = indexOf(v)
  const loads = columns.map((_, i) => load(i, at, [], dtype))
  const buffers = [...columns.map(() => ({ dtype, size: n })), { dtype: result, size: n }]
  const kernel = nest(buffers, [v], [pass([], [], [store(columns.length, at, make(...loads))])])
  const memory = buffers.map(allocate)
  columns.forEach((c, i) => {
    memory[i].set(c)
  })
  evaluating(1)(lowerNest(kernel, machine(4)), buffers, memory)
  return Array.from(memory[columns.length])
}

const f = Math.fround

describe('float32', () => {
  const unaries: [UnaryOp, number[], number[]][] = [
    ['sign', [3, -2, 0, -0, NAN, -INF], [1, -1, 0, -0, NAN, -1]],
    ['round', [0.5, 1.5, 2.5, -0.5, -1.5, NAN], [0, 2, 2, -0, -2, NAN]],
    ['floor', [1.5, -1.5, INF], [1, -2, INF]],
    ['ceil', [1.5, -1.5, -INF], [2, -1, -INF]],
    ['trunc', [1.5, -1.5, 1e20], [1, -1, f(1e20)]],
    ['abs', [-1, -0, NAN], [1, 0, NAN]],
    ['neg', [1, 0, NAN], [-1, -0, NAN]],
    ['sqrt', [4, -1, 0], [2, NAN, 0]],
  ]
  it.each(unaries)('%s', (fn, x, y) => {
    expect(run('float32', 'float32', [x], (e) => unary(fn, e))).toEqual(y)
  })

  const binaries: [BinaryOp, number[], number[], number[]][] = [
    ['max', [1, NAN, 1, -INF], [2, 1, NAN, 3], [2, NAN, NAN, 3]],
    ['min', [1, NAN, 1, -INF], [2, 1, NAN, 3], [1, NAN, NAN, -INF]],
    ['div', [1, 0, -1], [0, 0, INF], [INF, NAN, -0]],
    ['rem', [7, -7, 7, -7, 6, 6], [3, 3, -3, -3, 0.5, -4], [1, 2, -2, -1, 0, -2]],
    ['rem', [5.5, -5.5, 1, -1, 0, 2], [2, 2, INF, INF, 3, 0], [1.5, 0.5, 1, INF, 0, NAN]],
    ['rem', [6, 1e6, INF], [f(0.1), 7, 2], [f(6 - 59 * f(0.1)), 1, NAN]],
    ['idiv', [7, -7, 7, -7, 6, 1], [2, 2, -2, -2, 0.5, 0], [3, -4, -4, 3, 12, INF]],
    ['idiv', [6, -1, 1, -1], [f(0.1), INF, INF, 0], [59, -1, 0, -INF]],
    ['pow', [2, 3, -2, 9], [10, 2, 3, 0.5], [1024, 9, -8, 3]],
  ]
  it.each(binaries)('%s of %j and %j', (fn, x, y, z) => {
    const got = run('float32', 'float32', [x, y], (a, b) => binary(fn, a, b))
    got.forEach((g, i) => {
      if (Number.isFinite(z[i])) expect(g).toBeCloseTo(z[i], 5)
      else expect(g).toBe(z[i])
    })
  })

  const compared: [BinaryOp, number[]][] = [
    ['eq', [0, 0, 1, 0, 0]],
    ['ne', [1, 1, 0, 1, 1]],
    ['lt', [1, 0, 0, 0, 0]],
    ['le', [1, 0, 1, 0, 0]],
  ]
  it.each(compared)('%s', (fn, y) => {
    const columns = [
      [1, 2, 3, NAN, NAN],
      [2, 1, 3, 1, NAN],
    ]
    expect(run('float32', 'bool', columns, (a, b) => binary(fn, a, b))).toEqual(y)
  })

  it('powers with a constant exponent', () => {
    const x = [2, 9, 0.25, 3]
    const at = (p: number): number[] =>
      run('float32', 'float32', [x], (e) => binary('pow', e, { op: 'constant', dtype: 'float32', value: p }))
    for (const p of [-2, -1, -0.5, 0.5, 1, 2, 3]) {
      at(p).forEach((y, i) => {
        expect(y / x[i] ** p).toBeCloseTo(1, 6)
      })
    }
  })
})

describe('int32', () => {
  const binaries: [BinaryOp, number[], number[], number[]][] = [
    ['add', [MAX, 1], [1, 2], [MIN, 3]],
    ['mul', [MAX, 65537], [2, 65537], [-2, 131073]],
    ['rem', [7, -7, 7, -7, 5, MIN], [3, 3, -3, -3, 0, -1], [1, 2, -2, -1, 0, 0]],
    ['idiv', [7, -7, 7, -7, 5, -6], [2, 2, -2, -2, 0, 3], [3, -4, -4, 3, 0, -2]],
    ['pow', [2, 3, -2, 5, 2, -1, 1, 3], [10, 4, 3, 0, -1, -3, -5, 20], [1024, 81, -8, 1, 0, -1, 1, -808182895]],
    ['shl', [1, -1], [4, 31], [16, MIN]],
    ['shr', [-16, 16], [2, 2], [-4, 4]],
    ['max', [MIN, 3], [0, 2], [0, 3]],
    ['xor', [5, -1], [3, 1], [6, -2]],
  ]
  it.each(binaries)('%s of %j and %j', (fn, x, y, z) => {
    expect(run('int32', 'int32', [x, y], (a, b) => binary(fn, a, b))).toEqual(z)
  })

  it('has signs, magnitudes and complements', () => {
    const x = [5, -3, 0, MIN]
    expect(run('int32', 'int32', [x], (e) => unary('sign', e))).toEqual([1, -1, 0, -1])
    expect(run('int32', 'int32', [x], (e) => unary('abs', e))).toEqual([5, 3, 0, MIN])
    expect(run('int32', 'int32', [x], (e) => unary('not', e))).toEqual([-6, 2, -1, MAX])
  })
})

describe('uint8', () => {
  it('wraps at every step, not only in memory', () => {
    const columns = [
      [250, 3, 16],
      [10, 5, 16],
    ]
    const wrapped = (fn: BinaryOp): number[] => run('uint8', 'uint8', columns, (a, b) => binary(fn, a, b))
    expect(wrapped('add')).toEqual([4, 8, 32])
    expect(wrapped('sub')).toEqual([240, 254, 0])
    expect(wrapped('mul')).toEqual([196, 15, 0])
    expect(run('uint8', 'bool', columns, (a, b) => binary('lt', binary('add', a, b), a))).toEqual([1, 0, 0])
    expect(run('uint8', 'uint8', [[0, 1, 255]], (a) => unary('not', a))).toEqual([255, 254, 0])
  })
})

describe('bool', () => {
  it.each<[BinaryOp, number[]]>([
    ['and', [0, 0, 0, 1]],
    ['or', [0, 1, 1, 1]],
    ['xor', [0, 1, 1, 0]],
    ['eq', [1, 0, 0, 1]],
    ['lt', [0, 1, 0, 0]],
    ['le', [1, 1, 0, 1]],
    ['max', [0, 1, 1, 1]],
    ['min', [0, 0, 0, 1]],
  ])('%s', (fn, y) => {
    const columns = [
      [0, 0, 1, 1],
      [0, 1, 0, 1],
    ]
    expect(run('bool', 'bool', columns, (a, b) => binary(fn, a, b))).toEqual(y)
  })
})

describe('casts', () => {
  const cast = (from: DType, to: DType, x: number[]): number[] =>
    run(from, to, [x], (e) => ({ op: 'cast', dtype: to, x: e }))
  it('from float32 truncate and saturate', () => {
    expect(cast('float32', 'int32', [1.9, -1.9, 3e9, -3e9, NAN])).toEqual([1, -1, MAX, MIN, 0])
    expect(cast('float32', 'uint8', [1.9, -1, 300, NAN])).toEqual([1, 255, 44, 0])
    expect(cast('float32', 'bool', [0, -0, 0.1, NAN])).toEqual([0, 0, 1, 1])
  })
  it('from integers', () => {
    expect(cast('int32', 'float32', [1, -5, 16777217])).toEqual([1, -5, 16777216])
    expect(cast('int32', 'uint8', [1, -1, 256])).toEqual([1, 255, 0])
    expect(cast('int32', 'bool', [0, -1, 256])).toEqual([0, 1, 1])
    expect(cast('uint8', 'int32', [0, 255])).toEqual([0, 255])
    expect(cast('bool', 'float32', [0, 1])).toEqual([0, 1])
    expect(cast('bool', 'int32', [0, 1])).toEqual([0, 1])
  })
})

it('names what is not defined', () => {
  expect(() => run('int32', 'int32', [[1]], (e) => unary('exp', e))).toThrow('exp is not defined for int values')
})
