/**
 * @file Functions of one operand: a row each, with the function on numbers and its gradient. Shape rule and reference
 * evaluation follow from the row.
 */
import { allocate, isFloat } from '../../core/dtype.ts'
import type { Node, UnaryOp } from '../node.ts'
import type { Ops, Rule } from '../rule.ts'
import { checkDtype, type Domain } from './check.ts'
import { erf } from './erf.ts'

interface Row {
  readonly f: (x: number) => number
  readonly takes: Domain
  /** From g, the operand x and the result y; null: zero wherever it is defined. */
  readonly grad: ((o: Ops, g: Node, x: Node, y: Node) => Node) | null
}

function sign(x: number): number {
  return x > 0 ? 1 : x < 0 ? -1 : x
}

/** Ties to even. */
function round(x: number): number {
  const r = Math.round(x)
  return r - x === 0.5 && r % 2 !== 0 ? r - 1 : r
}

/** Without overflow on either side. */
function sigmoid(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))
}

const rows: { readonly [F in UnaryOp]: Row } = {
  neg: { f: (x) => -x, takes: 'number', grad: (o, g) => o.neg(g) },
  abs: { f: Math.abs, takes: 'number', grad: (o, g, x) => o.mul(g, o.sign(x)) },
  sign: { f: sign, takes: 'number', grad: null },
  floor: { f: Math.floor, takes: 'number', grad: null },
  ceil: { f: Math.ceil, takes: 'number', grad: null },
  round: { f: round, takes: 'number', grad: null },
  trunc: { f: Math.trunc, takes: 'number', grad: null },
  exp: { f: Math.exp, takes: 'float', grad: (o, g, _x, y) => o.mul(g, y) },
  expm1: { f: Math.expm1, takes: 'float', grad: (o, g, _x, y) => o.mul(g, o.add(y, 1)) },
  log: { f: Math.log, takes: 'float', grad: (o, g, x) => o.div(g, x) },
  log1p: { f: Math.log1p, takes: 'float', grad: (o, g, x) => o.div(g, o.add(x, 1)) },
  sqrt: { f: Math.sqrt, takes: 'float', grad: (o, g, _x, y) => o.div(g, o.mul(y, 2)) },
  sin: { f: Math.sin, takes: 'float', grad: (o, g, x) => o.mul(g, o.cos(x)) },
  cos: { f: Math.cos, takes: 'float', grad: (o, g, x) => o.neg(o.mul(g, o.sin(x))) },
  atan: { f: Math.atan, takes: 'float', grad: (o, g, x) => o.div(g, o.add(o.mul(x, x), 1)) },
  tanh: { f: Math.tanh, takes: 'float', grad: (o, g, _x, y) => o.mul(g, o.sub(1, o.mul(y, y))) },
  erf: {
    f: erf,
    takes: 'float',
    grad: (o, g, x) => o.mul(g, o.mul(o.exp(o.neg(o.mul(x, x))), 2 / Math.sqrt(Math.PI))),
  },
  sigmoid: { f: sigmoid, takes: 'float', grad: (o, g, _x, y) => o.mul(g, o.mul(y, o.sub(1, y))) },
  /** Logical on bool, bitwise on integers. */
  not: { f: (x) => ~x, takes: 'bits', grad: null },
}

function ruleOf(op: UnaryOp, { f, takes, grad }: Row): Rule<UnaryOp> {
  return {
    infer: ([x]) => {
      checkDtype(op, x, takes)
      return x
    },
    vjp: (o, g, y) => [grad && isFloat(y.dtype) ? grad(o, g, y.inputs[0], y) : null],
    evaluate: ([x], _attrs, out) => {
      const result = allocate(out.dtype, x.data.length)
      const logical = op === 'not' && out.dtype === 'bool'
      for (let i = 0; i < result.length; i++) result[i] = logical ? 1 - x.data[i] : f(x.data[i])
      return result
    },
  }
}

export const unary = Object.fromEntries(Object.entries(rows).map(([op, row]) => [op, ruleOf(op as UnaryOp, row)])) as {
  [F in UnaryOp]: Rule<F>
}
