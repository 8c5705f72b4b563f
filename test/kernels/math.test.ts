import { describe, expect, it } from 'vitest'
import { evaluateProgram } from '../../src/kernels/evaluate.ts'
import * as math from '../../src/kernels/math.ts'
import { ProgramBuilder } from '../../src/kernels/program-builder.ts'
import type { Instr } from '../../src/kernels/vector.ts'
import { macros, programOf } from './macros.ts'

const INF = Number.POSITIVE_INFINITY
const NAN = Number.NaN
const MAX = 3.4028234663852886e38

function apply(name: string, x: ArrayLike<number>, y: ArrayLike<number> = x, lanes = 16, fused = false): Float32Array {
  const units = Math.ceil(x.length / lanes)
  const bytes = units * lanes * 4
  const memory = new ArrayBuffer(3 * bytes)
  new Float32Array(memory).set(x)
  new Float32Array(memory, bytes).set(y)
  evaluateProgram(programOf(name, macros[name], lanes), memory, [0, bytes, 2 * bytes, 0, units], { fused })
  return new Float32Array(memory, 2 * bytes, x.length)
}

const at = (name: string, x: number, y = x): number => apply(name, [x], [y])[0]

/** Σ of positive terms: erf x = 2/√π e^(-x²) Σ 2ⁿ x^(2n+1) / (1 · 3 · … (2n+1)). */
function erf(x: number): number {
  if (!(Math.abs(x) < 6)) return Math.sign(x)
  let [term, sum] = [x, x]
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1)
    sum += term
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum
}

const exact: Record<string, (x: number, y: number) => number> = {
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sin: Math.sin,
  cos: Math.cos,
  tanh: Math.tanh,
  atan: Math.atan,
  pow: Math.pow,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  erf,
}

/** Distance from the exact value in units of the last place of a float32 of its size. */
function ulps(got: number, want: number): number {
  if (Number.isNaN(want) || Number.isNaN(got)) return Number.isNaN(want) && Number.isNaN(got) ? 0 : INF
  if (Math.fround(want) === got) return Math.abs(got) === INF ? 0 : Math.abs(got - want) / ulp(want)
  // An overflow counts as the first power of two that does not fit.
  const finite = (v: number) => Math.max(-(2 ** 128), Math.min(2 ** 128, v))
  return Math.abs(finite(got) - finite(want)) / ulp(finite(want))
}

function ulp(x: number): number {
  const a = Math.abs(Math.fround(x))
  return 2 ** (Math.max(-126, Math.min(127, Math.floor(Math.log2(a === 0 ? 2 ** -126 : a)))) - 23)
}

/** `count` float32 evenly spread over the bit patterns from `low` to `high`, both of one sign. */
function sweep(low: number, high: number, count: number): Float32Array {
  const ends = new Int32Array(new Float32Array([low, high]).buffer)
  const bits = Int32Array.from(
    { length: count },
    (_, i) => ends[0] + Math.round(((ends[1] - ends[0]) * i) / (count - 1)),
  )
  return new Float32Array(bits.buffer)
}

const join = (...parts: ArrayLike<number>[]): Float32Array => Float32Array.from(parts.flatMap((p) => Array.from(p)))
const even = (low: number, high: number, count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => low + ((high - low) * i) / (count - 1))
const bothSigns = (x: Float32Array): Float32Array =>
  join(
    x,
    x.map((v) => -v),
  )

function worst(name: string, x: Float32Array, y: Float32Array, fused: boolean): { error: number; at: string } {
  const got = apply(name, x, y, 16, fused)
  let [error, where] = [0, 0]
  got.forEach((value, i) => {
    const e = ulps(value, exact[name](x[i], y[i]))
    if (e > error) {
      error = e
      where = i
    }
  })
  return { error, at: `${x[where]} (${y[where]}) → ${got[where]}, exactly ${exact[name](x[where], y[where])}` }
}

const all = bothSigns(sweep(1e-45, MAX, 20_000))
const N = 30_000
const near = (centre: number, spread: number) => even(centre - spread, centre + spread, N / 2)

