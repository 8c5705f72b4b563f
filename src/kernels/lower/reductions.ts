/**
 * @file Reductions in vector registers: what they start from, how two partial results meet, how lanes fold into one.
 * `argmax` and `argmin` keep a sortable integer key beside the position; equal keys keep the least position, so that
 * the first wins however the iterations are dealt out.
 */
import type { Reduction } from '../kernel.ts'
import type { ProgramBuilder } from '../program-builder.ts'
import { bitsOf, type Horizontal, type Reg, type V2 } from '../vector.ts'
import { type Class, registerClass } from './functions.ts'

const INT_MIN = -(2 ** 31)
const INT_MAX = 2 ** 31 - 1

type Simple = Exclude<Reduction['op'], 'argmax' | 'argmin'>

interface Rule {
  /** As a number of the dtype; bool: 0 or 1. */
  readonly identity: number
  readonly combine: V2
  readonly fold: Horizontal
}

const any: Rule = { identity: 0, combine: 'or', fold: 'i.min' }
const all: Rule = { identity: 1, combine: 'and', fold: 'i.max' }

const rules: { readonly [C in Class]: { readonly [O in Simple]: Rule } } = {
  float: {
    sum: { identity: 0, combine: 'f.add', fold: 'f.add' },
    prod: { identity: 1, combine: 'f.mul', fold: 'f.mul' },
    max: { identity: Number.NEGATIVE_INFINITY, combine: 'f.max', fold: 'f.max' },
    min: { identity: Number.POSITIVE_INFINITY, combine: 'f.min', fold: 'f.min' },
  },
  int: {
    sum: { identity: 0, combine: 'i.add', fold: 'i.add' },
    prod: { identity: 1, combine: 'i.mul', fold: 'i.mul' },
    max: { identity: INT_MIN, combine: 'i.max', fold: 'i.max' },
    min: { identity: INT_MAX, combine: 'i.min', fold: 'i.min' },
  },
  byte: {
    sum: { identity: 0, combine: 'i.add', fold: 'i.add' },
    prod: { identity: 1, combine: 'i.mul', fold: 'i.mul' },
    max: { identity: 0, combine: 'i.max', fold: 'i.max' },
    min: { identity: 255, combine: 'i.min', fold: 'i.min' },
  },
  bool: { sum: any, prod: all, max: any, min: all },
}

/** What a reduction over nothing gives. */
export function identityOf(r: Reduction): number {
  if (r.op === 'argmax' || r.op === 'argmin') return 0
  return rules[registerClass(r.value.dtype)][r.op].identity
}

/** A partial result: a value, or for argmax and argmin a key and a position. */
export type Partial = readonly Reg[]

/** How one reduction works on registers. */
export interface Reducer {
  /** Registers of a partial result. */
  readonly width: number
  identity(): Partial
  /** What one iteration contributes. */
  element(value: Reg, position: Reg | null): Partial
  /** Keeps in `lanes` (a mask) what `p` has, elsewhere the identity. */
  only(mask: Reg, p: Partial): Partial
  /** `into`: where each register of the result is written; new registers without it. */
  combine(a: Partial, b: Partial, into?: Partial): Partial
  /** The result of all lanes, in every lane. */
  fold(p: Partial): Partial
  /** The value that `reduced` stands for. */
  result(p: Partial): Reg
}

export function reducer(b: ProgramBuilder, r: Reduction): Reducer {
  if (r.op === 'argmax' || r.op === 'argmin') return argReducer(b, r.op === 'argmin', registerClass(r.value.dtype))
  const what = registerClass(r.value.dtype)
  if (what === 'float' && (r.op === 'max' || r.op === 'min')) return extremeReducer(b, r.op)
  const { identity, combine, fold } = rules[what][r.op]
  const bits = what === 'float' ? bitsOf(identity) : what === 'bool' ? -identity : identity
  return {
    width: 1,
    identity: () => [b.constant(bits)],
    element: (value) => [value],
    only: (mask, [value]) => [bits === 0 ? b.v2('and', value, mask) : b.v3('select', mask, value, b.constant(bits))],
    combine: ([x], [y], into) => {
      const d = into?.[0] ?? b.reg('v')
      b.emit({ op: 'v2', fn: combine, d, a: x, b: y })
      return [d]
    },
    fold: ([x]) => [b.fold(fold, x)],
    result: ([x]) => (what === 'byte' ? b.v2('and', x, b.i32(255)) : x),
  }
}

/**
 * Greatest or least float: one instruction a step that loses NaN, and a mask beside it of the lanes that had one. The
 * instructions that keep NaN are several on most machines.
 */
function extremeReducer(b: ProgramBuilder, op: 'max' | 'min'): Reducer {
  const { identity, fold } = rules.float[op]
  return {
    width: 2,
    identity: () => [b.f32(identity), b.i32(0)],
    element: (x) => [x, b.v2('f.ne', x, x)],
    only: (mask, [x, n]) => [b.v3('select', mask, x, b.f32(identity)), b.v2('and', n, mask)],
    combine: ([x, n], [y, m], into) => {
      const [d, e] = into ?? [b.reg('v'), b.reg('v')]
      b.emit({ op: 'v2', fn: op === 'max' ? 'f.pmax' : 'f.pmin', d, a: x, b: y })
      b.emit({ op: 'v2', fn: 'or', d: e, a: n, b: m })
      return [d, e]
    },
    fold: ([x, n]) => [b.fold(fold, x), b.fold('i.min', n)],
    result: ([x, n]) => b.v2('or', x, n),
  }
}

function argReducer(b: ProgramBuilder, least: boolean, what: Class): Reducer {
  const identity: Partial = [b.i32(INT_MIN), b.i32(INT_MAX)]
  const choose = (mask: Reg, p: Partial, q: Partial, into?: Partial): Partial =>
    p.map((x, i) => {
      const d = into?.[i] ?? b.reg('v')
      b.emit({ op: 'v3', fn: 'select', d, a: mask, b: x, c: q[i] })
      return d
    })
  return {
    width: 2,
    identity: () => identity,
    element: (value, position) => {
      if (position === null) throw new Error('argmax and argmin need a position')
      return [sortable(b, value, least, what), position]
    },
    only: (mask, p) => choose(mask, p, identity),
    combine: ([k, p], [l, q], into) => {
      const first = b.v2('and', b.v2('i.eq', k, l), b.v2('i.lt', q, p))
      return choose(b.v2('or', b.v2('i.lt', k, l), first), [l, q], [k, p], into)
    },
    fold: ([k, p]) => {
      const best = b.fold('i.max', k)
      const where = b.v3('select', b.v2('i.eq', k, best), p, b.i32(INT_MAX))
      return [best, b.fold('i.min', where)]
    },
    result: (p) => p[1],
  }
}

/** An int32 that orders as the values do, equal for −0 and +0; NaN is the greatest. `least`: the other way round. */
function sortable(b: ProgramBuilder, x: Reg, least: boolean, what: Class): Reg {
  if (what === 'bool') return least ? x : b.v1('not', x)
  if (what !== 'float') return least ? b.v1('not', x) : x
  const bits = b.v2('f.add', x, b.constant(0))
  const order = b.v2('xor', bits, b.shift('i.shrU', b.shift('i.shr', bits, 31), 1))
  const key = least ? b.v1('not', order) : order
  return b.v3('select', b.v2('f.eq', x, x), key, b.i32(INT_MAX))
}
