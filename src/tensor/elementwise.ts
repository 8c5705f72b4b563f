/** @file Functions applied element by element, with NumPy's broadcasting. */
import type { DType } from '../core/dtype.ts'
import { GliaError } from '../core/errors.ts'
import type { BinaryOp, Node, UnaryOp } from '../graph/node.ts'
import { ops } from '../graph/ops.ts'
import { apply, binary, commonDtype, type Operand, toFloat, toNumber, unary } from './apply.ts'
import type { TensorBase } from './base.ts'
import type { Tensor } from './tensor.ts'

/** Functions whose result is a float, whatever goes in. */
type FloatUnary = Extract<
  UnaryOp,
  'exp' | 'expm1' | 'log' | 'log1p' | 'sqrt' | 'sin' | 'cos' | 'atan' | 'tanh' | 'erf' | 'sigmoid'
>

export function floatUnary(fn: FloatUnary, x: TensorBase): Tensor {
  return unary(fn, x, (n) => ops[fn](toFloat(n)))
}

/** Functions that keep integers as they are; booleans become int32. */
export function numberUnary(fn: Extract<UnaryOp, 'neg' | 'abs' | 'sign'>, x: TensorBase): Tensor {
  return unary(fn, x, (n) => ops[fn](toNumber(n)))
}

/** Rounding: integers are whole already. */
export function rounding(fn: Extract<UnaryOp, 'floor' | 'ceil' | 'round' | 'trunc'>, x: TensorBase): Tensor {
  return unary(fn, x, (n) => (n.dtype.startsWith('float') ? ops[fn](n) : n))
}

/** Arithmetic and comparisons on the operands' common dtype; booleans count as int32 in arithmetic. */
export function arithmetic(
  fn: Extract<BinaryOp, 'add' | 'sub' | 'mul' | 'pow' | 'max' | 'min' | 'rem' | 'idiv'>,
  a: Operand,
  b: Operand,
): Tensor {
  return binary(fn, a, b, (x, y) => ops[fn](toNumber(x), toNumber(y)))
}

/** True division: integers become float32. */
export function div(a: Operand, b: Operand): Tensor {
  return binary('div', a, b, (x, y) =>
    ops.div(typeof x === 'number' ? x : toFloat(x), typeof y === 'number' ? y : toFloat(y)),
  )
}

/** `pow` by a number; small whole exponents are products, exact and fast. */
export function pow(a: Operand, b: Operand): Tensor {
  if (b === 2 && typeof a !== 'number') return arithmetic('mul', a, a)
  if (b === 0.5 && typeof a !== 'number') return floatUnary('sqrt', a)
  return arithmetic('pow', a, b)
}

export function compare(fn: Extract<BinaryOp, 'eq' | 'ne' | 'lt' | 'le'>, a: Operand, b: Operand): Tensor {
  return binary(fn, a, b, ops[fn])
}

/** Logical on booleans, bitwise on integers. */
export function logical(fn: Extract<BinaryOp, 'and' | 'or' | 'xor'>, a: TensorBase, b: TensorBase): Tensor {
  return binary(fn, a, b, (x, y) => {
    for (const n of [x, y] as Node[]) {
      if (n.dtype.startsWith('float')) {
        throw new GliaError(`${fn}: takes bool or integer tensors; received ${n.dtype}. Compare first, as in x.gt(0).`)
      }
    }
    return ops[fn](x, y)
  })
}

/** `a` where the condition holds, else `b`; all three broadcast. */
export function where(condition: TensorBase, a: Operand, b: Operand): Tensor {
  const inputs = [condition, a, b].filter((t) => typeof t !== 'number')
  return apply('where', inputs, (c, ...rest) => {
    if (c.dtype !== 'bool') {
      throw new GliaError(`where: the condition must be bool; received ${c.dtype}. Compare first, as in x.ne(0).`)
    }
    const [x, y] = [
      typeof a === 'number' ? a : (rest.shift() as Node),
      typeof b === 'number' ? b : (rest.shift() as Node),
    ]
    if (typeof x === 'number' && typeof y === 'number') return ops.select(c, ops.constant(x, 'float32'), y)
    return ops.select(c, fits(x, y), fits(y, x))
  })
}

/** A node cast so that the number beside it fits. */
function fits(x: Node | number, other: Node | number): Node | number {
  if (typeof x === 'number' || typeof other !== 'number' || Number.isInteger(other)) return x
  return toFloat(x)
}

/** Values below `low` become `low`, above `high` become `high`; NaN stays. Gradient 1 inside (bounds included), else 0. */
export function clamp(x: TensorBase, low?: Operand, high?: Operand): Tensor {
  let y = x
  if (low !== undefined) y = where(compare('lt', y, low), asLike(low, y), y)
  if (high !== undefined) y = where(compare('lt', high, y), asLike(high, y), y)
  return y === x ? unary('clamp', x, (n) => n) : (y as Tensor)
}

function asLike(value: Operand, x: TensorBase): Operand {
  if (typeof value === 'number') return value
  return apply('clamp', [value, x], (v, n) => ops.broadcastTo(ops.cast(v, commonDtype(v, n)), x.shape))
}

/** max(x, 0), with NaN kept and gradient 0 at 0. */
export function relu(x: TensorBase): Tensor {
  return unary('relu', x, (n) => ops.select(ops.le(n, 0), zeroLike(n), n))
}

/** x Φ(x), with Φ the normal distribution function: the exact form (Hendrycks & Gimpel 2016). */
export function gelu(x: TensorBase): Tensor {
  return unary('gelu', x, (n) => {
    const f = toFloat(n)
    return ops.mul(f, ops.mul(ops.add(ops.erf(ops.mul(f, Math.SQRT1_2)), 1), 0.5))
  })
}

/** x σ(x) (Elfwing et al. 2017), also called swish. */
export function silu(x: TensorBase): Tensor {
  return unary('silu', x, (n) => ops.mul(toFloat(n), ops.sigmoid(toFloat(n))))
}

/** log(1 + eˣ), without overflow: max(x, 0) + log(1 + e^−|x|). Gradient: σ(x). */
export function softplus(x: TensorBase): Tensor {
  return unary('softplus', x, (node) => {
    const n = toFloat(node)
    const y = ops.add(ops.max(n, 0), ops.log1p(ops.exp(ops.neg(ops.abs(n)))))
    return ops.alias([y, n], { name: 'softplus', vjp: (g, self) => [ops.mul(g, ops.sigmoid(self.inputs[1]))] })
  })
}

/** x where positive, else slope · x. */
export function leakyRelu(x: TensorBase, slope = 0.01): Tensor {
  return unary('leakyRelu', x, (n) => ops.select(ops.lt(0, n), n, ops.mul(n, slope)))
}

/** x where positive, else α (eˣ − 1) (Clevert et al. 2015). Gradient α at 0. */
export function elu(x: TensorBase, alpha = 1): Tensor {
  return unary('elu', x, (node) => {
    const n = toFloat(node)
    const positive = ops.lt(0, n)
    return ops.select(positive, n, ops.mul(ops.expm1(ops.select(positive, 0, n)), alpha))
  })
}

export function cast(x: TensorBase, dtype: DType): Tensor {
  return unary('cast', x, (n) => (n.dtype === dtype ? n : ops.cast(n, dtype)))
}

function zeroLike(n: Node): Node {
  return ops.constant(0, n.dtype)
}
