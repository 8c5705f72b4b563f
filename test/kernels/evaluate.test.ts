import { describe, expect, it } from 'vitest'
import { type EvaluateOptions, evaluateProgram } from '../../src/kernels/evaluate.ts'
import { ProgramBuilder } from '../../src/kernels/program-builder.ts'
import {
  bitsOf,
  type Compare,
  type Horizontal,
  type I2,
  type Reg,
  type V1,
  type V2,
  type V3,
} from '../../src/kernels/vector.ts'

const lanes = 4
const OUT = 0
const [INF, NAN] = [Number.POSITIVE_INFINITY, Number.NaN]
const [MIN, MAX] = [-(2 ** 31), 2 ** 31 - 1]

/** Runs what `write` emits with the given memory; memory's first words are the output. */
function run(
  write: (b: ProgramBuilder) => void,
  memory: ArrayBuffer = new ArrayBuffer(256),
  options: EvaluateOptions = {},
): { i: Int32Array; f: Float32Array; u8: Uint8Array } {
  const b = new ProgramBuilder('test', lanes, 2)
  write(b)
  evaluateProgram(b.finish(), memory, [0, 0], options)
  return { i: new Int32Array(memory), f: new Float32Array(memory), u8: new Uint8Array(memory) }
}

const floats = (b: ProgramBuilder, x: readonly number[]): Reg => b.laneConst(x.map(bitsOf))
const words = (x: ArrayLike<number>): number[] => Array.from(x).slice(0, lanes)
const outF = (make: (b: ProgramBuilder) => Reg, options?: EvaluateOptions): number[] =>
  words(run((b) => b.store(b.int(OUT), 0, make(b)), undefined, options).f)
const outI = (make: (b: ProgramBuilder) => Reg): number[] => words(run((b) => b.store(b.int(OUT), 0, make(b))).i)

