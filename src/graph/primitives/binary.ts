/**
 * @file Functions of two operands of one shape and dtype: a row each, with the function on numbers and its gradients.
 * Shape rule and reference evaluation follow from the row.
 */
import { allocate, isFloat } from '../../core/dtype.ts'
import { sizeOf } from '../../core/shape.ts'
import type { BinaryOp, Node } from '../node.ts'
import type { Ops, Rule } from '../rule.ts'
import { checkDtype, checkSameDtype, checkSameShape, type Domain } from './check.ts'

type Gradients = (
  o: Ops,
  g: Node,
  a: Node,
  b: Node,
  y: Node,
  needs: readonly boolean[],
) => readonly [Node | null, Node | null]

interface Row {
  readonly f: (a: number, b: number) => number
  /** For integers, where it differs. */
  readonly int?: (a: number, b: number) => number
  readonly takes: Domain
  /** The result is bool. */
  readonly compares?: boolean
  /** null: zero wherever it is defined. */
  readonly grad: Gradients | null
}

/** C's pow: 1 to any power is 1, NaN included; −1 to an infinite power is 1. */
function pow(a: number, b: number): number {
  return a === 1 || b === 0 || (a === -1 && Math.abs(b) === Number.POSITIVE_INFINITY) ? 1 : a ** b
}

/** By squaring, modulo 2³²; a negative exponent gives the inverse, truncated. */
function intPow(a: number, b: number): number {
  if (b < 0) return a === 1 ? 1 : a === -1 ? (b % 2 === 0 ? 1 : -1) : 0
  let result = 1
  for (let square = a, rest = b; rest > 0; rest >>>= 1, square = Math.imul(square, square)) {
    if (rest & 1) result = Math.imul(result, square)
  }
  return result
}

/** Exact, as JavaScript's `%` is; then with the sign of the divisor. */
function remainder(a: number, b: number): number {
  const r = a % b
  return r !== 0 && r < 0 !== b < 0 ? r + b : r
}

/** ⌊a / b⌋, from the exact remainder. */
function floorDivide(a: number, b: number): number {
  if (b === 0) return a / b
  if (Math.abs(b) === Number.POSITIVE_INFINITY && Number.isFinite(a)) return a !== 0 && a < 0 !== b < 0 ? -1 : 0
  return Math.round((a - remainder(a, b)) / b)
}

function larger(a: number, b: number): number {
  return Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.max(a, b)
}

function smaller(a: number, b: number): number {
  return Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.min(a, b)
}

/** b·a^(b−1). Where b = 0 the exponent is taken as 0, so that the gradient is 0 even at a = 0. */
function powGradient(o: Ops, g: Node, a: Node, b: Node): Node {
  const k = numberOf(b)
  if (k !== null && k !== 0) return o.mul(g, o.mul(o.pow(a, k - 1), k))
  return o.mul(g, o.mul(b, o.pow(a, o.select(o.eq(b, 0), 0, o.sub(b, 1)))))
}

/** The number that a node repeats, null if it is not a constant. */
function numberOf(node: Node): number | null {
  let n = node
  while (n.op === 'expand' || n.op === 'reshape') n = n.inputs[0]
  return n.op === 'constant' ? n.as('constant').value : null
}

/** All of the gradient to the operand that wins, half where they are equal: PyTorch's maximum and minimum. */
function toWinner(loses: (o: Ops, a: Node, b: Node) => Node): Gradients {
  return (o, g, a, b, _y, needs) => {
    const share = (self: Node, other: Node): Node =>
      o.select(o.eq(self, other), o.mul(g, 0.5), o.select(loses(o, self, other), 0, g))
    return [needs[0] ? share(a, b) : null, needs[1] ? share(b, a) : null]
  }
}

const rows: { readonly [F in BinaryOp]: Row } = {
  add: { f: (a, b) => a + b, takes: 'number', grad: (_o, g) => [g, g] },
  sub: { f: (a, b) => a - b, takes: 'number', grad: (o, g, _a, _b, _y, needs) => [g, needs[1] ? o.neg(g) : null] },
  mul: {
    f: (a, b) => a * b,
    int: Math.imul,
    takes: 'number',
    grad: (o, g, a, b, _y, needs) => [needs[0] ? o.mul(g, b) : null, needs[1] ? o.mul(g, a) : null],
  },
  div: {
    f: (a, b) => a / b,
    takes: 'float',
    grad: (o, g, _a, b, y, needs) => {
      const ga = o.div(g, b)
      return [ga, needs[1] ? o.neg(o.mul(ga, y)) : null]
    },
  },
  pow: {
    f: pow,
    int: intPow,
    takes: 'number',
    grad: (o, g, a, b, y, needs) => [
      needs[0] ? powGradient(o, g, a, b) : null,
      // aᵇ·ln a, 0 where a = 0 and b ≥ 0.
      needs[1] ? o.mul(g, o.mul(y, o.log(o.select(o.and(o.eq(a, 0), o.le(0, b)), 1, a)))) : null,
    ],
  },
  max: { f: larger, takes: 'any', grad: toWinner((o, self, other) => o.lt(self, other)) },
  min: { f: smaller, takes: 'any', grad: toWinner((o, self, other) => o.lt(other, self)) },
  rem: {
    f: remainder,
    int: (a, b) => (b === 0 ? 0 : remainder(a, b)),
    takes: 'number',
    grad: (o, g, a, b, _y, needs) => [g, needs[1] ? o.neg(o.mul(g, o.idiv(a, b))) : null],
  },
  idiv: { f: floorDivide, int: (a, b) => (b === 0 ? 0 : Math.floor(a / b)), takes: 'number', grad: null },
  and: { f: (a, b) => a & b, takes: 'bits', grad: null },
  or: { f: (a, b) => a | b, takes: 'bits', grad: null },
  xor: { f: (a, b) => a ^ b, takes: 'bits', grad: null },
  // Counts are taken modulo 32.
  shl: { f: (a, b) => a << b, takes: 'int', grad: null },
  shr: { f: (a, b) => a >> b, takes: 'int', grad: null },
  eq: { f: (a, b) => (a === b ? 1 : 0), takes: 'any', compares: true, grad: null },
  ne: { f: (a, b) => (a !== b ? 1 : 0), takes: 'any', compares: true, grad: null },
  lt: { f: (a, b) => (a < b ? 1 : 0), takes: 'any', compares: true, grad: null },
  le: { f: (a, b) => (a <= b ? 1 : 0), takes: 'any', compares: true, grad: null },
}

function ruleOf(op: BinaryOp, { f, int = f, takes, compares = false, grad }: Row): Rule<BinaryOp> {
  return {
    infer: ([a, b]) => {
      checkSameDtype(op, a, b)
      checkSameShape(op, a, b)
      checkDtype(op, a, takes)
      return compares ? { shape: a.shape, dtype: 'bool' } : a
    },
    vjp: (o, g, y, needs) => (grad && isFloat(y.dtype) ? grad(o, g, y.inputs[0], y.inputs[1], y, needs) : [null, null]),
    evaluate: ([a, b], _attrs, out) => {
      const fn = isFloat(a.dtype) ? f : int
      const result = allocate(out.dtype, sizeOf(out.shape))
      for (let i = 0; i < result.length; i++) result[i] = fn(a.data[i], b.data[i])
      return result
    },
  }
}

export const binary = Object.fromEntries(
  Object.entries(rows).map(([op, row]) => [op, ruleOf(op as BinaryOp, row)]),
) as { [F in BinaryOp]: Rule<F> }
