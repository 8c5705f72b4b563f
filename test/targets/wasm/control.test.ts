/** @file Integers, loops, branches, assignments and constants. */
import { describe, expect, test } from 'vitest'
import type { ProgramBuilder } from '../../../src/kernels/program-builder.ts'
import type { Compare, I2, IntOperand } from '../../../src/kernels/vector.ts'
import { build, moduleOf, Page } from './harness.ts'

const OUT = 2048

function results(count: number, write: (b: ProgramBuilder) => void, begin = 0, end = 1): number[] {
  const page = new Page()
  page.run(build(1, write), [OUT, begin, end])
  return page.ints4(OUT, count)
}

const meanings: Record<I2, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: Math.imul,
  div: (a, b) => a / b,
  rem: (a, b) => a % b,
  min: Math.min,
  max: Math.max,
  and: (a, b) => a & b,
  shl: (a, b) => a << b,
  shr: (a, b) => a >> b,
}

test.each(Object.keys(meanings) as I2[])('integer %s', (fn) => {
  const unsigned = fn === 'div' || fn === 'rem'
  const shift = fn === 'shl' || fn === 'shr'
  for (const a of unsigned ? [0, 1, 7, 1000, 2 ** 31 - 1] : [0, 1, -1, 7, -1000, 2 ** 31 - 1]) {
    for (const b of shift ? [0, 1, 5, 31] : unsigned ? [1, 2, 3, 64, 1000] : [0, 3, -3, 100000]) {
      const [register, immediate] = results(2, (p) => {
        p.storeInt(0, 0, p.i2(fn, p.int(a), p.int(b)))
        p.storeInt(0, 4, p.i2(fn, p.int(a), { imm: b }))
      })
      expect([register, immediate]).toEqual(Array(2).fill(meanings[fn](a, b) | 0))
    }
  }
})

describe('loops', () => {
  const visited = (from: IntOperand, to: IntOperand, step: number, begin = 0, end = 1): number[] => {
    const [count, ...rest] = results(
      17,
      (b) => {
        const at = b.variable(b.i2('add', 0, { imm: 4 }))
        const n = b.variable(b.int(0))
        b.loop(from, to, step, (i) => {
          b.storeInt(at, 0, i)
          b.bump(at, 4)
          b.bump(n, 1)
        })
        b.storeInt(0, 0, n)
      },
      begin,
      end,
    )
    return rest.slice(0, count)
  }

  test('between constants', () => {
    expect(visited({ imm: 0 }, { imm: 3 }, 1)).toEqual([0, 1, 2])
    expect(visited({ imm: -2 }, { imm: 5 }, 3)).toEqual([-2, 1, 4])
    expect(visited({ imm: 4 }, { imm: 5 }, 3)).toEqual([4])
    expect(visited({ imm: 5 }, { imm: 5 }, 1)).toEqual([])
    expect(visited({ imm: 6 }, { imm: 5 }, 1)).toEqual([])
  })

  test('between registers', () => {
    expect(visited(1, 2, 1, 3, 6)).toEqual([3, 4, 5])
    expect(visited(1, 2, 2, -3, 2)).toEqual([-3, -1, 1])
    expect(visited(1, 2, 1, 3, 3)).toEqual([])
    expect(visited(1, { imm: 2 }, 1, 0, 9)).toEqual([0, 1])
    expect(visited({ imm: 7 }, 2, 1, 0, 9)).toEqual([7, 8])
  })

  test('nested, with accumulators', () => {
    const [sum] = results(1, (b) => {
      const acc = b.variable(b.int(0))
      b.loop({ imm: 0 }, { imm: 10 }, 1, (i) => {
        b.loop({ imm: 0 }, i, 1, (j) => {
          b.emit({ op: 'i2', fn: 'add', d: acc, a: acc, b: b.i2('mul', i, j) })
          b.pin()
        })
      })
      b.storeInt(0, 0, acc)
    })
    let want = 0
    for (let i = 0; i < 10; i++) for (let j = 0; j < i; j++) want += i * j
    expect(sum).toBe(want)
  })
})

test.each<Compare>(['eq', 'ne', 'lt', 'le', 'gt', 'ge'])('if %s', (cmp) => {
  const meaning = { eq: 0, ne: 0, lt: 0, le: 0, gt: 0, ge: 0, [cmp]: 1 }
  for (const [a, c] of [
    [1, 2],
    [2, 1],
    [2, 2],
    [-1, 1],
    [1, -1],
  ]) {
    const holds =
      (meaning.eq && a === c) ||
      (meaning.ne && a !== c) ||
      (meaning.lt && a < c) ||
      (meaning.le && a <= c) ||
      (meaning.gt && a > c) ||
      (meaning.ge && a >= c)
    const got = results(3, (b) => {
      const store = (offset: number, value: number) => () => b.storeInt(0, offset, b.int(value))
      b.if(b.int(a), cmp, { imm: c }, store(0, 1), store(0, 2))
      b.if(b.int(a), cmp, b.int(c), store(4, 1))
      b.if(b.int(a), cmp, b.int(c), () => {}, store(8, 2))
    })
    expect(got).toEqual(holds ? [1, 1, 0] : [2, 0, 2])
  }
})

test('constants, lanes, splat, extract and set', () => {
  const got = results(24, (b) => {
    b.loop({ imm: 0 }, { imm: 2 }, 1, (i) => {
      const at = b.i2('add', 0, b.i2('mul', i, { imm: 16 }))
      b.store(at, 0, b.v2('i.add', b.i32(-5), b.laneConst([1, 2, 3, 4])))
    })
    const x = b.laneConst([10, 20, 30, 40])
    b.store(0, 32, b.splat(b.extract(x, 2)))
    // A register that a constant starts and `set` writes again is no constant.
    const y = b.reg('v')
    b.emit({ op: 'const', d: y, bits: 7 })
    b.store(0, 48, y)
    b.set(y, x)
    b.store(0, 64, y)
    b.store(0, 80, b.i32(0))
  })
  expect(got).toEqual([
    -4,
    -3,
    -2,
    -1,
    -4,
    -3,
    -2,
    -1,
    ...Array(4).fill(30),
    ...Array(4).fill(7),
    10,
    20,
    30,
    40,
    ...Array(4).fill(0),
  ])
})

test('registers written in one branch and read after it keep their place', () => {
  const got = results(12, (b) => {
    const v = b.variable(b.i32(1))
    const w = b.variable(b.i32(2))
    b.if(1, 'eq', { imm: 0 }, () => {
      const t = b.v2('i.add', v, w)
      b.set(v, t)
      const u = b.v2('i.mul', t, t)
      b.set(w, u)
    })
    b.store(0, 0, v)
    b.store(0, 16, w)
    b.store(0, 32, b.v2('i.add', v, w))
  })
  expect(got).toEqual([3, 3, 3, 3, 9, 9, 9, 9, 12, 12, 12, 12])
})

test('a program for another number of lanes is refused', async () => {
  const { ProgramBuilder: Builder } = await import('../../../src/kernels/program-builder.ts')
  expect(() => moduleOf(new Builder('wide', 8, 3).finish())).toThrow(/written for 8 lanes/)
})

test('modules validate, shared memory or not', () => {
  const program = build(1, (b) => b.store(0, 1 << 20, b.load(0, 1 << 27)))
  expect(WebAssembly.validate(moduleOf(program))).toBe(true)
  expect(WebAssembly.validate(moduleOf(program, false, true))).toBe(true)
})
