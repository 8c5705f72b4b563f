/** @file sin, cos and atan. */
import type { ProgramBuilder } from '../program-builder.ts'
import type { Reg } from '../vector.ts'
import { clamp, polynomial, SIGN, withSignOf } from './polynomial.ts'

const ROUND = 1.5 * 2 ** 23

/** (sin r / r - 1) / r² and (cos r - 1 + r²/2) / r⁴ in r², for |r| ≤ π/4. */
const SIN = [-0.16666654573134768, 0.008332158409700486, -0.0001951495764555003]
const COS = [0.04166665862006763, -0.0013887717075337905, 2.446355066529616e-5]
/** (atan z / z - 1) / z² in z², for z ≤ 1. */
const ATAN = [
  -0.33333299089496116, 0.1999854829589763, -0.1426424180886442, 0.10952186467508909, -0.08403452387501273,
  0.05795762920028954, -0.031177881579822098, 0.01091462500299802, -0.0017936260233510914,
]

/** π/2 as a sum of numbers of 9 bits, whose products with a 15-bit integer are exact, and a last one of 24. */
const HALF_PI = split(Math.PI / 2, 6.123233995736766e-17, 9, 5)

function split(value: number, beyond: number, bits: number, parts: number): number[] {
  const result: number[] = []
  let rest = value
  for (let i = 1; i < parts; i++) {
    const unit = 2 ** (Math.floor(Math.log2(Math.abs(rest))) + 1 - bits)
    const part = Math.round(rest / unit) * unit
    result.push(part)
    rest -= part
  }
  return [...result, Math.fround(rest + beyond)]
}

/** x - n π/2, correctly rounded but for the last product: what the third difference loses goes into the fourth. */
function remainderOf(b: ProgramBuilder, x: Reg, n: Reg): Reg {
  const [p1, p2, p3, p4, p5] = HALF_PI.map((part) => b.f32(part))
  const r = b.v3('f.fnma', n, p2, b.v3('f.fnma', n, p1, x))
  const third = b.v2('f.mul', n, p3)
  const high = b.v2('f.sub', r, third)
  const lost = b.v2('f.sub', b.v2('f.sub', r, high), third)
  return b.v2('f.add', high, b.v3('f.fnma', n, p5, b.v3('f.fnma', n, p4, lost)))
}

/** sin(x + quadrant · π/2) for the remainder of x ≥ 0 in [-π/4, π/4], `quadrant` being where x lies plus `shift`. */
function sineFrom(b: ProgramBuilder, x: Reg, shift: number): Reg {
  const round = b.f32(ROUND)
  const t = b.v3('f.fma', x, b.f32(2 / Math.PI), round)
  const n = b.v2('f.sub', t, round)
  // Only where x is too large for the reduction does this cut anything off: the result stays within [-1, 1].
  const r = clamp(b, remainderOf(b, x, n), -0.8, 0.8)
  const square = b.v2('f.mul', r, r)
  const sine = b.v3('f.fma', b.v2('f.mul', r, square), polynomial(b, square, SIN), r)
  const cosine = polynomial(b, square, [1, -0.5, ...COS])
  const quadrant = shift === 0 ? t : b.v2('i.add', t, b.i32(shift))
  const odd = b.shift('i.shr', b.shift('i.shl', quadrant, 31), 31)
  const negative = b.v2('and', b.shift('i.shl', quadrant, 30), b.i32(SIGN))
  return b.v2('xor', b.v3('select', odd, cosine, sine), negative)
}

/** sin x. Past |x| = 5 · 10⁴ accuracy falls off; the result stays within [-1, 1]. */
export function sin(b: ProgramBuilder, x: Reg): Reg {
  return b.v2('xor', sineFrom(b, b.v1('f.abs', x), 0), b.v2('and', x, b.i32(SIGN)))
}

/** cos x, with the limits of `sin`. */
export function cos(b: ProgramBuilder, x: Reg): Reg {
  return sineFrom(b, x, 1)
}

/** atan x: for |x| > 1 it is π/2 - atan(1/x). */
export function atan(b: ProgramBuilder, x: Reg): Reg {
  const one = b.f32(1)
  const a = b.v1('f.abs', x)
  const z = b.v2('f.div', b.v2('f.pmin', a, one), b.v2('f.pmax', a, one))
  const square = b.v2('f.mul', z, z)
  const p = b.v3('f.fma', b.v2('f.mul', z, square), polynomial(b, square, ATAN), z)
  const y = b.v3('select', b.v2('f.lt', one, a), b.v2('f.sub', b.f32(Math.PI / 2), p), p)
  return withSignOf(b, y, x)
}
