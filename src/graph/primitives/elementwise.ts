/**
 * @file Elementwise functions: one row each, the function on numbers and its gradient. Shape rule and reference
 * evaluation follow from the row.
 */
import { allocate, dtypes, isFloat, type TypedArray } from '../../core/dtype.ts'
import { GliaError } from '../../core/errors.ts'
import { sameShape, showShape, sizeOf } from '../../core/shape.ts'
import type { Aval, BinaryOp, HostArray, Node, UnaryOp } from '../node.ts'
import type { Ops, Rule } from '../rule.ts'

interface UnaryRow {
  readonly f: (x: number) => number
  /** Gradient from g, the operand x and the result y; null: zero everywhere. */
  readonly grad: ((o: Ops, g: Node, x: Node, y: Node) => Node) | null
  /** Only for floats. */
  readonly float?: true
}

const TWO_OVER_ROOT_PI = 2 / Math.sqrt(Math.PI)

function sign(x: number): number {
  return x > 0 ? 1 : x < 0 ? -1 : x
}

/** Ties to even. */
function round(x: number): number {
  const r = Math.round(x)
  return r - x === 0.5 && r % 2 !== 0 ? r - 1 : r
}

/** Complementary error function by its continued fraction and erf by its series: full double precision. */
export function erf(x: number): number {
  const a = Math.abs(x)
  if (Number.isNaN(x)) return x
  if (a > 6) return sign(x)
  if (a < 2.5) {
    let term = x
    let sum = x
    for (let n = 1; n < 80; n++) {
      term *= (-x * x) / n
      sum += term / (2 * n + 1)
    }
    return sum * TWO_OVER_ROOT_PI
  }
  let fraction = 0
  for (let n = 60; n >= 1; n--) fraction = n / 2 / (a + fraction)
  return sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction))
}

const sigmoid = (x: number): number => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)))

const unaryRows: { readonly [F in UnaryOp]: UnaryRow } = {
  neg: { f: (x) => -x, grad: (o, g) => o.neg(g) },
  abs: { f: Math.abs, grad: (o, g, x) => o.mul(g, o.sign(x)) },
  sign: { f: sign, grad: null },
  floor: { f: Math.floor, grad: null },
  ceil: { f: Math.ceil, grad: null },
  round: { f: round, grad: null },
  trunc: { f: Math.trunc, grad: null },
  exp: { f: Math.exp, grad: (o, g, _x, y) => o.mul(g, y), float: true },
  expm1: { f: Math.expm1, grad: (o, g, _x, y) => o.mul(g, o.add(y, 1)), float: true },
  log: { f: Math.log, grad: (o, g, x) => o.div(g, x), float: true },
  log1p: { f: Math.log1p, grad: (o, g, x) => o.div(g, o.add(x, 1)), float: true },
  sqrt: { f: Math.sqrt, grad: (o, g, _x, y) => o.div(g, o.mul(y, 2)), float: true },
  sin: { f: Math.sin, grad: (o, g, x) => o.mul(g, o.cos(x)), float: true },
  cos: { f: Math.cos, grad: (o, g, x) => o.neg(o.mul(g, o.sin(x))), float: true },
  atan: { f: Math.atan, grad: (o, g, x) => o.div(g, o.add(o.mul(x, x), 1)), float: true },
  tanh: { f: Math.tanh, grad: (o, g, _x, y) => o.mul(g, o.sub(1, o.mul(y, y))), float: true },
  erf: { f: erf, grad: (o, g, x) => o.mul(g, o.mul(o.exp(o.neg(o.mul(x, x))), TWO_OVER_ROOT_PI)), float: true },
  sigmoid: { f: sigmoid, grad: (o, g, _x, y) => o.mul(g, o.mul(y, o.sub(1, y))), float: true },
  not: { f: (x) => (x === 0 ? 1 : 0), grad: null },
}

function unaryRule(op: UnaryOp, row: UnaryRow): Rule<UnaryOp> {
  return {
    infer: ([x]) => {
      const dtype = x!.dtype
      if (op === 'not' && dtype !== 'bool') {
        throw new GliaError(`not: received ${dtype}; it takes bool. Compare with 0 first (x.eq(0)).`)
      }
      if (row.float && !isFloat(dtype)) {
        throw new GliaError(`${op}: received ${dtype}; it takes float32. Cast with float() first.`)
      }
      if (op !== 'not' && dtype === 'bool') throw new GliaError(`${op}: received bool; cast with int() or float() first.`)
      return { shape: x!.shape, dtype }
    },
    vjp: (o, g, y) => [row.grad && isFloat(y.dtype) ? row.grad(o, g, y.inputs[0]!, y) : null],
    evaluate: ([x], _attrs, out) => map(out, (i) => row.f(x!.data[i]!)),
  }
}

