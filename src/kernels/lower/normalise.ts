/**
 * @file Loops in their simplest form: none of one or no iterations, neighbours that act as one loop merged, and loops
 * whose divisions and remainders would disappear split in two.
 */
import { GliaError } from '../../core/errors.ts'
import type { Expr } from '../expr.ts'
import {
  add,
  div,
  type Index,
  indexOf,
  mod,
  newVar,
  scale,
  strideOf,
  substitute,
  type Term,
  type Var,
  variablesOf,
  zero,
} from '../index.ts'
import type { Nest, Pass, Reduction } from '../kernel.ts'
import { identityOf } from './reductions.ts'
import { mapPasses, replaceReduced } from './rewrite.ts'
import { survey } from './survey.ts'

/** Divisors below this stay: lanes of a vector deal with them. */
const SPLIT_LEAST = 8

/** A nest that does the same, or null when it does nothing. */
export function normalise(nest: Nest): Nest | null {
  if (nest.outer.some((v) => v.extent === 0)) return null
  let outer: Var[] = nest.outer.filter((v) => v.extent !== 1)
  let passes = withoutEmpty(nest.passes)
  if (passes.length === 0) return null
  passes = passes.map((p) => ({ ...p, inner: p.inner.filter((v) => v.extent !== 1) }))
  for (let rounds = 0; rounds < 8; rounds++) {
    const merged = merge(outer, passes)
    ;({ outer, passes } = merged)
    const split = splitOne(outer, passes)
    if (split === null) break
    ;({ outer, passes } = split)
  }
  return { ...nest, outer, passes }
}

interface Loops {
  readonly outer: Var[]
  readonly passes: Pass[]
}

/** Passes over nothing store nothing; what they reduce is the identity. */
function withoutEmpty(passes: readonly Pass[]): Pass[] {
  const identities = new Map<number, Expr>()
  const kept: Pass[] = []
  for (const p of passes) {
    if (p.inner.some((v) => v.extent === 0)) {
      for (const r of p.reductions) identities.set(r.id, emptyResult(r))
    } else kept.push(p)
  }
  return replaceReduced(kept, identities)
}

function emptyResult(r: Reduction): Expr {
  if (r.position) return { op: 'constant', dtype: 'int32', value: 0 }
  return { op: 'constant', dtype: r.value.dtype, value: identityOf(r) }
}

// Merging ----------------------------------------------------------------------------------------------------------

function merge(outer: readonly Var[], passes: readonly Pass[]): Loops {
  const merged = mergeAffine({ outer: [...outer], passes: [...passes] })
  return mergeGeneral(merged)
}

/** Merges every row of neighbours whose strides continue each other in all indices, at once. */
function mergeAffine(loops: Loops): Loops {
  const by = new Map<Var, Index>()
  const join = (vars: readonly Var[], indices: readonly Index[]): Var[] => {
    const out: Var[] = []
    for (let i = 0; i < vars.length; ) {
      let end = i + 1
      while (end < vars.length && indices.every((x) => continues(x, vars[end - 1], vars[end]))) end++
      if (end === i + 1) out.push(vars[i])
      else {
        const both = newVar(vars.slice(i, end).reduce((n, v) => n * v.extent, 1))
        for (const v of vars.slice(i, end - 1)) by.set(v, zero)
        by.set(vars[end - 1], indexOf(both))
        out.push(both)
      }
      i = end
    }
    return out
  }
  const outer = join(loops.outer, indicesOf(loops.passes))
  const inner = loops.passes.map((p) => join(p.inner, survey(p).indices))
  if (by.size === 0) return loops
  const passes = mapPasses(loops.passes, (i) => substitute(i, by))
  return { outer, passes: passes.map((p, i) => ({ ...p, inner: inner[i] })) }
}

/** Whether a step of a is the step of b after its last. */
function continues(index: Index, a: Var, b: Var): boolean {
  const q = strideOf(index, b)
  return q !== null && strideOf(index, a) === q * b.extent
}

function indicesOf(passes: readonly Pass[]): Index[] {
  return passes.length === 1 ? [...survey(passes[0]).indices] : [...new Set(passes.flatMap((p) => survey(p).indices))]
}

/** Merges neighbours where divisions and remainders undo each other. */
function mergeGeneral(start: Loops): Loops {
  let loops = start
  // Lists of loops: the outer ones, then those of each pass.
  for (let list = -1; list < loops.passes.length; list++) {
    const indices = list < 0 ? indicesOf(loops.passes) : survey(loops.passes[list]).indices
    if (indices.every((i) => i.affine)) continue
    for (let i = 0; i + 1 < variables(loops, list).length; ) {
      const next = mergePair(loops, list, i)
      if (next === null) i++
      else loops = next
    }
  }
  return loops
}

