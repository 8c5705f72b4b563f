/**
 * @file Powers. xʸ = 2^(y log₂|x|): the logarithm has to carry 8 bits more than float32, because y multiplies its error.
 * It is kept as a sum of two numbers, the first of 12 bits, so that products of first parts are exact
 * (Dekker 1971; the arrangement follows the idea of FDLIBM's e_pow.c).
 */
import type { ProgramBuilder } from '../program-builder.ts'
import type { Reg } from '../vector.ts'
import { clamp, INFINITY, leading, polynomial, SIGN } from './polynomial.ts'

const ROUND = 1.5 * 2 ** 23
const ROUND_BITS = 0x4b400000
/** float32 bits of √½: where the next power of two begins. */
const ROOT_HALF = 0x3f3504f3
const EXPONENT = 0xff800000 | 0
/** Keeps 12 significant bits. */
const FIRST_HALF = 0xfffff000 | 0

const SCALE = 2 / Math.LN2
const SCALE_HIGH = leading(SCALE, 12)
const SCALE_LOW = SCALE - SCALE_HIGH
/** (log₂((1 + s) / (1 - s)) - 2s / ln 2) / s³ in s². */
const LOG2 = [0.9617966789059966, 0.5770829248557728, 0.41170128518699184, 0.3403216944617779]
/** (2ʷ - 1) / w for |w| ≤ 1/2. */
const EXP2 = [
  0.6931472029397486, 0.24022647881015485, 0.05550332258104834, 0.009618441391518103, 0.0013398965578898534,
  0.0001535224491950023,
]

/** log₂ of a positive finite number as a sum of two parts, the first of 12 bits. */
function log2Of(b: ProgramBuilder, a: Reg): [Reg, Reg] {
  const first = b.i32(FIRST_HALF)
  const two = b.f32(2)
  const raise = b.v2('and', b.v2('f.lt', a, b.f32(2 ** -126)), b.i32(23 << 23))
  const normal = b.v2('f.mul', a, b.v2('i.add', raise, b.f32(1)))
  const exponent = b.v2('and', b.v2('i.sub', normal, b.i32(ROOT_HALF)), b.i32(EXPONENT))
  const k = b.v2('f.mul', b.v1('i.toFloat', b.v2('i.sub', exponent, raise)), b.f32(2 ** -23))
  const f = b.v2('f.sub', b.v2('i.sub', normal, exponent), b.f32(1))
  // s = f / (2 + f), its second part from the remainder of the division.
  const d = b.v2('f.add', f, two)
  const inverse = b.v2('f.div', b.f32(1), d)
  const s1 = b.v2('and', b.v2('f.mul', f, inverse), first)
  const d1 = b.v2('and', d, first)
  const d2 = b.v2('f.sub', f, b.v2('f.sub', d1, two))
  const s2 = b.v2('f.mul', b.v3('f.fnma', s1, d2, b.v3('f.fnma', s1, d1, f)), inverse)
  // log₂(1 + f) = 2s / ln 2 + s³ (…): only the first product must be exact.
  const s = b.v2('f.add', s1, s2)
  const square = b.v2('f.mul', s, s)
  const linear = b.v3('f.fma', s2, b.f32(SCALE), b.v2('f.mul', s1, b.f32(SCALE_LOW)))
  const rest = b.v3('f.fma', b.v2('f.mul', s, square), polynomial(b, square, LOG2), linear)
  const top = b.v2('f.mul', s1, b.f32(SCALE_HIGH))
  const high = b.v2('f.add', k, top)
  const low = b.v2('f.add', b.v2('f.sub', top, b.v2('f.sub', high, k)), rest)
  const l1 = b.v2('and', b.v2('f.add', high, low), first)
  return [l1, b.v2('f.sub', low, b.v2('f.sub', l1, high))]
}

/** 2^(p1 + p2), p2 small; overflows to infinity and underflows through the denormal numbers. */
function exp2Of(b: ProgramBuilder, p1: Reg, p2: Reg): Reg {
  const round = b.f32(ROUND)
  const t = b.v2('f.add', clamp(b, b.v2('f.add', p1, p2), -152, 129), round)
  const w = clamp(b, b.v2('f.add', b.v2('f.sub', p1, b.v2('f.sub', t, round)), p2), -1, 1)
  const power = b.v3('f.fma', w, polynomial(b, w, EXP2), b.f32(1))
  // 2ⁿ in two factors: n reaches below the smallest and above the largest exponent.
  const n = b.v2('i.sub', t, b.i32(ROUND_BITS))
  const half = b.shift('i.shr', n, 1)
  const factor = (exponent: Reg) => b.v2('i.add', b.shift('i.shl', exponent, 23), b.f32(1))
  return b.v2('f.mul', b.v2('f.mul', power, factor(half)), factor(b.v2('i.sub', n, half)))
}

/** xʸ, all special cases as C's `powf`; x¹ and x² are exact (x² correctly rounded). */
export function pow(b: ProgramBuilder, x: Reg, y: Reg): Reg {
  const [zero, one] = [b.f32(0), b.f32(1)]
  const infinity = b.i32(INFINITY)
  const a = b.v1('f.abs', x)
  const [l1, l2] = log2Of(b, a)
  // Beyond 2⁴⁰ every |x| ≠ 1 overflows or underflows: y needs no infinities.
  const bounded = clamp(b, y, -(2 ** 40), 2 ** 40)
  const y1 = b.v2('and', bounded, b.i32(FIRST_HALF))
  const y2 = b.v2('f.sub', bounded, y1)
  const p2 = b.v3('f.fma', bounded, l2, b.v2('f.mul', y2, l1))
  const magnitude = exp2Of(b, b.v2('f.mul', y1, l1), p2)

  // |x| = 0 and |x| = ∞ give 0 or ∞, by the sign of y.
  const isInfinite = b.v2('f.eq', a, infinity)
  const isLimit = b.v2('or', isInfinite, b.v2('f.eq', a, zero))
  const limit = b.v2('and', infinity, b.v2('xor', isInfinite, b.v2('f.lt', y, zero)))
  const positive = b.v3('select', isLimit, limit, magnitude)

  // A negative x needs an integer y, and keeps its sign where y is odd.
  const isFraction = b.v2('f.ne', b.v1('f.trunc', y), y)
  const halfY = b.v2('f.mul', y, b.f32(0.5))
  const isOdd = b.v2('andNot', b.v2('f.ne', b.v1('f.trunc', halfY), halfY), isFraction)
  const signed = b.v2('or', positive, b.v2('and', b.v2('and', isOdd, x), b.i32(SIGN)))
  const isNegative = b.v2('andNot', b.v2('f.lt', x, zero), isInfinite)
  const unordered = b.v2('or', b.v2('f.ne', x, x), b.v2('f.ne', y, y))
  const invalid = b.v2('or', unordered, b.v2('and', isNegative, isFraction))
  const general = b.v2('or', signed, invalid)

  const squared = b.v3('select', b.v2('f.eq', y, b.f32(2)), b.v2('f.mul', x, x), general)
  const first = b.v3('select', b.v2('f.eq', y, one), x, squared)
  return b.v3('select', b.v2('or', b.v2('f.eq', x, one), b.v2('f.eq', y, zero)), one, first)
}
