/** @file Random nests: views of views, guards, mixed dtypes, every reduction, several passes. */
import fc, { type GeneratorValue } from 'fast-check'
import type { DType } from '../../../src/core/dtype.ts'
import type { Expr, Guard, Store } from '../../../src/kernels/expr.ts'
import {
  add,
  constantIndex,
  delinearise,
  div,
  type Index,
  indexOf,
  linearise,
  mod,
  newVar,
  scale,
  type Var,
} from '../../../src/kernels/index.ts'
import type { BufferInfo, Nest, Pass, Reduction } from '../../../src/kernels/kernel.ts'
import type { BinaryOp, UnaryOp } from '../../../src/kernels/names.ts'

export const strides = (shape: readonly number[]): number[] =>
  shape.map((_, i) => shape.slice(i + 1).reduce((n, d) => n * d, 1))
export const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1)

const extents = [1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17, 20, 33, 40]
/** Iterations of a nest, so that evaluation stays quick. */
const LARGEST = 3000

interface View {
  readonly index: readonly Index[]
  readonly shape: readonly number[]
  readonly guards: readonly Guard[]
}

/** Draws parts of a nest. `exact`: only operations whose results float32 holds exactly. */
export class NestMaker {
  readonly #g: GeneratorValue
  readonly exact: boolean
  readonly buffers: BufferInfo[] = []
  #nextId = 0

  constructor(g: GeneratorValue, exact: boolean) {
    this.#g = g
    this.exact = exact
  }

  int(min: number, max: number): number {
    return this.#g(fc.integer, { min, max })
  }

  pick<T>(from: readonly T[]): T {
    return from[this.int(0, from.length - 1)]
  }

  chance(percent: number): boolean {
    return this.int(0, 99) < percent
  }

  shape(most: number, room = LARGEST): number[] {
    const shape: number[] = []
    let left = room
    for (let rank = this.int(0, most); rank > 0; rank--) {
      const fitting = extents.filter((d) => d <= left)
      const d = this.chance(2) ? 0 : this.pick(fitting)
      shape.push(d)
      left = Math.floor(left / Math.max(1, d))
    }
    return shape
  }

  buffer(dtype: DType, size: number): number {
    return this.buffers.push({ dtype, size }) - 1
  }

  // Views ----------------------------------------------------------------------------------------------------------

  /** Some view of a buffer, at `view`. */
  leaf(dtype: DType, view: View): Expr {
    let { index, shape, guards } = view
    for (let steps = this.int(0, 3); steps > 0; steps--) {
      ;({ index, shape, guards } = this.#step({ index, shape, guards }))
    }
    if (shape.length > 0 && this.chance(15)) return this.#concat(dtype, { index, shape, guards })
    const buffer = this.buffer(dtype, sizeOf(shape))
    return { op: 'load', dtype, buffer, index: linearise(index, strides(shape)), guards }
  }

  #concat(dtype: DType, { index, shape, guards }: View): Expr {
    const axis = this.int(0, shape.length - 1)
    const cut = this.int(0, shape[axis])
    const part = (lo: number, hi: number): Expr => {
      const size = shape.map((d, i) => (i === axis ? hi - lo : d))
      const inner = index.map((x, i) => (i === axis ? add(x, -lo) : x))
      const guard: Guard = { index: index[axis], lo, hi }
      const buffer = this.buffer(dtype, sizeOf(size))
      return { op: 'load', dtype, buffer, index: linearise(inner, strides(size)), guards: [...guards, guard] }
    }
    const condition: Expr = { op: 'inside', dtype: 'bool', guards: [{ index: index[axis], lo: 0, hi: cut }] }
    return { op: 'select', dtype, condition, a: part(0, cut), b: part(cut, shape[axis]) }
  }

