/**
 * @file Elementwise functions composed of others, each in the form that keeps its digits over the whole range. Where the
 * chain rule would divide 0 by 0 or overflow, the gradient is given by its formula.
 */
import { GliaError } from '../core/errors.ts'
import type { Node } from '../graph/node.ts'
import { ops } from '../graph/ops.ts'
import { apply, binary, type Operand, toFloat, toNumber, unary } from './apply.ts'
import type { TensorBase } from './base.ts'
import { where } from './elementwise.ts'
import type { Tensor } from './tensor.ts'

/**
 * The node `y` with a gradient of its own with respect to `inputs`, which must have y's shape or be reduced by `vjp`.
 * `vjp` must close over no node: in a loop they are renamed.
 */
export function withGradients(
  name: string,
  y: Node,
  inputs: readonly Node[],
  vjp: (g: Node, y: Node, inputs: readonly Node[]) => readonly (Node | null)[],
): Node {
  return ops.alias([y, ...inputs], { name, vjp: (g, self) => vjp(g, self, self.inputs.slice(1)) })
}

/** A function of one float with the derivative dy/dx given as a factor. */
function smooth(name: string, x: TensorBase, f: (x: Node) => Node, slope: (x: Node, y: Node) => Node): Tensor {
  return unary(name, x, (node) => {
    const n = toFloat(node)
    return withGradients(name, f(n), [n], (g, y, [input]) => [ops.mul(g, slope(input, y))])
  })
}

/** Two operands as float nodes of one shape and dtype. */
function pairOf(name: string, a: Operand, b: Operand, build: (a: Node, b: Node) => Node): Tensor {
  return binary(name, a, b, (x, y) => {
    // A sum aligns numbers, dtypes and shapes as every operation does.
    const like = ops.add(typeof x === 'number' ? x : toFloat(x), typeof y === 'number' ? y : toFloat(y))
    const fit = (n: Node | number): Node =>
      typeof n === 'number'
        ? ops.full(like.shape, n, like.dtype)
        : ops.broadcastTo(ops.cast(toFloat(n), like.dtype), like.shape)
    return build(fit(x), fit(y))
  })
}

/** Whether the sign bit is set: negative, or −0. */
function negative(x: Node): Node {
  return ops.or(ops.lt(x, 0), ops.and(ops.eq(x, 0), ops.lt(ops.div(1, x), 0)))
}

/** (eˣ − e⁻ˣ) / 2. */
export function sinh(x: TensorBase): Tensor {
  return smooth(
    'sinh',
    x,
    (n) => {
      const a = ops.abs(n)
      const m = ops.expm1(ops.min(a, 1))
      const near = ops.mul(ops.add(m, ops.div(m, ops.add(m, 1))), 0.5)
      const h = ops.exp(ops.mul(a, 0.5))
      const far = ops.sub(ops.mul(ops.mul(h, 0.5), h), ops.div(ops.div(0.5, h), h))
      return ops.mul(ops.sign(n), ops.select(ops.lt(a, 1), near, far))
    },
    coshNode,
  )
}

/** (eˣ + e⁻ˣ) / 2. */
export function cosh(x: TensorBase): Tensor {
  return unary('cosh', x, (n) => coshNode(toFloat(n)))
}

/** From the root of e^|x|, so that the result overflows only where cosh does. */
function coshNode(x: Node): Node {
  const h = ops.exp(ops.mul(ops.abs(x), 0.5))
  return ops.add(ops.mul(ops.mul(h, 0.5), h), ops.div(ops.div(0.5, h), h))
}

/** Inverse sine, in [−π/2, π/2]; NaN outside [−1, 1]. */
export function asin(x: TensorBase): Tensor {
  return smooth(
    'asin',
    x,
    (n) => ops.mul(ops.atan(ops.div(n, ops.add(ops.sqrt(oneMinusSquare(n)), 1))), 2),
    (n) => ops.div(1, ops.sqrt(oneMinusSquare(n))),
  )
}