describe('accuracy', () => {
  // The bound is the largest error in ulp over the points.
  const cases: [string, number, Float32Array][] = [
    ['exp', 1.5, join(all, even(-104, 89, N), near(0, 1))],
    ['expm1', 1.4, join(all, even(-20, 89, N), near(0, 1))],
    ['log', 0.9, join(all, sweep(1e-45, MAX, N), near(1, 0.5))],
    ['log1p', 1.6, join(all, sweep(1e-20, 1e9, N), even(-1, 1, N), near(-0.99, 0.01))],
    ['sin', 1.5, join(bothSigns(sweep(1e-45, 5e4, N)), even(-1e4, 1e4, N), even(-10, 10, N))],
    ['cos', 1.5, join(bothSigns(sweep(1e-45, 5e4, N)), even(-1e4, 1e4, N), even(-10, 10, N))],
    ['tanh', 2.2, join(all, even(-10, 10, N), near(0, 1))],
    ['erf', 2.2, join(all, even(-4.2, 4.2, N), near(0, 1.2))],
    ['atan', 1.7, join(all, even(-4, 4, N))],
    [
      'sigmoid',
      2,
      join(
        bothSigns(sweep(1e-45, MAX, 20_000)).filter((v) => v > -88.7 || v < -104),
        even(-87, 40, N),
      ),
    ],
  ]
  it.each(cases)('%s within %d ulp', (name, bound, x) => {
    for (const fused of [false, true]) {
      const { error, at } = worst(name, x, x, fused)
      expect(error, at).toBeLessThanOrEqual(bound)
    }
  })

  it('sin and cos close to the multiples of π/2', () => {
    const x: number[] = []
    for (let n = 1; (n * Math.PI) / 2 < 1e4; n++) {
      const v = Math.fround((n * Math.PI) / 2)
      x.push(v, v + ulp(v), v - ulp(v))
    }
    for (const name of ['sin', 'cos']) {
      for (const fused of [false, true]) {
        const { error, at } = worst(name, Float32Array.from(x), Float32Array.from(x), fused)
        expect(error, at).toBeLessThanOrEqual(2)
      }
    }
  })

  it('pow within 3 ulp', () => {
    const [x, y]: [number[], number[]] = [[], []]
    // Pairs whose result is finite: the exponent of the result runs evenly over the range of float32.
    for (const base of join(sweep(1e-45, MAX, 1500), even(0.5, 2, 1000), even(0.9, 1.1, 500))) {
      for (let exponent = -151; exponent <= 128; exponent += 12.7) {
        if (base === 1) continue
        x.push(base)
        y.push(Math.fround(exponent / Math.log2(base)))
      }
    }
    for (let n = -40; n <= 40; n++) {
      for (const base of even(-20, 20, 401)) {
        x.push(base)
        y.push(n / 2)
      }
    }
    for (const fused of [false, true]) {
      const { error, at } = worst('pow', Float32Array.from(x), Float32Array.from(y), fused)
      expect(error, at).toBeLessThanOrEqual(3)
    }
  })

  it('keeps small arguments and zeros as they are', () => {
    for (const name of ['expm1', 'log1p', 'sin', 'tanh', 'atan']) {
      for (const x of [1e-20, -1e-20, 0, -0, 2 ** -126]) expect(at(name, x), name).toBe(Math.fround(x))
    }
    expect(at('erf', -0)).toBe(-0)
    expect(at('erf', 0)).toBe(0)
    expect(ulps(at('erf', 1e-20), erf(Math.fround(1e-20)))).toBeLessThan(1.5)
  })

  it('stays within its range', () => {
    const large = apply('tanh', even(5, 20, 5000))
    expect(Math.max(...large, ...apply('erf', even(2, 8, 5000)))).toBe(1)
    const wave = [...apply('sin', all), ...apply('cos', all)]
    expect(wave.every((v) => Math.abs(v) <= 1)).toBe(true)
    const [up, down] = [apply('tanh', even(0, 9, 5000)), apply('tanh', even(0, -9, 5000))]
    expect(Array.from(up)).toEqual(Array.from(down, (v) => 0 - v))
  })
})

