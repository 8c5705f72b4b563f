/**
 * @file Transcendental functions as macros over a program builder: every CPU target and lane count computes them with
 * the same operations. float32, branch-free; special values as in C's `<math.h>` (NaN in, NaN out; signed zeros,
 * infinities and denormal results kept), unless a function says otherwise.
 *
 * Largest errors found over dense sweeps of float32, in units of the last place: log 0.9, exp 1.5, expm1 1.4,
 * log1p 1.6, sin and cos 1.5 (|x| ≤ 5 · 10⁴), atan 1.7, sigmoid 2.0, tanh and erf 2.2, pow 3.
 *
 * The polynomials were fitted for this file by Remez exchange on relative error, with the leading terms fixed.
 */
export { erf } from './math/erf.ts'
export { exp, expm1, sigmoid, tanh } from './math/exp.ts'
export { log, log1p } from './math/log.ts'
export { pow } from './math/pow.ts'
export { threefry2x32 } from './math/threefry.ts'
export { atan, cos, sin } from './math/trigonometric.ts'