describe('lane-wise operations', () => {
  const v1: [V1, 'f' | 'i', 'f' | 'i', number[], number[]][] = [
    ['f.neg', 'f', 'f', [1, 0, -INF, -2.5], [-1, -0, INF, 2.5]],
    ['f.abs', 'f', 'f', [-1, -0, -INF, 2.5], [1, 0, INF, 2.5]],
    ['f.sqrt', 'f', 'f', [4, -1, -0, 2], [2, NAN, -0, Math.fround(Math.SQRT2)]],
    ['f.floor', 'f', 'f', [1.5, -1.5, -0.5, INF], [1, -2, -1, INF]],
    ['f.ceil', 'f', 'f', [1.5, -1.5, -0.5, NAN], [2, -1, -0, NAN]],
    ['f.trunc', 'f', 'f', [1.5, -1.5, -0.5, 3e9], [1, -1, -0, 3e9]],
    ['f.nearest', 'f', 'f', [0.5, 1.5, -0.5, 2.5000002], [0, 2, -0, 3]],
    ['f.nearest', 'f', 'f', [-2.5, 8388609, NAN, -INF], [-2, 8388609, NAN, -INF]],
    ['i.neg', 'i', 'i', [1, MIN, 0, -7], [-1, MIN, 0, 7]],
    ['i.abs', 'i', 'i', [-1, MIN, 0, 7], [1, MIN, 0, 7]],
    ['i.toFloat', 'i', 'f', [1, MIN, 16777217, -3], [1, MIN, 16777216, -3]],
    ['f.toInt', 'f', 'i', [1.9, -1.9, 3e9, NAN], [1, -1, MAX, 0]],
    ['f.toInt', 'f', 'i', [-INF, INF, -0.5, 2147483520], [MIN, MAX, 0, 2147483520]],
    ['not', 'i', 'i', [0, -1, 5, MAX], [-1, 0, -6, MIN]],
  ]
  it.each(v1)('%s', (fn, from, to, a, expected) => {
    const make = (b: ProgramBuilder) => b.v1(fn, from === 'f' ? floats(b, a) : b.laneConst(a))
    expect(to === 'f' ? outF(make) : outI(make)).toEqual(expected)
  })

  const v2: [V2, 'f' | 'i', 'f' | 'i', number[], number[], number[]][] = [
    ['f.add', 'f', 'f', [1, INF, 16777216, 0.1], [2, -INF, 1, 0.2], [3, NAN, 16777216, Math.fround(0.3)]],
    ['f.sub', 'f', 'f', [1, INF, -0, 0], [2, 1, 0, 0], [-1, INF, -0, 0]],
    ['f.mul', 'f', 'f', [3, INF, -0, 1e30], [2, 0, 5, 1e30], [6, NAN, -0, INF]],
    ['f.div', 'f', 'f', [1, 0, 1, -1], [3, 0, 0, INF], [Math.fround(1 / 3), NAN, INF, -0]],
    ['f.min', 'f', 'f', [1, NAN, 0, -1], [2, 1, -0, NAN], [1, NAN, -0, NAN]],
    ['f.max', 'f', 'f', [1, NAN, -0, -1], [2, 1, 0, NAN], [2, NAN, 0, NAN]],
    ['f.pmin', 'f', 'f', [1, NAN, 0, 3], [2, 1, -0, NAN], [1, NAN, 0, 3]],
    ['f.pmax', 'f', 'f', [1, 5, -0, NAN], [2, NAN, 0, 3], [2, 5, -0, NAN]],
    ['f.eq', 'f', 'i', [1, NAN, 0, 1], [1, NAN, -0, 2], [-1, 0, -1, 0]],
    ['f.ne', 'f', 'i', [1, NAN, 0, 1], [1, NAN, -0, 2], [0, -1, 0, -1]],
    ['f.lt', 'f', 'i', [1, NAN, 2, -INF], [2, 1, 2, 0], [-1, 0, 0, -1]],
    ['f.le', 'f', 'i', [1, NAN, 2, 3], [2, 1, 2, 0], [-1, 0, -1, 0]],
    ['i.add', 'i', 'i', [1, MAX, -5, 0], [2, 1, 5, 0], [3, MIN, 0, 0]],
    ['i.sub', 'i', 'i', [1, MIN, -5, 0], [2, 1, 5, 0], [-1, MAX, -10, 0]],
    ['i.mul', 'i', 'i', [3, MAX, 65537, -1], [2, 2, 65537, 5], [6, -2, 131073, -5]],
    ['i.min', 'i', 'i', [3, MIN, 0, -1], [2, MAX, 0, -2], [2, MIN, 0, -2]],
    ['i.max', 'i', 'i', [3, MIN, 0, -1], [2, MAX, 0, -2], [3, MAX, 0, -1]],
    ['i.eq', 'i', 'i', [3, MIN, 0, -1], [3, MAX, 0, -2], [-1, 0, -1, 0]],
    ['i.ne', 'i', 'i', [3, MIN, 0, -1], [3, MAX, 0, -2], [0, -1, 0, -1]],
    ['i.lt', 'i', 'i', [3, MIN, 0, -1], [3, MAX, 1, -2], [0, -1, -1, 0]],
    ['i.le', 'i', 'i', [3, MIN, 2, -1], [3, MAX, 1, -2], [-1, -1, 0, 0]],
    ['i.div', 'i', 'i', [7, -7, 5, MIN], [2, 2, 0, -1], [3, -3, 0, MIN]],
    ['i.rem', 'i', 'i', [7, -7, 5, MIN], [-2, 2, 0, -1], [1, -1, 0, 0]],
    ['i.shl', 'i', 'i', [1, 1, 3, -1], [31, 33, 1, 4], [MIN, 2, 6, -16]],
    ['i.shr', 'i', 'i', [-16, 16, -1, 8], [2, 2, 31, 32], [-4, 4, -1, 8]],
    ['i.shrU', 'i', 'i', [-16, 16, -1, 8], [28, 2, 31, 35], [15, 4, 1, 1]],
    ['and', 'i', 'i', [6, -1, 0, 5], [3, 9, 1, 5], [2, 9, 0, 5]],
    ['or', 'i', 'i', [6, -1, 0, 5], [3, 9, 1, 5], [7, -1, 1, 5]],
    ['xor', 'i', 'i', [6, -1, 0, 5], [3, 9, 1, 5], [5, -10, 1, 0]],
    ['andNot', 'i', 'i', [6, -1, 0, 5], [3, 9, 1, 5], [4, -10, 0, 0]],
  ]
  it.each(v2)('%s', (fn, from, to, a, c, expected) => {
    const read = (b: ProgramBuilder, x: number[]) => (from === 'f' ? floats(b, x) : b.laneConst(x))
    const make = (b: ProgramBuilder) => b.v2(fn, read(b, a), read(b, c))
    expect(to === 'f' ? outF(make) : outI(make)).toEqual(expected)
  })

  it('shifts by a constant', () => {
    expect(outI((b) => b.shift('i.shl', b.laneConst([1, -1, 0, 3]), 4))).toEqual([16, -16, 0, 48])
    expect(outI((b) => b.shift('i.shr', b.laneConst([16, -16, 0, 3]), 2))).toEqual([4, -4, 0, 0])
    expect(outI((b) => b.shift('i.shrU', b.laneConst([16, -16, 0, 3]), 28))).toEqual([0, 15, 0, 0])
  })

  it('multiplies and adds, rounding twice or once', () => {
    // (1 + e)(1 - e) = 1 - e² rounds to 1, so that only a fused operation keeps -e² (or gives it back negated).
    const e = 2 ** -13
    const make = (fn: V3) => (b: ProgramBuilder) =>
      b.v3(fn, floats(b, [1 + e, 3, INF, 0]), floats(b, [1 - e, 4, 0, 1]), floats(b, [-1, 5, 1, -0]))
    expect(outF(make('f.fma'))).toEqual([0, 17, NAN, 0])
    expect(outF(make('f.fma'), { fused: true })).toEqual([-(e * e), 17, NAN, 0])
    expect(outF(make('f.fnma'))).toEqual([-2, -7, NAN, -0])
    expect(outF(make('f.fnma'), { fused: true })).toEqual([-2, -7, NAN, -0])
  })

  it('rounds a fused operation once even where float64 would round to a tie', () => {
    // The exact sum is just above halfway between two float32: float64 cannot hold it, and a tie goes to even (down).
    const [a, c] = [1 + 2 ** -23, 2 ** -60]
    const make = (sign: number) => (b: ProgramBuilder) =>
      b.v3(
        'f.fma',
        floats(b, [a, a, -a, -a]),
        floats(b, [1 + 2 ** -2, 1, 1, 1]),
        floats(b, new Array(4).fill(sign * c)),
      )
    const halfway = a * 1.25
    expect(Math.fround(halfway)).toBeLessThan(halfway)
    expect(outF(make(1), { fused: true })[0]).toBe(Math.fround(halfway + 2 ** -40))
    expect(outF(make(-1), { fused: true })[0]).toBe(Math.fround(halfway - 2 ** -40))
  })

  it('selects bits', () => {
    const make = (b: ProgramBuilder) =>
      b.v3('select', b.laneConst([-1, 0, -1, 0]), b.laneConst([1, 2, 3, 4]), b.laneConst([5, 6, 7, 8]))
    expect(outI(make)).toEqual([1, 6, 3, 8])
  })
})