  #step({ index, shape, guards }: View): View {
    const axis = shape.length > 0 ? this.int(0, shape.length - 1) : -1
    const at = (x: Index, d: number, more: readonly Guard[] = []): View => ({
      index: index.map((y, i) => (i === axis ? x : y)),
      shape: shape.map((y, i) => (i === axis ? d : y)),
      guards: [...guards, ...more],
    })
    if (axis < 0 || sizeOf(shape) === 0) return { index, shape, guards }
    const [i, d] = [index[axis], shape[axis]]
    switch (this.pick(['reshape', 'permute', 'flip', 'slice', 'pad', 'dilate', 'expand', 'repeat', 'tile'] as const)) {
      case 'reshape': {
        const to = this.#reshaped(sizeOf(shape))
        return { index: delinearise(linearise(index, strides(shape)), to), shape: to, guards }
      }
      case 'permute': {
        const other = this.int(0, shape.length - 1)
        const swap = <T>(x: readonly T[]): T[] => x.map((y, k) => (k === axis ? x[other] : k === other ? x[axis] : y))
        return { index: swap(index), shape: swap(shape), guards }
      }
      case 'flip':
        return at(add(scale(i, -1), d - 1), d)
      case 'slice': {
        const step = this.int(1, 3)
        const start = this.int(0, 2)
        return at(add(scale(i, step), start), start + (d - 1) * step + 1 + this.int(0, 1))
      }
      case 'pad': {
        const low = this.int(0, 3)
        const size = Math.max(1, d - low - this.int(0, 3))
        const x = add(i, -low)
        return at(x, size, [{ index: x, lo: 0, hi: size }])
      }
      case 'dilate': {
        const step = this.int(2, 3)
        const low = this.int(0, 2)
        const x = add(i, -low)
        const size = Math.max(1, Math.ceil((d - low) / step))
        const extent = (size - 1) * step + 1
        const whole: Guard = { index: mod(x, step), lo: 0, hi: 1 }
        return at(div(x, step), size, [{ index: x, lo: 0, hi: extent }, whole])
      }
      case 'expand':
        return at(constantIndex(0), 1)
      case 'repeat': {
        const times = this.int(2, 5)
        return at(div(i, times), Math.ceil(d / times))
      }
      case 'tile': {
        const size = this.int(1, d)
        return at(mod(i, size), size)
      }
    }
  }

  #reshaped(size: number): number[] {
    const shape: number[] = []
    let left = size
    while (left > 1 && shape.length < 3) {
      const divisors = extents.filter((d) => d > 1 && left % d === 0)
      if (divisors.length === 0) break
      const d = this.pick(divisors)
      shape.push(d)
      left /= d
    }
    return left > 1 || shape.length === 0 ? [left, ...shape] : shape
  }

  // Expressions ----------------------------------------------------------------------------------------------------

  /** An expression at `view`; `others` may be used as they are. */
  expr(dtype: DType, view: View, depth: number, others: readonly Expr[] = []): Expr {
    const usable = others.filter((e) => e.dtype === dtype)
    if (usable.length > 0 && this.chance(30)) return this.pick(usable)
    if (depth === 0) return this.chance(10) ? this.#constant(dtype) : this.leaf(dtype, view)
    const sub = (type: DType = dtype): Expr => this.expr(type, view, depth - 1, others)
    const kind = this.int(0, 9)
    if (kind < 4) return { op: 'binary', dtype, fn: this.pick(this.#binary(dtype)), a: sub(), b: sub() }
    if (kind < 6) return { op: 'unary', dtype, fn: this.pick(this.#unary(dtype)), x: sub() }
    if (kind === 6 && this.exact) return { op: 'select', dtype, condition: sub('bool'), a: sub(), b: sub() }
    if (kind === 7 && this.exact) {
      const from = this.pick(['float32', 'int32', 'uint8', 'bool'] as const)
      if (dtype === 'bool' && from !== 'bool') {
        return { op: 'binary', dtype, fn: this.pick(['eq', 'ne', 'lt', 'le'] as const), a: sub(from), b: sub(from) }
      }
      return { op: 'cast', dtype, x: sub(from) }
    }
    if (kind === 8 && dtype === 'int32' && view.index.length > 0)
      return { op: 'index', dtype, index: this.pick(view.index) }
    if (kind === 9 && dtype !== 'bool') return this.#gathered(dtype, view)
    return this.leaf(dtype, view)
  }

  #gathered(dtype: DType, view: View): Expr {
    const rows = this.int(1, 6)
    const size = sizeOf(view.shape)
    const x = this.leaf('int32', view)
    const guards = x.op === 'load' ? x.guards : []
    const at: Expr = { op: 'bound', dtype: 'int32', x, size: rows, operation: 7, guards }
    const byRow = this.chance(50)
    const buffer = this.buffer(dtype, Math.max(1, size) * rows)
    const index = linearise(view.index, strides(view.shape))
    return byRow
      ? { op: 'gather', dtype, buffer, index, at, stride: Math.max(1, size), guards }
      : { op: 'gather', dtype, buffer, index: scale(index, rows), at, stride: 1, guards }
  }

  #constant(dtype: DType): Expr {
    const value = dtype === 'float32' ? this.int(-8, 8) / 4 : dtype === 'int32' ? this.int(-9, 9) : this.int(0, 1)
    return { op: 'constant', dtype, value }
  }

  #unary(dtype: DType): readonly UnaryOp[] {
    if (dtype === 'bool') return ['not']
    if (dtype !== 'float32') return ['neg', 'abs', 'not']
    return this.exact
      ? ['neg', 'abs', 'sign', 'floor', 'ceil', 'round', 'trunc']
      : ['neg', 'tanh', 'sigmoid', 'sin', 'atan']
  }

  #binary(dtype: DType): readonly BinaryOp[] {
    if (dtype === 'bool') return ['and', 'or', 'xor', 'max', 'min']
    if (dtype !== 'float32') return ['add', 'sub', 'mul', 'max', 'min', 'and', 'or', 'xor', 'rem', 'idiv']
    return this.exact ? ['add', 'sub', 'max', 'min', 'mul'] : ['add', 'sub', 'mul']
  }

  // Passes ---------------------------------------------------------------------------------------------------------

  dtype(): DType {
    return this.exact ? this.pick(['float32', 'float32', 'int32', 'uint8', 'bool'] as const) : 'float32'
  }

  store(vars: readonly Var[], value: Expr): Store {
    // Any order of the loops, any of them backwards.
    const order = vars.map((v) => ({ v, key: this.int(0, 99) })).sort((a, b) => a.key - b.key)
    const shape = order.map(({ v }) => v.extent)
    const index = order.map(({ v }) => (this.chance(10) ? add(scale(indexOf(v), -1), v.extent - 1) : indexOf(v)))
    return { buffer: this.buffer(value.dtype, sizeOf(shape)), index: linearise(index, strides(shape)), value }
  }

  reduction(view: View, inner: readonly Var[], others: readonly Expr[], running: boolean): Reduction {
    const dtype = this.dtype()
    const value = this.expr(dtype, view, this.int(0, 2), others)
    const id = this.#nextId++
    const shape = inner.map((v) => v.extent)
    const last = inner.at(-1)
    const position: Expr = { op: 'index', dtype: 'int32', index: linearise(inner.map(indexOf), strides(shape)) }
    const simple = ['sum', 'max', 'min', ...(dtype === 'float32' ? [] : (['prod'] as const))] as const
    if (running) return { id, op: this.pick(simple), value, running }
    if (this.exact && last !== undefined && this.chance(30))
      return { id, op: this.pick(['argmax', 'argmin'] as const), value, position }
    return { id, op: this.pick(simple), value }
  }

  pass(outer: readonly Var[], inner: readonly Var[], reductions: number, known: Expr[], running = false): Pass {
    const vars = [...outer, ...inner]
    const view: View = { index: vars.map(indexOf), shape: vars.map((v) => v.extent), guards: [] }
    const made = Array.from({ length: reductions }, () => this.reduction(view, inner, known, running))
    const stores: Store[] = []
    const results = made.map((r): Expr => ({ op: 'reduced', dtype: r.position ? 'int32' : r.value.dtype, id: r.id }))
    if (running)
      for (const e of results)
        stores.push(this.store(vars, this.chance(50) ? e : this.expr(e.dtype, view, 1, [e, ...known])))
    for (let n = this.int(reductions > 0 ? 0 : 1, 2); n > 0; n--) {
      stores.push(this.store(vars, this.expr(this.dtype(), view, this.int(0, 3), known)))
    }
    known.push(...results)
    return { inner, reductions: made, stores }
  }

  nest(outer: readonly Var[], passes: readonly Pass[]): Nest {
    return { kind: 'nest', name: 'random', buffers: this.buffers, outer, passes }
  }
}

