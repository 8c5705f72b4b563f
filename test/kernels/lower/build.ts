/** @file Short names for expressions and nests that tests write by hand. */
import type { DType } from '../../../src/core/dtype.ts'
import type { Expr, Guard, Store } from '../../../src/kernels/expr.ts'
import { type Index, indexOf, linearise, type Var } from '../../../src/kernels/index.ts'
import type { BufferInfo, Nest, Pass, Reduction } from '../../../src/kernels/kernel.ts'
import type { BinaryOp, UnaryOp } from '../../../src/kernels/names.ts'

const rowMajor = (shape: readonly number[]): number[] =>
  shape.map((_, i) => shape.slice(i + 1).reduce((n, d) => n * d, 1))

/** Place of a multi-index in a row-major array. */
export function place(indices: readonly (Index | Var)[], shape: readonly number[]): Index {
  return linearise(
    indices.map((i) => ('kind' in i ? indexOf(i) : i)),
    rowMajor(shape),
  )
}

export function floats(size: number): BufferInfo {
  return { dtype: 'float32', size }
}

export function load(buffer: number, index: Index, guards: readonly Guard[] = [], dtype: DType = 'float32'): Expr {
  return { op: 'load', dtype, buffer, index, guards }
}

export function constant(value: number, dtype: DType = 'float32'): Expr {
  return { op: 'constant', dtype, value }
}

export function unary(fn: UnaryOp, x: Expr): Expr {
  return { op: 'unary', dtype: x.dtype, fn, x }
}

const comparisons: ReadonlySet<BinaryOp> = new Set(['eq', 'ne', 'lt', 'le'])

export function binary(fn: BinaryOp, a: Expr, b: Expr): Expr {
  return { op: 'binary', dtype: comparisons.has(fn) ? 'bool' : a.dtype, fn, a, b }
}

export function reduced(id: number, dtype: DType = 'float32'): Expr {
  return { op: 'reduced', dtype, id }
}

export function store(buffer: number, index: Index, value: Expr): Store {
  return { buffer, index, value }
}

export function pass(inner: readonly Var[], reductions: readonly Reduction[], stores: readonly Store[]): Pass {
  return { inner, reductions, stores }
}

export function nest(buffers: readonly BufferInfo[], outer: readonly Var[], passes: readonly Pass[]): Nest {
  return { kind: 'nest', name: 'test', buffers, outer, passes }
}
