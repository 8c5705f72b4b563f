/** @file Every lane-wise operation, fold and transpose against its definition. */
import { describe, expect, test } from 'vitest'
import { fold, type Lanes, lanewise1, lanewise2, lanewise3, makeLanes } from '../../../src/kernels/lanewise.ts'
import type { Horizontal, V1, V2, V3, VectorProgram } from '../../../src/kernels/vector.ts'
import { bits, build, end, instantiate, Page, sameBits, specialFloats, specialInts } from './harness.ts'

const unary: V1[] = [
  'f.neg',
  'f.abs',
  'f.sqrt',
  'f.floor',
  'f.ceil',
  'f.trunc',
  'f.nearest',
  'i.neg',
  'i.abs',
  'i.toFloat',
  'f.toInt',
  'not',
]
const binary: V2[] = [
  'f.add',
  'f.sub',
  'f.mul',
  'f.div',
  'f.min',
  'f.max',
  'f.pmin',
  'f.pmax',
  'f.eq',
  'f.ne',
  'f.lt',
  'f.le',
  'i.add',
  'i.sub',
  'i.mul',
  'i.min',
  'i.max',
  'i.eq',
  'i.ne',
  'i.lt',
  'i.le',
  'i.div',
  'i.rem',
  'i.shl',
  'i.shr',
  'i.shrU',
  'and',
  'or',
  'xor',
  'andNot',
]
const horizontal: Horizontal[] = ['f.add', 'f.mul', 'f.min', 'f.max', 'i.add', 'i.mul', 'i.min', 'i.max']

const patterns = [...specialFloats.map(bits), ...specialInts]

function lanesOf(values: readonly number[]): Lanes {
  const lanes = makeLanes(values.length)
  lanes.i.set(values)
  return lanes
}

/** Whether the bits of the result are those of a computed float32. */
function isFloat(fn: string): boolean {
  return (fn.startsWith('f.') && !['f.eq', 'f.ne', 'f.lt', 'f.le', 'f.toInt'].includes(fn)) || fn === 'i.toFloat'
}

/** Runs a program of three input vectors and one output on all given operands. */
function check(program: VectorProgram, operands: number[][][], expected: (...v: Lanes[]) => Lanes, fn: string): void {
  const page = new Page()
  const run = instantiate(program, page.memory)
  for (const vectors of operands) {
    const [a, b, c] = [1024, 2048, 3072]
    vectors.forEach((v, i) => {
      page.ints.set(v, (1024 * (i + 1)) / 4)
    })
    run(a, b, c, end(16), 0, 1)
    const want = expected(...vectors.map(lanesOf)).i
    const got = page.ints4(end(16))
    for (let l = 0; l < 4; l++) {
      const inputs = vectors.map((v) => v[l])
      if (!sameBits(got[l], want[l], isFloat(fn))) {
        expect.fail(`${fn}(${inputs.join(', ')}) lane ${l}: got ${got[l]}, expected ${want[l]}`)
      }
    }
  }
}

/** Pairs every pattern with every other, four at a time. */
function pairs(): number[][][] {
  const result: number[][][] = []
  for (const x of patterns) {
    for (let i = 0; i < patterns.length; i += 4) {
      const y = [0, 1, 2, 3].map((l) => patterns[(i + l) % patterns.length])
      result.push([[x, x, x, x], y])
    }
  }
  return result
}