describe('operations across lanes', () => {
  const folds: [Horizontal, number[], number][] = [
    ['f.add', [1, 2, 3, 4], 10],
    ['f.mul', [1, 2, 3, 4], 24],
    ['f.min', [1, -2, 3, 4], -2],
    ['f.max', [1, 2, NAN, 4], NAN],
    ['i.add', [1, 2, 3, MAX], MIN + 5],
    ['i.mul', [1, 2, 3, -4], -24],
    ['i.min', [1, -2, 3, 4], -2],
    ['i.max', [1, -2, 3, 4], 4],
  ]
  it.each(folds)('fold %s', (fn, a, expected) => {
    const float = fn.startsWith('f.')
    const make = (b: ProgramBuilder) => b.fold(fn, float ? floats(b, a) : b.laneConst(a))
    expect(float ? outF(make) : outI(make)).toEqual(new Array(lanes).fill(expected))
  })

  it('folds halves onto each other', () => {
    // (1e8 + -1e8) + (1 + 2): any other tree would lose the small terms.
    expect(outF((b) => b.fold('f.add', floats(b, [1e8, 1, -1e8, 2])))[0]).toBe(3)
  })

  it('transposes', () => {
    const rows = [0, 1, 2, 3].map((r) => [0, 1, 2, 3].map((c) => 10 * r + c))
    for (let i = 0; i < lanes; i++) {
      expect(outI((b) => b.transpose(rows.map((r) => b.laneConst(r)))[i])).toEqual(rows.map((r) => r[i]))
    }
  })

  it('extracts and splats', () => {
    expect(outI((b) => b.splat(b.extract(b.laneConst([5, 6, -7, 8]), 2)))).toEqual([-7, -7, -7, -7])
  })
})

