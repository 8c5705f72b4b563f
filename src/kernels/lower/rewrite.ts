/** @file Rewriting whole nests: every index of every expression, shared parts once. */
import { type Expr, mapIndices, type Store } from '../expr.ts'
import type { Index } from '../index.ts'
import type { Pass, Reduction } from '../kernel.ts'

/** The expressions that a pass computes: reductions' first. */
export function expressionsOf(pass: Pass): Expr[] {
  const found: Expr[] = []
  for (const r of pass.reductions) {
    found.push(r.value)
    if (r.position) found.push(r.position)
  }
  for (const s of pass.stores) found.push(s.value)
  return found
}

/** Maps every index of the passes. */
export function mapPasses(passes: readonly Pass[], map: (i: Index) => Index): Pass[] {
  const done = new Map<Expr, Expr>()
  return rebuild(
    passes,
    (e) => mapIndices(e, map, done),
    (s) => map(s.index),
  )
}

/** Maps the expressions of the passes. */
export function mapExpressions(passes: readonly Pass[], map: (e: Expr) => Expr): Pass[] {
  return rebuild(passes, map, (s) => s.index)
}

function rebuild(passes: readonly Pass[], map: (e: Expr) => Expr, index: (s: Store) => Index): Pass[] {
  return passes.map((p) => ({
    inner: p.inner,
    reductions: p.reductions.map(
      (r): Reduction => ({ ...r, value: map(r.value), ...(r.position ? { position: map(r.position) } : {}) }),
    ),
    stores: p.stores.map((s): Store => ({ buffer: s.buffer, index: index(s), value: map(s.value) })),
  }))
}

/** Replaces results of reductions by expressions. */
export function replaceReduced(passes: readonly Pass[], by: ReadonlyMap<number, Expr>): Pass[] {
  if (by.size === 0) return [...passes]
  const done = new Map<Expr, Expr>()
  const go = (e: Expr): Expr => {
    const old = done.get(e)
    if (old) return old
    const r = e.op === 'reduced' ? (by.get(e.id) ?? e) : mapOperands(e, go)
    done.set(e, r)
    return r
  }
  return mapExpressions(passes, go)
}

/** The expression with its operands mapped; the same object where none changes. */
export function mapOperands<E extends Expr>(e: E, go: (x: Expr) => Expr): E
export function mapOperands(e: Expr, go: (x: Expr) => Expr): Expr {
  switch (e.op) {
    case 'unary':
    case 'cast':
    case 'bound': {
      const x = go(e.x)
      return x === e.x ? e : { ...e, x }
    }
    case 'binary': {
      const [a, b] = [go(e.a), go(e.b)]
      return a === e.a && b === e.b ? e : { ...e, a, b }
    }
    case 'select': {
      const [condition, a, b] = [go(e.condition), go(e.a), go(e.b)]
      return condition === e.condition && a === e.a && b === e.b ? e : { ...e, condition, a, b }
    }
    case 'random': {
      const [key0, key1, counter] = [go(e.key0), go(e.key1), go(e.counter)]
      return key0 === e.key0 && key1 === e.key1 && counter === e.counter ? e : { ...e, key0, key1, counter }
    }
    case 'gather': {
      const at = go(e.at)
      return at === e.at ? e : { ...e, at }
    }
    default:
      return e
  }
}
