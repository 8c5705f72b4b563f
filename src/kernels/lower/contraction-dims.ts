/**
 * @file The loops of a contraction in canonical form: none of extent 1, neighbours that act as one loop merged into
 * one, and roles that say what the strides say.
 */
import { type Expr, mapIndices, type Store } from '../expr.ts'
import { type Index, indexOf, newVar, strideOf, substitute, type Var, zero } from '../index.ts'
import type { Contraction, ContractionDim } from '../kernel.ts'

export interface Canonical {
  /** Outer to inner: by role, then by falling strides. */
  readonly dims: readonly ContractionDim[]
  readonly stores: readonly Store[]
}

export function canonical(c: Contraction): Canonical {
  const single = new Map<Var, Index>()
  for (const d of c.dims) if (d.v.extent === 1) single.set(d.v, zero)
  let dims = c.dims.filter((d) => d.v.extent !== 1).map(withRole)
  let stores = rename(c.stores, single)
  dims.sort(byStride)
  for (;;) {
    const pair = mergeable(dims, stores)
    if (pair === null) return { dims, stores }
    const [outer, inner] = pair
    const v = newVar(outer.v.extent * inner.v.extent)
    const by = new Map([
      [outer.v, zero],
      [inner.v, indexOf(v)],
    ])
    stores = rename(stores, by)
    dims = dims.filter((d) => d !== outer).map((d) => (d === inner ? { ...inner, v } : d))
  }
}

/** A batch dim that moves only one operand is a row or column of the other's. */
function withRole(d: ContractionDim): ContractionDim {
  if (d.role !== 'batch') return d
  if (d.a === 0) return { ...d, role: 'n' }
  if (d.b === 0) return { ...d, role: 'm' }
  return d
}

const size = (d: ContractionDim): number => Math.max(Math.abs(d.a), Math.abs(d.b))
const byStride = (p: ContractionDim, q: ContractionDim): number => size(q) - size(p)

/** Two dims of one role where the inner one running on past its end is the outer one's next step. */
function mergeable(
  dims: readonly ContractionDim[],
  stores: readonly Store[],
): readonly [ContractionDim, ContractionDim] | null {
  const indices = indicesOf(stores)
  for (const p of dims) {
    for (const q of dims) {
      const n = q.v.extent
      if (p === q || p.role !== q.role || p.a !== q.a * n || p.b !== q.b * n) continue
      const together = (i: Index): boolean => {
        const inner = strideOf(i, q.v)
        const outer = strideOf(i, p.v)
        return inner !== null && outer !== null && outer === inner * n
      }
      if (p.role === 'k' || indices.every(together)) return [p, q]
    }
  }
  return null
}

function rename(stores: readonly Store[], by: ReadonlyMap<Var, Index>): Store[] {
  const done = new Map<Expr, Expr>()
  const map = (i: Index): Index => substitute(i, by)
  return stores.map((s) => ({ ...s, index: map(s.index), value: mapIndices(s.value, map, done) }))
}

/** Every index that the stores mention, guards' included. */
export function indicesOf(stores: readonly Store[]): Index[] {
  const found: Index[] = []
  const done = new Map<Expr, Expr>()
  const note = (i: Index): Index => {
    found.push(i)
    return i
  }
  for (const s of stores) {
    note(s.index)
    mapIndices(s.value, note, done)
  }
  return found
}