/** A nest of any form. */
export function drawNest(g: GeneratorValue): { nest: Nest; exact: boolean } {
  const exact = g(fc.boolean)
  const m = new NestMaker(g, exact)
  const form = m.pick(['elementwise', 'reduce', 'passes', 'running'] as const)
  const shape = m.shape(3)
  const outer = shape.map((d) => newVar(d))
  if (form === 'elementwise') return { nest: m.nest(outer, [m.pass(outer, [], 0, [])]), exact }
  const room = Math.max(1, Math.floor(LARGEST / Math.max(1, sizeOf(shape))))
  const inner = (): Var[] => m.shape(2, room).map((d) => newVar(d))
  const known: Expr[] = []
  const passes: Pass[] = []
  if (form === 'running') {
    passes.push(m.pass(outer, inner(), 1, known, true))
    return { nest: m.nest(outer, passes), exact }
  }
  for (let n = form === 'reduce' ? 1 : m.int(2, 3); n > 0; n--) passes.push(m.pass(outer, inner(), m.int(1, 2), known))
  // Results per outer iteration, and an elementwise pass that uses them.
  passes.push(m.pass(outer, [], 0, known))
  if (m.chance(40)) passes.push(m.pass(outer, inner(), 0, known))
  return { nest: m.nest(outer, passes), exact }
}