function map(out: Aval, f: (i: number) => number): TypedArray {
  const result = allocate(out.dtype, sizeOf(out.shape))
  for (let i = 0; i < result.length; i++) result[i] = f(i)
  return result
}

export const unary = Object.fromEntries(
  Object.entries(unaryRows).map(([op, row]) => [op, unaryRule(op as UnaryOp, row)]),
) as { [F in UnaryOp]: Rule<F> }

// Two operands ------------------------------------------------------------------------------------------------------

interface BinaryRow {
  readonly f: (a: number, b: number) => number
  /** For int32 where it differs. */
  readonly int?: (a: number, b: number) => number
  readonly grad: ((o: Ops, g: Node, a: Node, b: Node, y: Node, needs: readonly boolean[]) => readonly (Node | null)[]) | null
  readonly compares?: true
  readonly takes: 'any' | 'float' | 'number' | 'int' | 'bits'
}

/** Half of the gradient to each operand where they are equal, as PyTorch's maximum and minimum. */
function ofExtreme(wins: (o: Ops, a: Node, b: Node) => Node): NonNullable<BinaryRow['grad']> {
  return (o, g, a, b) => {
    const share = (first: Node, second: Node): Node =>
      o.mul(g, o.add(o.cast(wins(o, first, second), g.dtype), o.mul(o.cast(o.eq(first, second), g.dtype), 0.5)))
    return [share(a, b), share(b, a)]
  }
}

const floorDiv = (a: number, b: number): number => (b === 0 ? 0 : Math.floor(a / b))

const binaryRows: { readonly [F in BinaryOp]: BinaryRow } = {
  add: { f: (a, b) => a + b, grad: (_o, g) => [g, g], takes: 'number' },
  sub: { f: (a, b) => a - b, grad: (o, g, _a, _b, _y, needs) => [g, needs[1] ? o.neg(g) : null], takes: 'number' },
  mul: {
    f: (a, b) => a * b,
    int: Math.imul,
    grad: (o, g, a, b, _y, needs) => [needs[0] ? o.mul(g, b) : null, needs[1] ? o.mul(g, a) : null],
    takes: 'number',
  },
  div: {
    f: (a, b) => a / b,
    grad: (o, g, _a, b, y, needs) => {
      const ga = o.div(g, b)
      return [needs[0] ? ga : null, needs[1] ? o.neg(o.mul(ga, y)) : null]
    },
    takes: 'float',
  },
  pow: {
    f: (a, b) => (a === 1 || b === 0 ? 1 : a ** b),
    // ∂/∂a = b·a^(b−1), 0 where b = 0; ∂/∂b = a^b·ln a, 0 where a = 0 and b ≥ 0.
    grad: (o, g, a, b, y, needs) => [
      needs[0] ? o.mul(g, o.select(o.eq(b, 0), 0, o.mul(b, o.pow(a, o.sub(b, 1))))) : null,
      needs[1] ? o.mul(g, o.select(o.and(o.eq(a, 0), o.le(0, b)), 0, o.mul(y, o.log(a)))) : null,
    ],
    takes: 'float',
  },
  max: { f: (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.max(a, b)), grad: ofExtreme((o, a, b) => o.lt(b, a)), takes: 'any' },
  min: { f: (a, b) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.min(a, b)), grad: ofExtreme((o, a, b) => o.lt(a, b)), takes: 'any' },
  rem: {
    f: (a, b) => a - b * Math.floor(a / b),
    int: (a, b) => (b === 0 ? 0 : a - b * Math.floor(a / b)),
    grad: (o, g, a, b, _y, needs) => [g, needs[1] ? o.neg(o.mul(g, o.floor(o.div(a, b)))) : null],
    takes: 'number',
  },
  idiv: { f: (a, b) => Math.floor(a / b), int: floorDiv, grad: null, takes: 'number' },
  and: { f: (a, b) => a & b, grad: null, takes: 'bits' },
  or: { f: (a, b) => a | b, grad: null, takes: 'bits' },
  xor: { f: (a, b) => a ^ b, grad: null, takes: 'bits' },
  shl: { f: (a, b) => a << b, grad: null, takes: 'int' },
  shr: { f: (a, b) => a >> b, grad: null, takes: 'int' },
  eq: { f: (a, b) => (a === b ? 1 : 0), grad: null, compares: true, takes: 'any' },
  ne: { f: (a, b) => (a !== b ? 1 : 0), grad: null, compares: true, takes: 'any' },
  lt: { f: (a, b) => (a < b ? 1 : 0), grad: null, compares: true, takes: 'any' },
  le: { f: (a, b) => (a <= b ? 1 : 0), grad: null, compares: true, takes: 'any' },
}