/** Inverse cosine, in [0, π]; NaN outside [−1, 1]. */
export function acos(x: TensorBase): Tensor {
  return smooth(
    'acos',
    x,
    (n) => ops.mul(ops.atan(ops.sqrt(ops.div(ops.sub(1, n), ops.add(n, 1)))), 2),
    (n) => ops.div(-1, ops.sqrt(oneMinusSquare(n))),
  )
}

/** (1 − x)(1 + x): exact near ±1, where 1 − x² is not. */
function oneMinusSquare(x: Node): Node {
  return ops.mul(ops.sub(1, x), ops.add(x, 1))
}

/** Above this, 1 beside x² makes no difference, and x² may overflow. */
const large = 1e9

/** Inverse hyperbolic sine. */
export function asinh(x: TensorBase): Tensor {
  return smooth(
    'asinh',
    x,
    (n) => {
      const a = ops.abs(n)
      const s = ops.min(a, large)
      const square = ops.mul(s, s)
      const near = ops.log1p(ops.add(s, ops.div(square, ops.add(ops.sqrt(ops.add(square, 1)), 1))))
      const far = ops.add(ops.log(a), Math.LN2)
      return ops.mul(ops.sign(n), ops.select(ops.lt(large, a), far, near))
    },
    (n) => {
      const a = ops.abs(n)
      const s = ops.min(a, large)
      return ops.div(1, ops.select(ops.lt(large, a), a, ops.sqrt(ops.add(ops.mul(s, s), 1))))
    },
  )
}

/** Inverse hyperbolic cosine; NaN below 1. */
export function acosh(x: TensorBase): Tensor {
  return smooth(
    'acosh',
    x,
    (n) => {
      const t = ops.sub(ops.min(n, large), 1)
      const near = ops.log1p(ops.add(t, ops.sqrt(ops.mul(t, ops.add(t, 2)))))
      return ops.select(ops.lt(large, n), ops.add(ops.log(n), Math.LN2), near)
    },
    (n) => ops.div(1, ops.mul(ops.sqrt(ops.sub(n, 1)), ops.sqrt(ops.add(n, 1)))),
  )
}

/** Inverse hyperbolic tangent; ±∞ at ±1, NaN beyond. */
export function atanh(x: TensorBase): Tensor {
  return smooth(
    'atanh',
    x,
    (n) => {
      const a = ops.abs(n)
      return ops.mul(ops.mul(ops.sign(n), 0.5), ops.log1p(ops.div(ops.mul(a, 2), ops.sub(1, a))))
    },
    (n) => ops.div(1, oneMinusSquare(n)),
  )
}

/** The angle of the point (x, y) in (−π, π], `y.atan2(x)`; the gradient at the origin is 0. */
export function atan2(y: Operand, x: Operand): Tensor {
  return pairOf('atan2', y, x, (p, q) => {
    const [ay, ax] = [ops.abs(p), ops.abs(q)]
    const steep = ops.lt(ax, ay)
    const [low, high] = [ops.select(steep, ax, ay), ops.select(steep, ay, ax)]
    // 0/0 and ∞/∞ are the angles 0 and π/4.
    const ratio = ops.select(ops.eq(low, high), ops.cast(ops.ne(high, 0), high.dtype), ops.div(low, high))
    const octant = ops.atan(ratio)
    const quadrant = ops.select(steep, ops.sub(Math.PI / 2, octant), octant)
    const half = ops.select(negative(q), ops.sub(Math.PI, quadrant), quadrant)
    const nan = ops.add(p, q)
    const value = ops.select(ops.or(ops.ne(p, p), ops.ne(q, q)), nan, ops.select(negative(p), ops.neg(half), half))
    return withGradients('atan2', value, [p, q], (g, _v, [v, u]) => {
      const square = ops.add(ops.mul(v, v), ops.mul(u, u))
      const scaled = ops.select(ops.eq(square, 0), 0, ops.div(g, square))
      return [ops.mul(scaled, u), ops.neg(ops.mul(scaled, v))]
    })
  })
}

