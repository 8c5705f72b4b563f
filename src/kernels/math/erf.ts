/** @file The error function. */
import type { ProgramBuilder } from '../program-builder.ts'
import type { Reg } from '../vector.ts'
import { polynomial, withSignOf } from './polynomial.ts'

/** erf(x) / x - 1 in x², for x ≤ 1. */
const SMALL = [
  0.1283791222382165, -0.3761232471708475, 0.11280166790008768, -0.026710894058564767, 0.004917023765969393,
  -0.0005629107838290807,
]
/** (1 - erf(x))^(1/8), for 1 ≤ x ≤ 3.93. */
const LARGE = [
  1.0008195649448524, -0.14500091185785688, -0.061522151865277507, -0.011293431731287974, 0.012889075214260456,
  -0.002460946997874806, 0.000148997577284159,
]

/**
 * erf x. Above 1, the eighth root of 1 - erf is fitted (after Abramowitz & Stegun 7.1.28, which fits its inverse), and
 * its error is damped as erf approaches 1. Both sides are computed: together they are as quick as one quotient
 * of polynomials over the whole range, and three times as accurate.
 */
export function erf(b: ProgramBuilder, x: Reg): Reg {
  // From 3.925 on the result is 1 in float32.
  const a = b.v2('f.pmin', b.v1('f.abs', x), b.f32(3.925))
  const small = b.v3('f.fma', a, polynomial(b, b.v2('f.mul', a, a), SMALL), a)
  const root = polynomial(b, a, LARGE)
  const fourth = b.v2('f.mul', root, root)
  const half = b.v2('f.mul', fourth, fourth)
  const large = b.v3('f.fnma', half, half, b.f32(1))
  return withSignOf(b, b.v3('select', b.v2('f.lt', a, b.f32(1)), small, large), x)
}
