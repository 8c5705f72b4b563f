/**
 * @file Scalar expressions: what a kernel computes for one element. They form a DAG; the same object used twice is
 * computed once. Loads carry symbolic addresses, so views cost nothing.
 */
import type { DType } from '../core/dtype.ts'
import type { Index, Var } from './index.ts'
import type { BinaryOp, UnaryOp } from './names.ts'

/** Holds where lo ≤ index < hi. */
export interface Guard {
  readonly index: Index
  readonly lo: number
  readonly hi: number
}

/** `dtype` of every expression: that of its value. bool is a mask in registers and 0/1 bytes in memory. */
export type Expr =
  /** Element `index` of a buffer; 0 (without touching memory) where a guard fails. */
  | {
      readonly op: 'load'
      readonly dtype: DType
      readonly buffer: number
      readonly index: Index
      readonly guards: readonly Guard[]
    }
  /** Element `index + stride × at` of a buffer; `at` has passed `bound`, so it is in range where the guards hold. */
  | {
      readonly op: 'gather'
      readonly dtype: DType
      readonly buffer: number
      readonly index: Index
      readonly at: Expr
      readonly stride: number
      readonly guards: readonly Guard[]
    }
  | { readonly op: 'constant'; readonly dtype: DType; readonly value: number }
  /** The value of an index as int32. */
  | { readonly op: 'index'; readonly dtype: 'int32'; readonly index: Index }
  /** bool: whether all guards hold. */
  | { readonly op: 'inside'; readonly dtype: 'bool'; readonly guards: readonly Guard[] }
  | { readonly op: 'unary'; readonly dtype: DType; readonly fn: UnaryOp; readonly x: Expr }
  | { readonly op: 'binary'; readonly dtype: DType; readonly fn: BinaryOp; readonly a: Expr; readonly b: Expr }
  | { readonly op: 'select'; readonly dtype: DType; readonly condition: Expr; readonly a: Expr; readonly b: Expr }
  | { readonly op: 'cast'; readonly dtype: DType; readonly x: Expr }
  /**
   * int32 in [0, size): negative values in [−size, 0) have size added. Outside, the status word is set to
   * (1, `operation`, the value, size) and the result is 0, so that no access goes astray. Lanes where a guard fails are not checked.
   */
  | {
      readonly op: 'bound'
      readonly dtype: 'int32'
      readonly x: Expr
      readonly size: number
      readonly operation: number
      readonly guards: readonly Guard[]
    }
  /** First word of Threefry-2x32 with the key (key0, key1) on the counter (counter, 0). */
  | { readonly op: 'random'; readonly dtype: 'int32'; readonly key0: Expr; readonly key1: Expr; readonly counter: Expr }
  /** Result of reduction `id` of an earlier pass of the same nest (or, for a running reduction, its value so far). */
  | { readonly op: 'reduced'; readonly dtype: DType; readonly id: number }
  /** The value that a contraction accumulated (in its epilogue). */
  | { readonly op: 'accumulator'; readonly dtype: 'float32' }

/** Writes `value` to element `index` of a buffer. */
export interface Store {
  readonly buffer: number
  readonly index: Index
  readonly value: Expr
}

/** Calls `visit` for the direct operands of an expression. */
export function operands(e: Expr): readonly Expr[] {
  switch (e.op) {
    case 'unary':
    case 'cast':
    case 'bound':
      return [e.x]
    case 'binary':
      return [e.a, e.b]
    case 'select':
      return [e.condition, e.a, e.b]
    case 'random':
      return [e.key0, e.key1, e.counter]
    case 'gather':
      return [e.at]
    default:
      return []
  }
}

/** Rebuilds an expression with every index and guard mapped (loop variables renamed, merged or split). */
export function mapIndices(e: Expr, map: (i: Index) => Index, done: Map<Expr, Expr> = new Map()): Expr {
  const old = done.get(e)
  if (old) return old
  const guards = (gs: readonly Guard[]): Guard[] => gs.map((g) => ({ ...g, index: map(g.index) }))
  const go = (x: Expr): Expr => mapIndices(x, map, done)
  let r: Expr
  switch (e.op) {
    case 'load':
      r = { ...e, index: map(e.index), guards: guards(e.guards) }
      break
    case 'gather':
      r = { ...e, index: map(e.index), guards: guards(e.guards), at: go(e.at) }
      break
    case 'index':
      r = { ...e, index: map(e.index) }
      break
    case 'inside':
      r = { ...e, guards: guards(e.guards) }
      break
    case 'unary':
    case 'cast':
      r = { ...e, x: go(e.x) }
      break
    case 'bound':
      r = { ...e, x: go(e.x), guards: guards(e.guards) }
      break
    case 'binary':
      r = { ...e, a: go(e.a), b: go(e.b) }
      break
    case 'select':
      r = { ...e, condition: go(e.condition), a: go(e.a), b: go(e.b) }
      break
    case 'random':
      r = { ...e, key0: go(e.key0), key1: go(e.key1), counter: go(e.counter) }
      break
    default:
      r = e
  }
  done.set(e, r)
  return r
}

export type { Var }