/** √(a² + b²) without overflow. */
export function hypot(a: Operand, b: Operand): Tensor {
  return pairOf('hypot', a, b, (x, y) => {
    const [ax, ay] = [ops.abs(x), ops.abs(y)]
    const high = ops.max(ax, ay)
    const ratio = ops.div(ops.min(ax, ay), high)
    const value = ops.mul(high, ops.sqrt(ops.add(ops.mul(ratio, ratio), 1)))
    const infinite = ops.or(ops.eq(ax, Infinity), ops.eq(ay, Infinity))
    const whole = ops.select(infinite, Infinity, ops.select(ops.eq(high, 0), 0, value))
    return withGradients('hypot', whole, [x, y], (g, h, [u, v]) => [
      ops.mul(g, ops.div(u, h)),
      ops.mul(g, ops.div(v, h)),
    ])
  })
}

/** log(eᵃ + eᵇ) without overflow. */
export function logaddexp(a: Operand, b: Operand): Tensor {
  return pairOf('logaddexp', a, b, logaddexpNode)
}

/** `logaddexp` of two float nodes of one shape. Gradients σ(a − b), σ(b − a). */
export function logaddexpNode(x: Node, y: Node): Node {
  const high = ops.max(x, y)
  const distance = ops.neg(ops.abs(ops.sub(x, y)))
  // Equal infinities are their own sum: ∞ − ∞ is NaN.
  const value = ops.select(
    ops.and(ops.eq(x, y), ops.eq(ops.abs(x), Infinity)),
    high,
    ops.add(high, ops.log1p(ops.exp(distance))),
  )
  return withGradients('logaddexp', value, [x, y], (g, _s, [u, v]) => [
    ops.mul(g, ops.sigmoid(ops.sub(u, v))),
    ops.mul(g, ops.sigmoid(ops.sub(v, u))),
  ])
}

/** x log y, and 0 where x is 0 (unless y is NaN). */
export function xlogy(x: Operand, y: Operand): Tensor {
  return pairOf('xlogy', x, y, (a, b) => {
    const guarded = ops.and(ops.eq(a, 0), ops.eq(b, b))
    return withGradients('xlogy', ops.select(guarded, 0, ops.mul(a, ops.log(b))), [a, b], (g, _v, [u, v]) => [
      // As PyTorch: 0 where x is 0 and y is no number greater than 0.
      ops.mul(g, ops.select(ops.and(ops.eq(u, 0), ops.le(v, 0)), 0, ops.log(v))),
      ops.mul(g, ops.div(u, v)),
    ])
  })
}

/** log(p / (1 − p)), the inverse of `sigmoid`; `eps` keeps p within [eps, 1 − eps]. */
export function logit(p: TensorBase, eps?: number): Tensor {
  return unary('logit', p, (node) => {
    const n = toFloat(node)
    const kept =
      eps === undefined
        ? n
        : ops.select(ops.lt(n, eps), eps, ops.select(ops.lt(ops.full(n.shape, 1 - eps, n.dtype), n), 1 - eps, n))
    return ops.log(ops.div(kept, ops.sub(1, kept)))
  })
}

/** sin(πx) / (πx), 1 at 0. */
export function sinc(x: TensorBase): Tensor {
  return unary('sinc', x, (node) => {
    const n = toFloat(node)
    const zero = ops.eq(n, 0)
    const angle = ops.mul(ops.select(zero, 1, n), Math.PI)
    return ops.select(zero, 1, ops.div(ops.sin(angle), angle))
  })
}

/** Fractional part: x − trunc(x), with the sign of x. */
export function frac(x: TensorBase): Tensor {
  return unary('frac', x, (n) => {
    if (n.dtype.startsWith('float')) return ops.sub(n, ops.trunc(n))
    return ops.full(n.shape, 0, n.dtype)
  })
}

/** Remainder of the quotient rounded towards 0, as C's `fmod`: it has the sign of `a`. */
export function fmod(a: Operand, b: Operand): Tensor {
  return binary('fmod', a, b, (x, y) => {
    const n = toNumber(x)
    const m = typeof y === 'number' ? Math.abs(y) : ops.abs(toNumber(y))
    if (typeof n === 'number') return n < 0 ? ops.neg(ops.rem(-n, m)) : ops.rem(n, m)
    const positive = ops.rem(n, m)
    return ops.select(ops.broadcastTo(ops.lt(n, 0), positive.shape), ops.neg(ops.rem(ops.neg(n), m)), positive)
  })
}