describe('memory', () => {
  const memory = () => {
    const m = new ArrayBuffer(128)
    new Int32Array(m).set([0, 0, 0, 0, 10, 11, 12, 13, 14, 15, 16, 17])
    new Uint8Array(m).set([200, 201, 202, 203, 204], 64)
    return m
  }
  const from = (make: (b: ProgramBuilder, base: Reg) => Reg) =>
    words(run((b) => b.store(b.int(OUT), 0, make(b, b.int(16))), memory()).i)

  it('loads', () => {
    expect(from((b, base) => b.load(base, 4, 'i32'))).toEqual([11, 12, 13, 14])
    expect(from((b, base) => b.load(base, 4, 'i32', 2))).toEqual([11, 12, 0, 0])
    expect(from((b, base) => b.load(base, 48, 'u8', 3))).toEqual([200, 201, 202, 0])
    expect(from((b, base) => b.loadSplat(base, 8, 'i32'))).toEqual([12, 12, 12, 12])
    expect(from((b, base) => b.loadSplat(base, 49, 'u8'))).toEqual([201, 201, 201, 201])
    expect(from((b, base) => b.loadLanes(base, 0, [12, 0, 4], 'i32'))).toEqual([13, 10, 11, 0])
    expect(from((b, base) => b.gather(base, 4, b.laneConst([3, 0, -1, 2]), 4, 'i32'))).toEqual([14, 11, 10, 13])
    expect(from((b, base) => b.gather(base, 48, b.laneConst([4, 0, 1, 99]), 1, 'u8', 3))).toEqual([204, 200, 201, 0])
    expect(from((b, base) => b.splat(b.loadInt(base, 4)))).toEqual([11, 11, 11, 11])
  })

  it('stores', () => {
    const m = memory()
    const { i, u8 } = run((b) => {
      const v = b.laneConst([1, 2, 3, 260])
      b.store(b.int(16), 0, v, 'i32', 2)
      b.store(b.int(64), 1, v, 'u8')
      b.storeLanes(b.int(80), 0, [8, 0, 4], v, 'i32')
      b.storeInt(b.int(96), 4, b.int(-9))
    }, m)
    expect(Array.from(i.slice(4, 8))).toEqual([1, 2, 12, 13])
    expect(Array.from(u8.slice(64, 69))).toEqual([200, 1, 2, 3, 4])
    expect(Array.from(i.slice(20, 23))).toEqual([2, 3, 1])
    expect(i[25]).toBe(-9)
  })

  it('refuses accesses outside memory and outside the buffers', () => {
    const load = (address: number, n: number) => (b: ProgramBuilder) => void b.load(b.int(address), 0, 'f32', n)
    expect(() => run(load(240, 4))).not.toThrow()
    expect(() => run(load(244, 4))).toThrow('test: access to 4 bytes at 256 is outside the memory of 256 bytes')
    expect(() => run(load(244, 3))).not.toThrow()
    expect(() => run((b) => b.load(b.int(0), -4))).toThrow('outside the memory')
    const options = {
      buffers: [
        { address: 16, bytes: 16 },
        { address: 64, bytes: 8 },
      ],
    }
    expect(() => run(load(16, 4), undefined, options)).not.toThrow()
    expect(() => run(load(20, 4), undefined, options)).toThrow('test: access to 4 bytes at 32 is outside every buffer')
    expect(() => run((b) => b.store(b.int(60), 0, b.i32(1), 'u8', 4), undefined, options)).toThrow(
      'outside every buffer',
    )
  })
})

