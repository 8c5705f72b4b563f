/** @file What kernel descriptions mean, computed one element after another: what lowerings are held against. */
import { threefry2x32 } from '../../../src/core/random.ts'
import type { Expr, Guard } from '../../../src/kernels/expr.ts'
import { evaluateIndex, type Index, type Var } from '../../../src/kernels/index.ts'
import type { BufferInfo, Nest, Pass, Reduction, Scatter } from '../../../src/kernels/kernel.ts'
import type { BinaryOp, UnaryOp } from '../../../src/kernels/names.ts'

export type Memory = (Float32Array | Int32Array | Uint8Array)[]

export function allocate({ dtype, size }: BufferInfo): Float32Array | Int32Array | Uint8Array {
  if (dtype === 'float32') return new Float32Array(size)
  return dtype === 'int32' ? new Int32Array(size) : new Uint8Array(size)
}

export interface Failure {
  readonly operation: number
  readonly value: number
  readonly size: number
}

/** Runs a nest on `memory` and returns the failures of index checks. */
export function runNest(nest: Nest, memory: Memory): Failure[] {
  const run = new Run(memory)
  const { values } = run
  const over = (vars: readonly Var[], body: () => void): void => {
    if (vars.length === 0) {
      body()
      return
    }
    for (let i = 0; i < vars[0].extent; i++) {
      values.set(vars[0], i)
      over(vars.slice(1), body)
    }
  }
  over(nest.outer, () => {
    run.reduced.clear()
    for (const pass of nest.passes) {
      const states = pass.reductions.map((r) => start(r))
      const publish = (): void => {
        for (const [k, r] of pass.reductions.entries()) run.reduced.set(r.id, finish(r, states[k]))
      }
      over(pass.inner, () => iteration(run, pass, states))
      publish()
    }
  })
  return run.failures
}

interface State {
  value: number
  position: number
  empty: boolean
}

function iteration(run: Run, pass: Pass, states: State[]): void {
  run.seen.clear()
  pass.reductions.forEach((r, k) => {
    step(r, states[k], run.value(r.value), r.position ? run.value(r.position) : 0)
    if (r.running) run.reduced.set(r.id, finish(r, states[k]))
  })
  const values = pass.stores.map((s) => run.value(s.value))
  pass.stores.forEach((s, i) => {
    run.write(s.buffer, s.index, values[i])
  })
}

function start(r: Reduction): State {
  const { dtype } = r.value
  const float = dtype === 'float32'
  const least = float ? Number.NEGATIVE_INFINITY : dtype === 'int32' ? -(2 ** 31) : 0
  const most = float ? Number.POSITIVE_INFINITY : dtype === 'int32' ? 2 ** 31 - 1 : dtype === 'uint8' ? 255 : 1
  const value = { sum: 0, prod: 1, max: least, min: most, argmax: 0, argmin: 0 }[r.op]
  return { value, position: 0, empty: true }
}

function step(r: Reduction, s: State, x: number, position: number): void {
  const int = r.value.dtype !== 'float32'
  switch (r.op) {
    case 'sum':
      s.value = int ? (s.value + x) | 0 : s.value + x
      break
    case 'prod':
      s.value = int ? Math.imul(s.value, x) : s.value * x
      break
    case 'max':
      s.value = Math.max(s.value, x)
      break
    case 'min':
      s.value = Math.min(s.value, x)
      break
    default: {
      const better = r.op === 'argmax' ? x > s.value : x < s.value
      if (!s.empty && !better && !(Number.isNaN(x) && !Number.isNaN(s.value))) return
      s.value = x
      s.position = position
    }
  }
  s.empty = false
}

function finish(r: Reduction, s: State): number {
  if (r.op === 'argmax' || r.op === 'argmin') return s.position
  if (r.value.dtype === 'bool') return s.value === 0 ? 0 : 1
  return r.value.dtype === 'uint8' ? s.value & 255 : s.value
}

class Run {
  readonly memory: Memory
  readonly values = new Map<Var, number>()
  readonly reduced = new Map<number, number>()
  readonly seen = new Map<Expr, number>()
  readonly failures: Failure[] = []

  constructor(memory: Memory) {
    this.memory = memory
  }

  at(i: Index): number {
    return evaluateIndex(i, this.values)
  }

  inside(guards: readonly Guard[]): boolean {
    return guards.every((g) => this.at(g.index) >= g.lo && this.at(g.index) < g.hi)
  }

  read(buffer: number, i: number): number {
    const x = this.memory[buffer][i]
    if (x === undefined) throw new Error(`the description itself reads element ${i} of buffer ${buffer}`)
    return x
  }

  write(buffer: number, index: Index, value: number): void {
    const i = this.at(index)
    if (!(i >= 0 && i < this.memory[buffer].length)) throw new Error(`the description itself writes element ${i}`)
    this.memory[buffer][i] = value
  }

