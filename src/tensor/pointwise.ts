/** @file The elementwise methods of tensors. All broadcast by NumPy's rule; numbers stand for scalars. */
import type { DType } from '../core/dtype.ts'
import type { Operand } from './apply.ts'
import { TensorBase } from './base.ts'
import * as e from './elementwise.ts'
import * as s from './special.ts'
import type { Tensor } from './tensor.ts'

export class Pointwise extends TensorBase {
  /** Sum. */
  add(other: Operand): Tensor {
    return e.arithmetic('add', this, other)
  }
  /** Difference. */
  sub(other: Operand): Tensor {
    return e.arithmetic('sub', this, other)
  }
  /** Product, element by element. */
  mul(other: Operand): Tensor {
    return e.arithmetic('mul', this, other)
  }
  /** True quotient: integers become float32. */
  div(other: Operand): Tensor {
    return e.div(this, other)
  }
  /** Quotient rounded down, as Python's `//`. */
  floorDiv(other: Operand): Tensor {
    return e.arithmetic('idiv', this, other)
  }
  /** Remainder with the divisor's sign, as Python's `%`. */
  mod(other: Operand): Tensor {
    return e.arithmetic('rem', this, other)
  }
  /** Remainder with this tensor's sign, as C's `fmod`. */
  fmod(other: Operand): Tensor {
    return s.fmod(this, other)
  }
  /** Power. */
  pow(exponent: Operand): Tensor {
    return e.pow(this, exponent)
  }
  /** The greater of two; NaN if either is. */
  maximum(other: Operand): Tensor {
    return e.arithmetic('max', this, other)
  }
  /** The lesser of two; NaN if either is. */
  minimum(other: Operand): Tensor {
    return e.arithmetic('min', this, other)
  }

  /** bool: equal (NaN equals nothing). */
  eq(other: Operand): Tensor {
    return e.compare('eq', this, other)
  }
  /** bool: not equal. */
  ne(other: Operand): Tensor {
    return e.compare('ne', this, other)
  }
  /** bool: less. */
  lt(other: Operand): Tensor {
    return e.compare('lt', this, other)
  }
  /** bool: less or equal. */
  le(other: Operand): Tensor {
    return e.compare('le', this, other)
  }
  /** bool: greater. */
  gt(other: Operand): Tensor {
    return e.compare('lt', other, this)
  }
  /** bool: greater or equal. */
  ge(other: Operand): Tensor {
    return e.compare('le', other, this)
  }
  /** Both hold (bool), or the common bits (integers). */
  and(other: TensorBase): Tensor {
    return e.logical('and', this, other)
  }
  /** Either holds, or the union of bits. */
  or(other: TensorBase): Tensor {
    return e.logical('or', this, other)
  }
  /** Exactly one holds, or the bits that differ. */
  xor(other: TensorBase): Tensor {
    return e.logical('xor', this, other)
  }
  /** bool: zero or false. */
  not(): Tensor {
    return e.compare('eq', this, 0)
  }
  /** bool: not a number. */
  isnan(): Tensor {
    return e.compare('ne', this, this)
  }
  /** bool: neither infinite nor NaN. */
  isfinite(): Tensor {
    return e.compare('lt', this.abs(), Infinity)
  }

  /** bool: ∞ or −∞. */
  isinf(): Tensor {
    return e.compare('eq', this.abs(), Infinity)
  }
  /** bool: |this − other| ≤ atol + rtol |other|. */
  isclose(other: Operand, options?: s.ClosenessOptions): Tensor {
    return s.isclose(this, other, options)
  }
  /** bool: the sign bit is set (negative numbers and −0). */
  signbit(): Tensor {
    return s.signbit(this)
  }

