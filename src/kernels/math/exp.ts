/**
 * @file The exponential family. All write x = n ln 2 + r (Cody & Waite, Software Manual for the Elementary Functions,
 * 1980) and fit a polynomial on the small interval of r. n is rounded by adding 1.5 · 2²³, after which the low
 * bits of the sum hold n, so that a shift makes the exponent of 2ⁿ without any conversion.
 */
import type { ProgramBuilder } from '../program-builder.ts'
import type { Reg } from '../vector.ts'
import { clamp, leading, polynomial, withSignOf } from './polynomial.ts'

const ROUND = 1.5 * 2 ** 23
/** Exponent bias of float32. */
const BIAS = 127

const LN4_HIGH = leading(2 * Math.LN2, 16)
const LN4_LOW = 2 * Math.LN2 - LN4_HIGH
const LN2_HIGH = leading(Math.LN2, 16)
const LN2_LOW = Math.LN2 - LN2_HIGH

/** Below it eˣ is less than half the least denormal number. */
const LEAST = -103.9721

/** (eʳ - 1 - r) / r² for |r| ≤ ln 2, relative to eʳ. */
const EXP = [
  0.500000346374691, 0.1666661414884965, 0.04166126842972212, 0.008336103170006454, 0.0014104469851152416,
  0.00019611598660347225,
]
/** (eʳ - 1 - r) / r² for |r| ≤ ln 2 / 2, relative to eʳ - 1. */
const EXPM1 = [
  0.500000004426835, 0.16666666369749497, 0.04166636042874916, 0.00833338946072798, 0.001394066843857701,
  0.0001984587992378072,
]
/** The same with 2r in place of r, one term less. */
const EXPM1_DOUBLE = [
  1.9999999259841261, 1.3333234739574595, 0.6666752114785912, 0.2677295074326789, 0.0888481029114131,
]

/** (eʳ - 1 - r) / r² for |r| ≤ ln 2 / 2, relative to eʳ, odd terms negated: for -r. */
const EXP_NEGATED = [
  0.49999993432102485, -0.1666652039939635, 0.04166839079340721, -0.008368745075306818, 0.0013814539520562608,
]

/**
 * eˣ. n is kept even: 2^(n/2) is a normal number for every finite result, and multiplying by it twice overflows to
 * infinity and underflows through the denormal numbers as it should.
 */
export function exp(b: ProgramBuilder, x: Reg): Reg {
  const round = b.f32(ROUND + BIAS)
  const inside = clamp(b, x, -104.5, 89)
  const t = b.v3('f.fma', inside, b.f32(Math.LOG2E / 2), round)
  const n = b.v2('f.sub', t, round)
  const root = b.shift('i.shl', t, 23)
  const r = b.v3('f.fnma', n, b.f32(LN4_LOW), b.v3('f.fnma', n, b.f32(LN4_HIGH), inside))
  const p = b.v3('f.fma', b.v2('f.mul', r, r), polynomial(b, r, EXP), r)
  // What rounds to 0 is multiplied by 0: processors take over 100 cycles for a product too small, and masks of
  // attention make many.
  const again = b.v2('and', root, b.v2('f.le', b.f32(LEAST), x))
  return b.v2('f.mul', b.v2('f.mul', b.v2('f.add', p, b.f32(1)), root), again)
}

/**
 * 1 / (1 + e⁻ˣ) = ½ / (½ + e⁻ˣ/2). At the upper end of the clamped range the bits of 2ⁿ are those of infinity, at
 * the lower end those of 0; below -89.1 the result is 0 (it would be denormal).
 */
export function sigmoid(b: ProgramBuilder, x: Reg): Reg {
  const round = b.f32(ROUND + BIAS - 1)
  const [half, one] = [b.f32(0.5), b.f32(1)]
  const inside = clamp(b, x, -89.5, 87.3)
  const t = b.v3('f.fma', inside, b.f32(-Math.LOG2E), round)
  const n = b.v2('f.sub', t, round)
  const scale = b.shift('i.shl', t, 23)
  // r is the negative of the remainder of -x.
  const r = b.v3('f.fma', n, b.f32(LN2_LOW), b.v3('f.fma', n, b.f32(LN2_HIGH), inside))
  const p = b.v2('f.sub', one, b.v3('f.fnma', b.v2('f.mul', r, r), polynomial(b, r, EXP_NEGATED), r))
  return b.v2('f.div', half, b.v3('f.fma', p, scale, half))
}

/** eˣ - 1, accurate near 0. */
export function expm1(b: ProgramBuilder, x: Reg): Reg {
  // Half of 2ⁿ, which stays finite for n = 128; the last step doubles.
  const round = b.f32(ROUND + BIAS - 1)
  const inside = clamp(b, x, -20, 89)
  const t = b.v3('f.fma', inside, b.f32(Math.LOG2E), round)
  const n = b.v2('f.sub', t, round)
  const scale = b.shift('i.shl', t, 23)
  const r = b.v3('f.fnma', n, b.f32(LN2_LOW), b.v3('f.fnma', n, b.f32(LN2_HIGH), inside))
  const p = b.v3('f.fma', b.v2('f.mul', r, r), polynomial(b, r, EXPM1), r)
  const half = b.v3('f.fma', p, scale, b.v2('f.sub', scale, b.f32(0.5)))
  return withSignOf(b, b.v2('f.add', half, half), x)
}

/**
 * tanh x = e / (e + 2) with e = e^(2|x|) - 1. A quotient of polynomials would take as many operations, and be less
 * accurate near 1: there this form damps the error of e.
 */
export function tanh(b: ProgramBuilder, x: Reg): Reg {
  const round = b.f32(ROUND + BIAS)
  // From 9.02 on the result is 1 in float32.
  const a = b.v2('f.pmin', b.v1('f.abs', x), b.f32(9.02))
  const t = b.v3('f.fma', a, b.f32(2 * Math.LOG2E), round)
  const n = b.v2('f.sub', t, round)
  const scale = b.shift('i.shl', t, 23)
  // float32's ln 2 is accurate to 28 bits by luck, and n is small: it needs no second part.
  const r = b.v3('f.fnma', n, b.f32(Math.LN2 / 2), a)
  const p = b.v3('f.fma', b.v2('f.mul', r, r), polynomial(b, r, EXPM1_DOUBLE), b.v2('f.add', r, r))
  const e = b.v3('f.fma', p, scale, b.v2('f.sub', scale, b.f32(1)))
  return withSignOf(b, b.v2('f.div', e, b.v2('f.add', e, b.f32(2))), x)
}