  value(e: Expr): number {
    let x = this.seen.get(e)
    if (x === undefined) {
      x = this.compute(e)
      if (e.dtype === 'float32') x = Math.fround(x)
      this.seen.set(e, x)
    }
    return x
  }

  compute(e: Expr): number {
    switch (e.op) {
      case 'load':
        return this.inside(e.guards) ? this.read(e.buffer, this.at(e.index)) : 0
      case 'gather':
        return this.inside(e.guards) ? this.read(e.buffer, this.at(e.index) + e.stride * this.value(e.at)) : 0
      case 'constant':
        return e.value
      case 'index':
        return this.at(e.index)
      case 'inside':
        return this.inside(e.guards) ? 1 : 0
      case 'unary':
        return unary(e.fn, this.value(e.x), e.dtype)
      case 'binary': {
        const r = binary(e.fn, this.value(e.a), this.value(e.b), e.a.dtype)
        return e.dtype === 'uint8' ? r & 255 : e.dtype === 'int32' ? r | 0 : r
      }
      case 'select': {
        // Both sides are computed: an index check on either may fail.
        const [a, b] = [this.value(e.a), this.value(e.b)]
        return this.value(e.condition) === 0 ? b : a
      }
      case 'cast': {
        const x = this.value(e.x)
        if (e.dtype === 'bool') return x === 0 ? 0 : 1
        if (e.dtype === 'float32') return x
        const clamped = Math.min(Math.max(Math.trunc(x), -(2 ** 31)), 2 ** 31 - 1)
        const int = Number.isNaN(x) ? 0 : clamped
        return e.dtype === 'uint8' ? int & 255 : int
      }
      case 'bound': {
        const x = this.value(e.x)
        const wrapped = x < 0 ? x + e.size : x
        if (wrapped >= 0 && wrapped < e.size) return wrapped
        if (this.inside(e.guards)) this.failures.push({ operation: e.operation, value: x, size: e.size })
        return 0
      }
      case 'random':
        return threefry2x32(this.value(e.key0), this.value(e.key1), this.value(e.counter), 0)[0] | 0
      case 'reduced':
        return this.reduced.get(e.id) ?? Number.NaN
      case 'accumulator':
        throw new Error('nests have no accumulator')
    }
  }
}

function unary(fn: UnaryOp, x: number, dtype: string): number {
  switch (fn) {
    case 'neg':
      return dtype === 'uint8' ? -x & 255 : -x
    case 'not':
      return dtype === 'bool' ? 1 - x : dtype === 'uint8' ? ~x & 255 : ~x
    case 'round': {
      const r = Math.round(x)
      return Math.abs(x - Math.trunc(x)) === 0.5 && r % 2 !== 0 ? r - 1 : r
    }
    case 'sigmoid':
      return 1 / (1 + Math.exp(-x))
    case 'erf':
      return Math.tanh(x)
    case 'sqrt':
    case 'abs':
    case 'sign':
    case 'floor':
    case 'ceil':
    case 'trunc':
    case 'exp':
    case 'expm1':
    case 'log':
    case 'log1p':
    case 'sin':
    case 'cos':
    case 'atan':
    case 'tanh':
      return Math[fn](x)
  }
}

function binary(fn: BinaryOp, a: number, b: number, dtype: string): number {
  const int = dtype !== 'float32'
  const rem = b === 0 && int ? 0 : a - Math.floor(a / b) * b
  switch (fn) {
    case 'add':
      return dtype === 'bool' ? a | b : a + b
    case 'sub':
      return dtype === 'bool' ? a ^ b : a - b
    case 'mul':
      return int ? Math.imul(a, b) : a * b
    case 'div':
      return int ? (b === 0 ? 0 : Math.floor(a / b)) : a / b
    case 'pow':
      return a ** b
    case 'max':
      return Math.max(a, b)
    case 'min':
      return Math.min(a, b)
    case 'rem':
      return rem
    case 'idiv':
      return b === 0 && int ? 0 : Math.floor(a / b)
    case 'and':
      return a & b
    case 'or':
      return a | b
    case 'xor':
      return a ^ b
    case 'shl':
      return a << b
    case 'shr':
      return a >> b
    case 'eq':
      return a === b ? 1 : 0
    case 'ne':
      return a !== b ? 1 : 0
    case 'lt':
      return a < b ? 1 : 0
    case 'le':
      return a <= b ? 1 : 0
  }
}

/** Runs a scatter on `memory`. */
export function runScatter(s: Scatter, memory: Memory): void {
  const [indices, updates, out] = [memory[s.indices], memory[s.updates], memory[s.out]]
  out.fill(0)
  for (let o = 0; o < s.outer; o++) {
    for (let p = 0; p < s.positions; p++) {
      for (let i = 0; i < s.inner; i++) {
        out[(o * s.rows + indices[p]) * s.inner + i] += updates[(o * s.positions + p) * s.inner + i]
      }
    }
  }
}
