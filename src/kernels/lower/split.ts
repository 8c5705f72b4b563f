/**
 * @file A long reduction with few results is cut into parts that threads can share: one nest leaves the partial results
 * of all parts in memory, a second one reduces those and does the rest. The parts do not depend on the threads.
 */
import { type DType, dtypes } from '../../core/dtype.ts'
import { sizeOf, stridesOf } from '../../core/shape.ts'
import type { Expr, Store } from '../expr.ts'
import { add, type Index, indexOf, linearise, newVar, scale, strideOf, substitute, type Var } from '../index.ts'
import type { BufferInfo, Nest, Pass, Reduction } from '../kernel.ts'
import { choose } from './choose.ts'
import { mapPasses, replaceReduced } from './rewrite.ts'
import { survey } from './survey.ts'

/** Parts wanted. */
const PARTS = 64
/** Units from which on there is work enough for all threads. */
const UNITS = 8
/** Iterations in all below which a nest stays whole: a second call costs a meeting of all threads. */
const LONG = 32768
/** Parts are multiples of this where lanes lie along the cut loop, so that vectors stay whole. */
const GRAIN = 64
/** A part that walks down columns takes so many rows: few enough for the translation buffer to hold their pages. */
const COLUMN = 64
/** Bytes from one row to the next, and in all, from which on walking down columns is slow. */
const FAR = 2048
const LARGE = 1 << 21

export interface Split {
  readonly nests: readonly [Nest, Nest]
  /** Bytes of scratch buffers; their numbers follow those of the nest's own buffers. */
  readonly scratch: readonly number[]
}

export function splitReduction(nest: Nest, width: number): Split | null {
  const [first, ...others] = nest.passes
  if (first.reductions.length === 0 || first.inner.length === 0) return null
  if (survey(first).running || others.some((p) => p.inner.length > 0)) return null
  const rows = sizeOf(nest.outer.map((v) => v.extent))
  const total = rows * survey(first).iterations
  if (total < LONG) return null
  const v = first.inner.reduce((best, x) => (x.extent > best.extent ? x : best))
  const choice = choose(nest, width)
  const lanes = choice.mode === 'outer' ? choice.vector : null
  const cut = lanes === null ? cutRows(rows, v.extent) : cutColumns(first, rows, v, lanes, width)
  return cut === null ? null : new Splitter(nest, v, cut, lanes !== null).split()
}

interface Cut {
  readonly parts: number
  readonly length: number
}

/** Every lane or vector reduces a part of its row. */
function cutRows(rows: number, extent: number): Cut | null {
  if (rows >= UNITS) return null
  const wanted = Math.ceil(PARTS / rows)
  return cutInto(extent, wanted, extent >= wanted * GRAIN ? GRAIN : 1)
}

/** Lanes lie along the results, which are few, or the rows to walk down are far apart. */
function cutColumns(pass: Pass, rows: number, v: Var, lanes: Var, width: number): Cut | null {
  const units = (rows / lanes.extent) * Math.ceil(lanes.extent / width / 8)
  const far = survey(pass).accesses.some((e) => Math.abs(strideOf(e.index, v) ?? 0) * 4 >= FAR)
  if (far && rows * v.extent * 4 >= LARGE && v.extent >= 2 * COLUMN) return cutInto(v.extent, v.extent / COLUMN, 1)
  return units < UNITS ? cutInto(v.extent, PARTS / units, 1) : null
}

function cutInto(extent: number, wanted: number, grain: number): Cut | null {
  const length = Math.max(1, Math.floor(extent / wanted / grain)) * grain
  const parts = Math.floor(extent / length)
  return parts > 1 ? { parts, length } : null
}

class Splitter {
  readonly #nest: Nest
  readonly #v: Var
  readonly #cut: Cut
  /** Whether lanes lie along the results: parts then follow one another as rows of results. */
  readonly #columns: boolean
  readonly #infos: BufferInfo[]
  readonly #scratch: number[] = []
  readonly #rowShape: readonly number[]
  #nextId: number

  constructor(nest: Nest, v: Var, cut: Cut, columns: boolean) {
    this.#nest = nest
    this.#v = v
    this.#cut = cut
    this.#columns = columns
    this.#infos = [...nest.buffers]
    this.#rowShape = nest.outer.map((x) => x.extent)
    this.#nextId = 1 + Math.max(...nest.passes.flatMap((p) => p.reductions.map((r) => r.id)))
  }

