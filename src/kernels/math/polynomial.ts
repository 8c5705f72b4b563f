/** @file What the functions share: polynomials, sign handling, and constants split so that products come out exact. */
import type { ProgramBuilder } from '../program-builder.ts'
import { bitsOf, type Reg } from '../vector.ts'

/** The sign bit of a float32. */
export const SIGN = 0x80000000 | 0
/** The float32 bits of +∞. */
export const INFINITY = 0x7f800000

/** c[0] + c[1] x + c[2] x² + … by Horner's rule: one multiply-add a term. */
export function polynomial(b: ProgramBuilder, x: Reg, c: readonly number[]): Reg {
  return c.slice(0, -1).reduceRight((sum, term) => b.v3('f.fma', sum, x, b.f32(term)), b.f32(c[c.length - 1]))
}

/** `y` ≥ 0 with the sign of `x`. */
export function withSignOf(b: ProgramBuilder, y: Reg, x: Reg): Reg {
  return b.v2('or', y, b.v2('and', x, b.i32(SIGN)))
}

/** min(max(x, low), high), NaN where x is NaN. */
export function clamp(b: ProgramBuilder, x: Reg, low: number, high: number): Reg {
  return b.v2('f.pmin', b.v2('f.pmax', x, b.f32(low)), b.f32(high))
}

const float = new Float32Array(1)
const int = new Int32Array(float.buffer)

/** `value` cut off after `bits` significant bits (Cody & Waite): its product with a (24 - bits)-bit integer is exact. */
export function leading(value: number, bits: number): number {
  int[0] = bitsOf(value) & (-1 << (24 - bits))
  return float[0]
}