describe('integers and control', () => {
  const i2: [I2, number, number, number][] = [
    ['add', 5, -7, -2],
    ['sub', 5, 7, -2],
    ['mul', -5, 7, -35],
    ['div', 17, 5, 3],
    ['rem', 17, 5, 2],
    ['min', 5, -7, -7],
    ['max', 5, -7, 5],
    ['and', 13, 6, 4],
    ['shl', 5, 3, 40],
    ['shr', -17, 2, -5],
  ]
  it.each(i2)('%s', (fn, a, c, expected) => {
    expect(outI((b) => b.splat(b.i2(fn, b.int(a), { imm: c })))[0]).toBe(expected)
    expect(outI((b) => b.splat(b.i2(fn, b.int(a), b.int(c))))[0]).toBe(expected)
  })

  it('loops over a half-open range', () => {
    const { i } = run((b) => {
      const sum = b.variable(b.int(0))
      b.loop({ imm: 2 }, { imm: 9 }, 3, (i) => b.set(sum, b.i2('add', sum, i)))
      b.loop({ imm: 9 }, { imm: 2 }, 1, () => b.bump(sum, 1000))
      b.storeInt(b.int(OUT), 0, sum)
    })
    expect(i[0]).toBe(2 + 5 + 8)
  })

  const compares: [Compare, boolean[]][] = [
    ['eq', [false, true, false]],
    ['ne', [true, false, true]],
    ['lt', [true, false, false]],
    ['le', [true, true, false]],
    ['gt', [false, false, true]],
    ['ge', [false, true, true]],
  ]
  it.each(compares)('if %s', (cmp, expected) => {
    const taken = [-1, 0, 1].map((value) => {
      const { i } = run((b) =>
        b.if(
          b.int(value),
          cmp,
          { imm: 0 },
          () => b.storeInt(b.int(OUT), 0, b.int(1)),
          () => b.storeInt(b.int(OUT), 0, b.int(2)),
        ),
      )
      return i[0] === 1
    })
    expect(taken).toEqual(expected)
  })

  it('accumulates in place, keeps copies apart and ignores pins', () => {
    const make = (b: ProgramBuilder) => {
      const first = b.variable(b.f32(1))
      const copy = b.variable(first)
      b.pin()
      b.accumulate(first, b.f32(2), b.f32(3))
      return b.v2('f.add', first, b.v2('f.mul', copy, b.f32(100)))
    }
    expect(outF(make)[0]).toBe(107)
  })

  it('refuses what no target could run', () => {
    expect(() => run((b) => b.store(b.int(0), 0, b.reg('v')))).toThrow('read before it is written')
    expect(() => run((b) => b.storeInt(b.int(0), 0, b.reg('i')))).toThrow('read before it is written')
    expect(() => run((b) => b.i2('mul', b.int(2 ** 20), { imm: 2 ** 12 }))).toThrow('no 32-bit integer')
    expect(() => run((b) => b.i2('div', b.int(-1), { imm: 2 }))).toThrow('div of -1 and 2')
    expect(() => run((b) => b.load(b.int(0), 0, 'f32', 5))).toThrow('cannot access 5 lanes')
    expect(() => run((b) => b.loop({ imm: 0 }, { imm: 9 }, 1, () => {}), undefined, { limit: 5 })).not.toThrow()
    expect(() => run((b) => b.loop({ imm: 0 }, { imm: 9 }, 1, () => b.pin()), undefined, { limit: 5 })).toThrow('limit')
    expect(() => evaluateProgram(new ProgramBuilder('p', 4, 2).finish(), new ArrayBuffer(8), [1])).toThrow(
      'p: takes 2 arguments, got 1',
    )
  })
})

describe('constants of the builder', () => {
  it('are shared and come first, so that every block may use them', () => {
    const b = new ProgramBuilder('p', lanes, 2)
    b.loop({ imm: 0 }, { imm: 1 }, 1, () => expect(b.f32(1)).toBe(b.i32(0x3f800000)))
    expect(b.f32(0)).not.toBe(b.f32(-0))
    expect(b.finish().body.map((x) => x.op)).toEqual(['const', 'const', 'const', 'loop'])
  })

  it('cannot be written', () => {
    const b = new ProgramBuilder('p', lanes, 2)
    expect(() => b.accumulate(b.f32(0), b.f32(1), b.f32(1))).toThrow('p: a constant cannot be written')
  })
})