  split(): Split {
    const [pass, ...others] = this.#nest.passes
    const whole: Pass = { ...pass, reductions: this.#withValues(pass.reductions) }
    const { parts, length } = this.#cut
    const buffers = whole.reductions.map((r) => this.#buffer(resultType(r)))
    const part = newVar(parts)
    const step = newVar(length)
    const body = this.#replaced(whole, add(scale(indexOf(part), length), indexOf(step)), [step])
    const first: Nest = {
      ...this.#nest,
      buffers: this.#infos,
      outer: this.#columns ? [part, ...this.#nest.outer] : [...this.#nest.outer, part],
      passes: [body, this.#storing(whole.reductions, buffers, this.#place(part))],
    }
    const again = newVar(parts)
    const passes: Pass[] = [this.#reducing(whole, buffers, again)]
    const rest = this.#v.extent - parts * length
    let combined = new Map<number, Expr>()
    if (rest > 0) {
      const left = newVar(rest)
      const last = this.#replaced(whole, add(indexOf(left), parts * length), rest > 1 ? [left] : [])
      const renamed = last.reductions.map((r): Reduction => ({ ...r, id: this.#nextId++ }))
      passes.push({ ...last, reductions: renamed })
      combined = combine(whole.reductions, renamed)
    }
    const second: Nest = {
      ...this.#nest,
      name: `${this.#nest.name} of parts`,
      buffers: this.#infos,
      passes: [...passes, ...replaceReduced(others, combined)],
    }
    return { nests: [first, second], scratch: this.#scratch }
  }

  /** Positions of the greatest need the greatest value as well. */
  #withValues(reductions: readonly Reduction[]): Reduction[] {
    return reductions.flatMap((r): Reduction[] => {
      if (r.op !== 'argmax' && r.op !== 'argmin') return [r]
      return [r, { id: this.#nextId++, op: r.op === 'argmax' ? 'max' : 'min', value: r.value }]
    })
  }

  #buffer(dtype: DType): number {
    const size = sizeOf(this.#rowShape) * this.#cut.parts
    this.#scratch.push(size * dtypes[dtype].bytes)
    return this.#infos.push({ dtype, size }) - 1
  }

  #place(part: Var): Index {
    const row = linearise(this.#nest.outer.map(indexOf), stridesOf(this.#rowShape))
    if (this.#columns) return add(scale(indexOf(part), sizeOf(this.#rowShape)), row)
    return add(scale(row, this.#cut.parts), indexOf(part))
  }

  /** The pass with the cut loop's variable replaced. */
  #replaced(pass: Pass, by: Index, inner: readonly Var[]): Pass {
    const map = new Map([[this.#v, by]])
    const [p] = mapPasses([pass], (i) => substitute(i, map))
    return { ...p, inner: p.inner.flatMap((x) => (x === this.#v ? inner : [x])) }
  }

  #storing(reductions: readonly Reduction[], buffers: readonly number[], index: Index): Pass {
    const stores = reductions.map(
      (r, i): Store => ({ buffer: buffers[i], index, value: { op: 'reduced', dtype: resultType(r), id: r.id } }),
    )
    return { inner: [], reductions: [], stores }
  }

  #reducing(whole: Pass, buffers: readonly number[], part: Var): Pass {
    const index = this.#place(part)
    const load = (i: number): Expr => {
      return { op: 'load', dtype: resultType(whole.reductions[i]), buffer: buffers[i], index, guards: [] }
    }
    const reductions = whole.reductions.map((r, i): Reduction => {
      // The value of a position follows it.
      if (r.position) return { ...r, value: load(i + 1), position: load(i) }
      return { ...r, value: load(i) }
    })
    return { inner: [part], reductions, stores: [] }
  }
}

function resultType(r: Reduction): DType {
  return r.position ? 'int32' : r.value.dtype
}

/** Results of the parts and of what they leave, together. */
function combine(parts: readonly Reduction[], rest: readonly Reduction[]): Map<number, Expr> {
  const of = (r: Reduction): Expr => ({ op: 'reduced', dtype: resultType(r), id: r.id })
  const names = { sum: 'add', prod: 'mul', max: 'max', min: 'min' } as const
  const by = new Map<number, Expr>()
  parts.forEach((p, i) => {
    const q = rest[i]
    if (p.op !== 'argmax' && p.op !== 'argmin') {
      by.set(p.id, { op: 'binary', dtype: p.value.dtype, fn: names[p.op], a: of(p), b: of(q) })
      return
    }
    const [x, y] = [of(parts[i + 1]), of(rest[i + 1])]
    const condition = later(p.op, x, y, of(p), of(q))
    by.set(p.id, { op: 'select', dtype: 'int32', condition, a: of(q), b: of(p) })
  })
  return by
}

/** Whether y at position q beats x at position p. */
function later(op: 'argmax' | 'argmin', x: Expr, y: Expr, p: Expr, q: Expr): Expr {
  const binary = (fn: 'lt' | 'eq' | 'ne' | 'and' | 'or', a: Expr, b: Expr): Expr => ({
    op: 'binary',
    dtype: 'bool',
    fn,
    a,
    b,
  })
  const first = binary('lt', q, p)
  const better = op === 'argmax' ? binary('lt', x, y) : binary('lt', y, x)
  const beats = binary('or', better, binary('and', binary('eq', x, y), first))
  if (x.dtype !== 'float32') return beats
  const unordered = binary('and', binary('ne', y, y), binary('or', binary('eq', x, x), first))
  return binary('or', beats, unordered)
}