const accepts: { readonly [T in BinaryRow['takes']]: (a: Aval) => boolean } = {
  any: () => true,
  number: (a) => a.dtype !== 'bool',
  float: (a) => isFloat(a.dtype),
  int: (a) => dtypes[a.dtype].kind === 'int',
  bits: (a) => !isFloat(a.dtype),
}

const advice: { readonly [T in BinaryRow['takes']]: string } = {
  any: '',
  number: 'numbers; cast with int() or float() first',
  float: 'floats; cast with float() first, or use floorDivide for integers',
  int: 'integers; cast with int() first',
  bits: 'integers or bool; compare or cast first',
}

function binaryRule(op: BinaryOp, row: BinaryRow): Rule<BinaryOp> {
  return {
    infer: ([a, b]) => {
      if (!sameShape(a!.shape, b!.shape) || a!.dtype !== b!.dtype) {
        throw new GliaError(
          `${op}: received ${a!.dtype} ${showShape(a!.shape)} and ${b!.dtype} ${showShape(b!.shape)}; shapes and dtypes must be equal.`,
        )
      }
      if (!accepts[row.takes](a!)) throw new GliaError(`${op}: received ${a!.dtype}; it takes ${advice[row.takes]}.`)
      return { shape: a!.shape, dtype: row.compares ? 'bool' : a!.dtype }
    },
    vjp: (o, g, y, needs) =>
      row.grad && isFloat(y.dtype) ? row.grad(o, g, y.inputs[0]!, y.inputs[1]!, y, needs) : [null, null],
    evaluate: ([a, b], _attrs, out) => {
      const f = isFloat(a!.dtype) ? row.f : (row.int ?? row.f)
      return map(out, (i) => f(a!.data[i]!, b!.data[i]!))
    },
  }
}

export const binary = Object.fromEntries(
  Object.entries(binaryRows).map(([op, row]) => [op, binaryRule(op as BinaryOp, row)]),
) as { [F in BinaryOp]: Rule<F> }

// Select, cast ------------------------------------------------------------------------------------------------------

export const select: Rule<'select'> = {
  infer: ([c, a, b]) => {
    if (c!.dtype !== 'bool') throw new GliaError(`where: the condition is ${c!.dtype}; it must be bool. Compare first.`)
    if (!sameShape(a!.shape, b!.shape) || !sameShape(a!.shape, c!.shape) || a!.dtype !== b!.dtype) {
      throw new GliaError(`where: shapes ${[c, a, b].map((x) => showShape(x!.shape)).join(', ')} and dtypes must agree.`)
    }
    return { shape: a!.shape, dtype: a!.dtype }
  },
  vjp: (o, g, y, needs) => {
    const c = y.inputs[0]!
    return [null, needs[1] ? o.select(c, g, 0) : null, needs[2] ? o.select(c, 0, g) : null]
  },
  evaluate: ([c, a, b], _attrs, out) => map(out, (i) => (c!.data[i] !== 0 ? a!.data[i]! : b!.data[i]!)),
}

const LEAST = -(2 ** 31)
const MOST = 2 ** 31 - 1

export const cast: Rule<'cast'> = {
  infer: ([x], { dtype }) => ({ shape: x!.shape, dtype }),
  vjp: (o, g, y) => [isFloat(y.dtype) && isFloat(y.inputs[0]!.dtype) ? o.cast(g, y.inputs[0]!.dtype) : null],
  evaluate: ([x], { dtype }, out) => map(out, (i) => castValue(x!, i, dtype)),
}

/** Floats go towards zero and saturate, NaN becomes 0; bool is "not 0"; uint8 takes the low byte. */
function castValue(x: HostArray, i: number, dtype: Aval['dtype']): number {
  const v = x.data[i]!
  if (isFloat(dtype)) return v
  if (dtype === 'bool') return v !== 0 ? 1 : 0
  return isFloat(x.dtype) ? (Number.isNaN(v) ? 0 : Math.min(MOST, Math.max(LEAST, Math.trunc(v)))) : v
}
