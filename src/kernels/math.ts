/**
 * @file Transcendental functions as macros over a program builder: every CPU target and lane count computes them with
 * the same operations. float32, branch-free. Errors in units in the last place (ulp) are the largest found over dense
 * sweeps of float32, without fused multiply-add; the tests hold them. Arguments and results follow C's `<math.h>`:
 * NaN in, NaN out; signed zeros, infinities and denormal results are kept unless a function says otherwise.
 *
 * The polynomials were fitted for this file by Remez exchange on relative error, with the leading terms fixed.
 */
export { erf } from './math/erf.ts'
export { exp, expm1, sigmoid, tanh } from './math/exp.ts'
export { log, log1p } from './math/log.ts'
export { pow } from './math/pow.ts'
export { threefry2x32 } from './math/threefry.ts'
export { atan, cos, sin } from './math/trigonometric.ts'