describe('special values', () => {
  const cases: [string, number, number][] = [
    ['exp', INF, INF],
    ['exp', -INF, 0],
    ['exp', 0, 1],
    ['exp', -0, 1],
    ['exp', 88.7228317, Math.exp(Math.fround(88.7228317))],
    ['exp', 88.72284, INF],
    ['exp', 1e30, INF],
    ['exp', -1e30, 0],
    ['exp', -100, 3.7835059e-44],
    ['expm1', INF, INF],
    ['expm1', -INF, -1],
    ['expm1', 89, INF],
    ['expm1', 88.7228317, Math.exp(Math.fround(88.7228317))],
    ['log', 0, -INF],
    ['log', -0, -INF],
    ['log', -1, NAN],
    ['log', -2, NAN],
    ['log', -1e-45, NAN],
    ['log', -INF, NAN],
    ['log', INF, INF],
    ['log', 1, 0],
    ['log', 1e-45, -103.27893],
    ['log1p', -1, -INF],
    ['log1p', -1.5, NAN],
    ['log1p', -INF, NAN],
    ['log1p', INF, INF],
    ['log1p', MAX, 88.722839],
    ['sin', INF, NAN],
    ['sin', -INF, NAN],
    ['cos', INF, NAN],
    ['cos', -0, 1],
    ['tanh', INF, 1],
    ['tanh', -INF, -1],
    ['tanh', 9.5, 1],
    ['erf', INF, 1],
    ['erf', -INF, -1],
    ['erf', -5, -1],
    ['atan', INF, Math.PI / 2],
    ['atan', -INF, -Math.PI / 2],
    ['sigmoid', INF, 1],
    ['sigmoid', -INF, 0],
    ['sigmoid', 0, 0.5],
    ...Object.keys(macros).map((name): [string, number, number] => [name, NAN, NAN]),
  ]
  it.each(cases)('%s(%d) = %d', (name, x, expected) => {
    for (const lanes of [4, 8, 16]) {
      const got = apply(name, [x], [x], lanes)[0]
      if (Number.isFinite(expected)) expect(ulps(got, expected)).toBeLessThan(1.5)
      else expect(got).toBe(expected)
    }
  })

  it('pow follows C', () => {
    const values = [
      0,
      -0,
      1,
      -1,
      0.5,
      -0.5,
      2,
      -2,
      3,
      -3,
      2.5,
      -2.5,
      1e-45,
      -1e-45,
      1e38,
      -1e38,
      16777215,
      16777216,
      INF,
    ]
    const operands = [...values, -INF, NAN]
    for (const x of operands) {
      for (const y of operands) {
        // JavaScript's two departures from C: 1^NaN and (±1)^±∞.
        const want = x === 1 || (x === -1 && Math.abs(y) === INF) ? 1 : x ** Math.fround(y)
        const got = at('pow', x, y)
        const same = Number.isNaN(want)
          ? Number.isNaN(got)
          : Object.is(Math.fround(Math.fround(x) ** Math.fround(y)), got)
        expect(
          same || (want === 1 && got === 1) || ulps(got, Math.fround(x) ** Math.fround(y)) < 4,
          `${x}^${y}: ${got}`,
        ).toBe(true)
        if (want === 0) expect(Object.is(got, want), `${x}^${y}: ${got}`).toBe(true)
      }
    }
  })

  it('pow is exact where users expect it', () => {
    const x = bothSigns(sweep(1e-20, 1e18, 2000))
    const of = (y: number) => Array.from(apply('pow', x, new Float32Array(x.length).fill(y)))
    expect(of(2)).toEqual(Array.from(x, (v) => Math.fround(v * v)))
    expect(of(1)).toEqual(Array.from(x))
    expect(of(0)).toEqual(Array.from(x, () => 1))
    expect(Array.from({ length: 40 }, (_, n) => at('pow', 2, n - 20))).toEqual(
      Array.from({ length: 40 }, (_, n) => 2 ** (n - 20)),
    )
    expect([at('pow', 3, 5), at('pow', -3, 3), at('pow', 10, 3), at('pow', 4, 0.5)]).toEqual([243, -27, 1000, 2])
  })
})

describe('sameness', () => {
  it.each(Object.keys(macros))('%s gives the same bits at every lane count, and every time', (name) => {
    const x = join(bothSigns(sweep(1e-10, 1e10, 1000)), [0, -0, INF, -INF])
    const y = even(-3, 3, x.length)
    const bits = [4, 8, 16, 16].map((lanes) => Array.from(new Int32Array(apply(name, x, y, lanes).slice().buffer)))
    for (const other of bits.slice(1)) expect(other).toEqual(bits[0])
  })

  it('shares the constants of repeated calls', () => {
    const b = new ProgramBuilder('p', 4, 2)
    const constants = () => b.finish().body.filter((x) => x.op === 'const').length
    const x = b.load(0, 0)
    math.exp(b, x)
    const once = constants()
    math.exp(b, math.exp(b, x))
    expect(constants()).toBe(once)
  })
})

describe('cost', () => {
  // Operations a call without and with fused multiply-add, constants apart; then divisions and constants.
  const costs: [string, number, number, number, number][] = [
    ['exp', 28, 19, 0, 14],
    ['expm1', 29, 19, 0, 13],
    ['log', 40, 30, 0, 18],
    ['log1p', 41, 30, 0, 19],
    ['sin', 43, 31, 0, 18],
    ['cos', 41, 29, 0, 19],
    ['tanh', 27, 19, 1, 12],
    ['erf', 35, 22, 0, 16],
    ['atan', 29, 20, 1, 12],
    ['sigmoid', 25, 16, 1, 13],
    ['pow', 118, 104, 1, 31],
  ]
  it.each(costs)('%s takes %d operations, %d fused, %d divisions, %d constants', (name, unfused, fused, ...rest) => {
    const b = new ProgramBuilder(name, 4, 2)
    macros[name](b, b.load(0, 0), b.load(1, 0))
    const body = b.finish().body.filter((x) => x.op !== 'load')
    const count = (test: (x: Instr) => boolean) => body.filter(test).length
    const constants = count((x) => x.op === 'const')
    const operations = body.length - constants
    expect([operations + count((x) => x.op === 'v3' && x.fn !== 'select'), operations]).toEqual([unfused, fused])
    expect([count((x) => x.op === 'v2' && x.fn === 'f.div'), constants]).toEqual(rest)
  })
})