function variables(loops: Loops, list: number): readonly Var[] {
  return list < 0 ? loops.outer : loops.passes[list].inner
}

function withVariables(loops: Loops, list: number, vars: Var[]): Loops {
  if (list < 0) return { ...loops, outer: vars }
  return { ...loops, passes: loops.passes.map((p, i) => (i === list ? { ...p, inner: vars } : p)) }
}

function mergePair(loops: Loops, list: number, i: number): Loops | null {
  const vars = variables(loops, list)
  const [a, b] = [vars[i], vars[i + 1]]
  const n = b.extent
  const both = newVar(a.extent * n)
  const affine = new Map([
    [a, zero],
    [b, indexOf(both)],
  ])
  const general = new Map([
    [a, div(indexOf(both), n)],
    [b, mod(indexOf(both), n)],
  ])
  const mapped = new Map<Index, Index>()
  for (const index of list < 0 ? indicesOf(loops.passes) : survey(loops.passes[list]).indices) {
    if (continues(index, a, b)) {
      mapped.set(index, substitute(index, affine))
      continue
    }
    if (index.affine) return null
    const after = substitute(index, general)
    if (complexity(after) > complexity(index)) return null
    mapped.set(index, after)
  }
  const map = (index: Index): Index => mapped.get(index) ?? index
  const passes =
    list < 0 ? mapPasses(loops.passes, map) : replaceAt(loops.passes, list, mapPasses([loops.passes[list]], map)[0])
  return withVariables({ ...loops, passes }, list, [...vars.slice(0, i), both, ...vars.slice(i + 2)])
}

function replaceAt<T>(list: readonly T[], at: number, x: T): T[] {
  return list.map((y, i) => (i === at ? x : y))
}

/** Divisions and remainders in an index. */
function complexity(index: Index): number {
  let n = 0
  for (const { atom } of index.terms) if (atom.kind !== 'var') n += 1 + complexity(atom.of)
  return n
}

// Splitting --------------------------------------------------------------------------------------------------------

/** Splits one loop at a divisor of its extent by which some index divides it. */
function splitOne(outer: readonly Var[], passes: readonly Pass[]): Loops | null {
  const loops: Loops = { outer: [...outer], passes: [...passes] }
  const indices = indicesOf(passes)
  const divisors = new Map<Var, Set<number>>()
  for (const index of indices) noteDivisors(index.terms, divisors)
  for (const [v, found] of divisors) {
    const by = Math.min(...found)
    const high = newVar(v.extent / by)
    const low = newVar(by)
    const parts = new Map([[v, add(scale(indexOf(high), by), indexOf(low))]])
    const mapped = new Map<Index, Index>()
    let [before, after] = [0, 0]
    for (const index of indices) {
      const there = new Set<Var>()
      variablesOf(index, there)
      if (!there.has(v)) continue
      const next = substitute(index, parts)
      before += complexity(index)
      after += complexity(next)
      mapped.set(index, next)
    }
    if (after >= before) continue
    const map = (index: Index): Index => mapped.get(index) ?? index
    const replace = (vars: readonly Var[]): Var[] =>
      vars.flatMap((x) => (x === v ? [high, low].filter((y) => y.extent > 1) : [x]))
    return {
      outer: replace(loops.outer),
      passes: mapPasses(loops.passes, map).map((p) => ({ ...p, inner: replace(p.inner) })),
    }
  }
  return null
}

/** Finds ⌊v / d⌋ and v mod d where d divides the extent of v. */
function noteDivisors(terms: readonly Term[], into: Map<Var, Set<number>>): void {
  for (const { atom } of terms) {
    if (atom.kind === 'var') continue
    const { of, by } = atom
    noteDivisors(of.terms, into)
    for (const { atom: v, factor } of of.terms) {
      if (v.kind !== 'var' || factor !== 1 || by < SPLIT_LEAST || v.extent % by !== 0 || by >= v.extent) continue
      const found = into.get(v) ?? new Set<number>()
      into.set(v, found.add(by))
    }
  }
}

export function checkDTypes(nest: Nest): void {
  for (const { dtype } of nest.buffers) {
    if (dtype === 'float64') throw new GliaError(`Kernel ${nest.name} uses float64, which only the interp target has.`)
  }
}
