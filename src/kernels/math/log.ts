/**
 * @file The logarithms. x = 2ᵏ (1 + f) with 1 + f in [2/3, 4/3), an interval that holds 1 in its middle so that nothing
 * cancels near 0; log(1 + f) = f - f²/2 + f³ q(f).
 */
import type { ProgramBuilder } from '../program-builder.ts'
import type { Reg } from '../vector.ts'
import { INFINITY, leading, polynomial, withSignOf } from './polynomial.ts'

/** float32 bits of 2/3: where the next power of two begins. */
const TWO_THIRDS = 0x3f2aaaab
const EXPONENT = 0xff800000 | 0
const LN2_HIGH = leading(Math.LN2, 16)
const LN2_LOW = Math.LN2 - LN2_HIGH

/** (log(1 + f) - f + f²/2) / f³. */
const LOG = [
  0.3333321588275905, -0.24999797503269974, 0.20010412658246085, -0.1668049625593717, 0.14005745004861483,
  -0.12184120876999824, 0.139851070096079, -0.1289236531311348,
]

/** 2²³ k, an integer: what to take from the bits of x to bring it to [2/3, 4/3). */
function exponentOf(b: ProgramBuilder, x: Reg): Reg {
  return b.v2('and', b.v2('i.sub', x, b.i32(TWO_THIRDS)), b.i32(EXPONENT))
}

/** log(1 + f) + k ln 2, with k given as 2²³ k. */
function logOf(b: ProgramBuilder, f: Reg, exponent: Reg): Reg {
  const k = b.v1('i.toFloat', exponent)
  const bend = b.v3('f.fma', f, polynomial(b, f, LOG), b.f32(-0.5))
  const rest = b.v3('f.fma', k, b.f32(LN2_LOW * 2 ** -23), b.v2('f.mul', b.v2('f.mul', f, f), bend))
  return b.v3('f.fma', k, b.f32(LN2_HIGH * 2 ** -23), b.v2('f.add', f, rest))
}

/** `y` = log x where 0 < x < ∞, and log's value elsewhere: ∞ at ∞, -∞ at 0, NaN below and for NaN. */
function withLimits(b: ProgramBuilder, y: Reg, x: Reg): Reg {
  const infinity = b.i32(INFINITY)
  const positive = b.v2('f.add', y, b.v2('and', infinity, b.v2('f.eq', x, infinity)))
  const other = b.v2('or', b.v2('f.ne', x, b.f32(0)), b.f32(Number.NEGATIVE_INFINITY))
  return b.v3('select', b.v2('f.lt', b.f32(0), x), positive, other)
}

/** The natural logarithm. */
export function log(b: ProgramBuilder, x: Reg): Reg {
  // Denormal numbers are multiplied by 2²³ first.
  const denormal = b.v2('f.lt', x, b.f32(2 ** -126))
  const raise = b.v2('and', denormal, b.i32(23 << 23))
  const normal = b.v2('f.mul', x, b.v2('i.add', raise, b.f32(1)))
  const exponent = exponentOf(b, normal)
  const f = b.v2('f.sub', b.v2('i.sub', normal, exponent), b.f32(1))
  return withLimits(b, logOf(b, f, b.v2('i.sub', exponent, raise)), x)
}

/** log(1 + x), accurate near 0. */
export function log1p(b: ProgramBuilder, x: Reg): Reg {
  const u = b.v2('f.add', x, b.f32(1))
  const exponent = exponentOf(b, u)
  // f = 2⁻ᵏ x - (1 - 2⁻ᵏ) is exact but for one rounding, whatever 1 + x lost; 4 · 2⁻ᵏ is a normal number for every k.
  const scaled = b.v2('i.sub', x, exponent)
  const shrink = b.v2('i.sub', b.f32(4), exponent)
  const f = b.v2('f.sub', scaled, b.v3('f.fnma', shrink, b.f32(0.25), b.f32(1)))
  return withSignOf(b, withLimits(b, logOf(b, f, exponent), u), x)
}
