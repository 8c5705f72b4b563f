/**
 * @file Which loop becomes the lanes of vectors. Every candidate is priced: how its lanes lie in memory, how full the
 * last vector is, and what it costs to fold lanes after a reduction.
 */
import { add, type Index, indexOf, newVar, scale, strideOf, substitute, type Var } from '../index.ts'
import type { Nest, Pass } from '../kernel.ts'
import { type Access, survey } from './survey.ts'
import { turns } from './transpose.ts'

/**
 * `outer`: lanes are neighbours along an outer loop, and each lane reduces for itself. `inner`: every pass spreads one
 * of its inner loops over the lanes (null: none) and folds them at its end.
 */
export type Choice =
  | { readonly mode: 'outer'; readonly vector: Var }
  | { readonly mode: 'inner'; readonly vectors: readonly (Var | null)[] }

export function choose(nest: Nest, width: number): Choice {
  const prices = nest.passes.map((p) => new PassPrice(p, width))
  const inner = prices.map((p) => p.bestInner())
  let best = inner.reduce((sum, c) => sum + c.price, 0)
  let vector: Var | null = null
  for (const v of nest.outer) {
    const price = prices.reduce((sum, p) => sum + p.along(v, nest.outer), 0)
    // Of equals, the innermost.
    if (price <= best) {
      best = price
      vector = v
    }
  }
  return vector === null ? { mode: 'inner', vectors: inner.map((c) => c.v) } : { mode: 'outer', vector }
}

/** Prices of lanes beside each other: one vector access costs 1. */
const REVERSED = 1.5
const GATHERED = 2
const TURNED = 2.5
const FOLD = 6

class PassPrice {
  readonly #pass: Pass
  readonly #width: number
  readonly #loads: readonly Access[]
  readonly #arithmetic: number

  constructor(pass: Pass, width: number) {
    this.#pass = pass
    this.#width = width
    const { accesses, operations } = survey(pass)
    this.#loads = accesses
    this.#arithmetic = operations + pass.reductions.length
  }

  /** Cost of one outer iteration when lanes lie along the outer loop `v`. */
  along(v: Var, outer: readonly Var[]): number {
    return (survey(this.#pass).iterations * this.#vectorPrice(v, outer) * waste(v.extent, this.#width)) / this.#width
  }

  /** The best inner loop for lanes, and the cost of one outer iteration with it. */
  bestInner(): { v: Var | null; price: number } {
    const { inner, reductions } = this.#pass
    const total = survey(this.#pass).iterations
    let best: { v: Var | null; price: number } = { v: null, price: total * this.#vectorPrice(null) }
    if (survey(this.#pass).running) return best
    const fold = FOLD * reductions.length * Math.log2(this.#width)
    for (const v of inner) {
      const price = fold + (total * this.#vectorPrice(v) * waste(v.extent, this.#width)) / this.#width
      if (price <= best.price) best = { v, price }
    }
    return best
  }

  /** Cost of one iteration of all lanes. */
  #vectorPrice(v: Var | null, outer: readonly Var[] = []): number {
    let price = this.#arithmetic * 0.5
    const elementwise = this.#pass.inner.length === 0
    for (const e of this.#loads) {
      // What is contiguous along another loop is read in tiles and turned round.
      const turned =
        v !== null &&
        elementwise &&
        e.op === 'load' &&
        outer.some((u) => u !== v && u.extent >= this.#width && turns(e, v, u))
      price += v === null ? 1 : turned ? TURNED : this.#access(e.index, v)
    }
    for (const s of this.#pass.stores) price += v === null ? 1 : this.#access(s.index, v) * 1.5
    return price
  }

  #access(index: Index, v: Var): number {
    const w = this.#width
    const stride = strideOf(index, v)
    if (stride === 0) return 0.3
    if (stride === 1) return 1
    if (stride === -1) return REVERSED
    if (stride !== null) return Math.abs(stride) === 2 ? 2 : w * 1.2
    return laneShape(index, v, w) ? REVERSED : w * GATHERED
  }
}

/** Lanes computed for one lane wanted. */
function waste(extent: number, width: number): number {
  return (Math.ceil(extent / width) * width) / extent
}

/** Whether lanes differ by constants. */
function laneShape(index: Index, v: Var, width: number): boolean {
  const q = newVar(Math.max(2, Math.ceil(v.extent / width)))
  const at = (l: number): string => {
    const lane = substitute(index, new Map([[v, add(scale(indexOf(q), width), l)]]))
    return lane.terms.map((t) => `${t.factor}*${t.atom.key}`).join('+')
  }
  const first = at(0)
  for (let l = 1; l < width; l++) if (at(l) !== first) return false
  return true
}