describe('lane-wise operations', () => {
  test.each(unary)('%s', (fn) => {
    const program = build(4, (b) => b.store(3, 0, b.v1(fn, b.load(0, 0))))
    const operands = patterns.map((x, i) => [[x, patterns[(i + 1) % patterns.length], -x | 0, x ^ 0x5555]])
    check(program, operands, (a) => lanewise1(fn, a), fn)
  })

  test.each(binary)('%s', (fn) => {
    const program = build(4, (b) => b.store(3, 0, b.v2(fn, b.load(0, 0), b.load(1, 0))))
    check(program, pairs(), (a, b) => lanewise2(fn, a, b), fn)
    const same = build(4, (b) => {
      const x = b.load(0, 0)
      b.store(3, 0, b.v2(fn, x, x))
    })
    check(same, pairs(), (a) => lanewise2(fn, a, a), fn)
    for (const value of [37, 0, ...[-0, 1, -2.5, Number.NaN, Number.POSITIVE_INFINITY].map(bits)]) {
      const constant = lanesOf(Array(4).fill(value))
      const right = build(4, (b) => b.store(3, 0, b.v2(fn, b.load(0, 0), b.i32(value))))
      check(right, pairs(), (a) => lanewise2(fn, a, constant), fn)
      const left = build(4, (b) => b.store(3, 0, b.v2(fn, b.i32(value), b.load(0, 0))))
      check(left, pairs(), (a) => lanewise2(fn, constant, a), fn)
    }
  })

  test.each<V3>(['f.fma', 'f.fnma', 'select'])('%s, rounded twice', (fn) => {
    const order = (b: Parameters<Parameters<typeof build>[1]>[0], which: number): number => {
      const [x, y, z] = [b.load(0, 0), b.load(1, 0), b.load(2, 0)]
      return which === 0 ? b.v3(fn, x, y, z) : b.v3(fn, z, z, x)
    }
    const triples = pairs().map(([x, y], i) => [x, y, [0, 1, 2, 3].map((l) => patterns[(7 * i + l) % patterns.length])])
    const straight = build(4, (b) => b.store(3, 0, order(b, 0)))
    check(straight, triples, (a, b, c) => lanewise3(fn, a, b, c, false), fn === 'select' ? 'i' : fn)
    const repeated = build(4, (b) => b.store(3, 0, order(b, 1)))
    check(repeated, triples, (a, _, c) => lanewise3(fn, c, c, a, false), fn === 'select' ? 'i' : fn)
  })

  test.each<'i.shl' | 'i.shr' | 'i.shrU'>(['i.shl', 'i.shr', 'i.shrU'])('%s by a constant', (fn) => {
    for (const by of [0, 1, 5, 31]) {
      const program = build(4, (b) => b.store(3, 0, b.shift(fn, b.load(0, 0), by)))
      check(program, pairs(), (a) => lanewise2(fn, a, lanesOf([by, by, by, by])), fn)
    }
  })

  test.each(horizontal)('fold %s', (fn) => {
    const program = build(4, (b) => b.store(3, 0, b.fold(fn, b.load(1, 0))))
    check(program, pairs(), (_, y) => fold(fn, y), fn)
  })

  test('transpose', () => {
    const page = new Page()
    page.ints.set(
      Array.from({ length: 16 }, (_, i) => i),
      256,
    )
    const program = build(2, (b) => {
      const rows = [0, 1, 2, 3].map((r) => b.load(0, 16 * r))
      b.transpose(rows).forEach((row, r) => {
        b.store(1, 16 * r, row)
      })
    })
    page.run(program, [1024, end(64), 0, 1])
    expect(page.ints4(end(64), 16)).toEqual([0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15])
  })

  test('transpose onto its own operands', () => {
    const page = new Page()
    page.ints.set(
      Array.from({ length: 16 }, (_, i) => i),
      256,
    )
    const program = build(2, (b) => {
      const rows = [0, 1, 2, 3].map((r) => b.load(0, 16 * r))
      b.emit({ op: 'transpose', a: rows, d: rows })
      rows.forEach((row, r) => {
        b.store(1, 16 * r, row)
      })
    })
    page.run(program, [1024, end(64), 0, 1])
    expect(page.ints4(end(64), 16)).toEqual([0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15])
  })

  test('what must not be mistaken', () => {
    const page = new Page()
    page.floats.set([Number.NaN, 1, 0, -0], 256)
    page.floats.set([1, Number.NaN, -0, 0], 512)
    const both = (fn: V2): number[] => {
      page.run(
        build(3, (b) => b.store(2, 0, b.v2(fn, b.load(0, 0), b.load(1, 0)))),
        [1024, 2048, end(16), 0, 1],
      )
      return Array.from(new Float32Array(page.memory.buffer, end(16), 4))
    }
    expect(both('f.min')).toEqual([Number.NaN, Number.NaN, -0, -0])
    expect(both('f.max')).toEqual([Number.NaN, Number.NaN, 0, 0])
    expect(both('f.pmin')).toEqual([Number.NaN, 1, 0, -0])
    expect(both('f.pmax')).toEqual([Number.NaN, 1, 0, -0])
    page.ints.set([-(2 ** 31), 7, -7, 7], 256)
    page.ints.set([-1, 0, 2, -2], 512)
    both('i.div')
    expect(page.ints4(end(16))).toEqual([-(2 ** 31), 0, -3, -3])
    both('i.rem')
    expect(page.ints4(end(16))).toEqual([0, 0, -1, 1])
  })
})