  /** Opposite. */
  neg(): Tensor {
    return e.numberUnary('neg', this)
  }
  /** Absolute value; gradient 0 at 0. */
  abs(): Tensor {
    return e.numberUnary('abs', this)
  }
  /** −1, 0 or 1. */
  sign(): Tensor {
    return e.numberUnary('sign', this)
  }
  /** Greatest whole number not above. */
  floor(): Tensor {
    return e.rounding('floor', this)
  }
  /** Least whole number not below. */
  ceil(): Tensor {
    return e.rounding('ceil', this)
  }
  /** Nearest whole number, halves to the even one. */
  round(): Tensor {
    return e.rounding('round', this)
  }
  /** Without the fraction. */
  trunc(): Tensor {
    return e.rounding('trunc', this)
  }
  /** x − trunc(x). */
  frac(): Tensor {
    return s.frac(this)
  }
  /** eˣ. */
  exp(): Tensor {
    return e.floatUnary('exp', this)
  }
  /** eˣ − 1, exact near 0. */
  expm1(): Tensor {
    return e.floatUnary('expm1', this)
  }
  /** Natural logarithm. */
  log(): Tensor {
    return e.floatUnary('log', this)
  }
  /** log(1 + x), exact near 0. */
  log1p(): Tensor {
    return e.floatUnary('log1p', this)
  }
  /** Logarithm to base 2. */
  log2(): Tensor {
    return this.log().mul(Math.LOG2E)
  }
  /** Logarithm to base 10. */
  log10(): Tensor {
    return this.log().mul(Math.LOG10E)
  }
  /** 2ˣ. */
  exp2(): Tensor {
    return e.arithmetic('pow', 2, this.dtype.startsWith('float') ? this : this.float())
  }
  /** Square root. */
  sqrt(): Tensor {
    return e.floatUnary('sqrt', this)
  }
  /** 1 / √x. */
  rsqrt(): Tensor {
    return e.div(1, this.sqrt())
  }
  /** x². */
  square(): Tensor {
    return this.mul(this)
  }
  /** 1 / x. */
  reciprocal(): Tensor {
    return e.div(1, this)
  }
  sin(): Tensor {
    return e.floatUnary('sin', this)
  }
  cos(): Tensor {
    return e.floatUnary('cos', this)
  }
  tan(): Tensor {
    return this.sin().div(this.cos())
  }
  /** Inverse sine. */
  asin(): Tensor {
    return s.asin(this)
  }
  /** Inverse cosine. */
  acos(): Tensor {
    return s.acos(this)
  }
  /** The angle of the point (other, this), in (−π, π]. */
  atan2(other: Operand): Tensor {
    return s.atan2(this, other)
  }
  /** √(this² + other²) without overflow. */
  hypot(other: Operand): Tensor {
    return s.hypot(this, other)
  }
  /** Inverse tangent. */
  atan(): Tensor {
    return e.floatUnary('atan', this)
  }
  /** Hyperbolic sine. */
  sinh(): Tensor {
    return s.sinh(this)
  }
  /** Hyperbolic cosine. */
  cosh(): Tensor {
    return s.cosh(this)
  }
  /** Inverse hyperbolic sine. */
  asinh(): Tensor {
    return s.asinh(this)
  }
  /** Inverse hyperbolic cosine. */
  acosh(): Tensor {
    return s.acosh(this)
  }
  /** Inverse hyperbolic tangent. */
  atanh(): Tensor {
    return s.atanh(this)
  }
  /** Hyperbolic tangent. */
  tanh(): Tensor {
    return e.floatUnary('tanh', this)
  }
  /** Error function. */
  erf(): Tensor {
    return e.floatUnary('erf', this)
  }
  /** 1 / (1 + e⁻ˣ). */
  sigmoid(): Tensor {
    return e.floatUnary('sigmoid', this)
  }
  /** max(x, 0). */
  relu(): Tensor {
    return e.relu(this)
  }
  /** x where positive, else slope · x. */
  leakyRelu(slope = 0.01): Tensor {
    return e.leakyRelu(this, slope)
  }
  /** x where positive, else α (eˣ − 1). */
  elu(alpha = 1): Tensor {
    return e.elu(this, alpha)
  }
  /** x Φ(x), the exact form. */
  gelu(): Tensor {
    return e.gelu(this)
  }
  /** x σ(x). */
  silu(): Tensor {
    return e.silu(this)
  }
  /** log(1 + eˣ). */
  softplus(): Tensor {
    return e.softplus(this)
  }
  /** log(eᵃ + eᵇ) without overflow. */
  logaddexp(other: Operand): Tensor {
    return s.logaddexp(this, other)
  }
  /** this · log(other), 0 where this is 0. */
  xlogy(other: Operand): Tensor {
    return s.xlogy(this, other)
  }
  /** log(x / (1 − x)), of x kept within [eps, 1 − eps] if `eps` is given. */
  logit(eps?: number): Tensor {
    return s.logit(this, eps)
  }
  /** sin(πx) / (πx), 1 at 0. */
  sinc(): Tensor {
    return s.sinc(this)
  }
  /** 0 below 0, 1 above, `values` at 0. */
  heaviside(values: Operand): Tensor {
    return s.heaviside(this, values)
  }
  /** |x| with the sign of `other`. */
  copysign(other: Operand): Tensor {
    return s.copysign(this, other)
  }
  /** this + weight (end − this). */
  lerp(end: TensorBase, weight: Operand): Tensor {
    return s.lerp(this, end, weight)
  }
  /** NaN and infinities replaced by numbers (default: 0, the greatest and the least float32). */
  nanToNum(options?: s.NanToNumOptions): Tensor {
    return s.nanToNum(this, options)
  }
  /** Values kept within [low, high]; either may be left out. */
  clamp(low?: Operand, high?: Operand): Tensor {
    return e.clamp(this, low, high)
  }
  /** This where the condition holds, else `other`. */
  where(condition: TensorBase, other: Operand): Tensor {
    return e.where(condition, this, other)
  }
  /** `value` where the mask holds. */
  maskedFill(mask: TensorBase, value: Operand): Tensor {
    return e.where(mask, value, this)
  }

  /** The same values as another dtype: floats are truncated to integers, anything but 0 is true. */
  cast(dtype: DType): Tensor {
    return e.cast(this, dtype)
  }
  /** As float32. */
  float(): Tensor {
    return this.cast('float32')
  }
  /** As int32. */
  int(): Tensor {
    return this.cast('int32')
  }
  /** As bool. */
  bool(): Tensor {
    return this.cast('bool')
  }
}