/** `start + weight (end − start)`, exact at weights 0 and 1. */
export function lerp(start: TensorBase, end: TensorBase, weight: Operand): Tensor {
  const inputs = typeof weight === 'number' ? [start, end] : [start, end, weight]
  return apply('lerp', inputs, (a, b, w) => {
    const difference = ops.sub(toFloat(b), toFloat(a))
    if (typeof weight === 'number') {
      return weight < 0.5
        ? ops.add(toFloat(a), ops.mul(difference, weight))
        : ops.sub(toFloat(b), ops.mul(difference, 1 - weight))
    }
    const near = ops.add(toFloat(a), ops.mul(w, difference))
    const far = ops.sub(toFloat(b), ops.mul(ops.sub(1, w), difference))
    return ops.select(ops.lt(ops.abs(ops.broadcastTo(w, near.shape)), 0.5), near, far)
  })
}

/** |a| with the sign of b (that of −0 included). */
export function copysign(a: Operand, b: Operand): Tensor {
  return pairOf('copysign', a, b, (x, y) => {
    const value = ops.abs(x)
    return withGradients('copysign', ops.select(negative(y), ops.neg(value), value), [x, y], (g, _v, [u, v]) => {
      const slope = ops.sign(u)
      return [ops.mul(g, ops.select(negative(v), ops.neg(slope), slope)), null]
    })
  })
}

/** bool: the sign bit is set (negative numbers and −0). */
export function signbit(x: TensorBase): Tensor {
  return unary('signbit', x, (n) => (n.dtype.startsWith('float') ? negative(n) : ops.lt(n, 0)))
}

/** 0 below 0, 1 above, `values` at 0. */
export function heaviside(x: TensorBase, values: Operand): Tensor {
  return pairOf('heaviside', x, values, (n, at) => ops.select(ops.eq(n, 0), at, ops.cast(ops.lt(0, n), n.dtype)))
}

export interface NanToNumOptions {
  /** What takes the place of NaN (default 0). */
  readonly nan?: number
  /** What takes the place of ∞ (default: the greatest float32). */
  readonly posinf?: number
  /** What takes the place of −∞ (default: the least float32). */
  readonly neginf?: number
}

const greatest = (2 - 2 ** -23) * 2 ** 127

/** NaN and infinities replaced by numbers; gradient 0 there. */
export function nanToNum(x: TensorBase, options: NanToNumOptions = {}): Tensor {
  const { nan = 0, posinf = greatest, neginf = -greatest } = options
  const finite = where(
    unary('nanToNum', x, (n) => ops.eq(n, Infinity)),
    posinf,
    x,
  )
  const both = where(
    unary('nanToNum', finite, (n) => ops.eq(n, -Infinity)),
    neginf,
    finite,
  )
  return where(
    unary('nanToNum', both, (n) => ops.ne(n, n)),
    nan,
    both,
  )
}

export interface ClosenessOptions {
  /** Relative tolerance (default 1e-5). */
  readonly rtol?: number
  /** Absolute tolerance (default 1e-8). */
  readonly atol?: number
  /** Whether NaN is close to NaN (default false). */
  readonly equalNan?: boolean
}

/** bool: |a − b| ≤ atol + rtol |b|; infinities are close to themselves alone. */
export function isclose(a: Operand, b: Operand, options: ClosenessOptions = {}): Tensor {
  const { rtol = 1e-5, atol = 1e-8, equalNan = false } = options
  if (rtol < 0 || atol < 0) {
    throw new GliaError(`isclose: tolerances must be at least 0; received rtol ${rtol} and atol ${atol}.`)
  }
  return pairOf('isclose', a, b, (x, y) => {
    const distance = ops.abs(ops.sub(x, y))
    const within = ops.and(ops.lt(distance, Infinity), ops.le(distance, ops.add(ops.mul(ops.abs(y), rtol), atol)))
    const same = ops.or(ops.eq(x, y), ops.and(within, ops.lt(ops.abs(y), Infinity)))
    return equalNan ? ops.or(same, ops.and(ops.ne(x, x), ops.ne(y, y))) : same
  })
}
