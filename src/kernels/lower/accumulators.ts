/** @file The accumulators of a pass: for every copy of unrolled code and every reduction a partial result. */
import type { Reduction } from '../kernel.ts'
import type { ProgramBuilder } from '../program-builder.ts'
import type { Reg } from '../vector.ts'
import { type Partial, type Reducer, reducer } from './reductions.ts'

/** What straight-line code has accumulated: partial results over 2^rank steps each, ranks falling. */
interface Pending {
  readonly part: Partial
  readonly rank: number
}

export class Accumulators {
  readonly #b: ProgramBuilder
  readonly #reducers: readonly Reducer[]
  /** By copy, by reduction. In a loop there is one part, written in place. */
  readonly #parts: Pending[][][]
  #open = false

  readonly #make: () => Accumulators

  constructor(b: ProgramBuilder, reductions: readonly Reduction[], copies: number) {
    this.#b = b
    this.#make = () => new Accumulators(b, reductions, copies)
    this.#reducers = reductions.map((r) => reducer(b, r))
    this.#parts = Array.from({ length: copies }, () => reductions.map(() => []))
  }

  get reducers(): readonly Reducer[] {
    return this.#reducers
  }

  /** Others like these, empty. */
  fresh(): Accumulators {
    return this.#make()
  }

  /** Before a loop that accumulates: from here on registers are written in place. */
  open(): void {
    if (this.#open) return
    this.#parts.forEach((copy, c) => {
      copy.forEach((_, k) => {
        const part = this.#partial(c, k).map((reg) => this.#b.variable(reg))
        copy[k] = [{ part, rank: 0 }]
      })
    })
    this.#open = true
  }

  add(copy: number, k: number, element: Partial): void {
    const pending = this.#parts[copy][k]
    const { combine } = this.#reducers[k]
    if (this.#open) {
      const { part } = pending[0]
      combine(part, element, part)
      return
    }
    // Equal ranks meet: a tree, of which few parts wait at a time.
    let rank = 0
    let part = element
    for (let last = pending.at(-1); last !== undefined && last.rank === rank; last = pending.at(-1)) {
      part = combine(last.part, part)
      rank++
      pending.pop()
    }
    pending.push({ part, rank })
  }

  /** Adds a product to a sum of floats, which may then be rounded once. */
  addProduct(copy: number, k: number, x: Reg, y: Reg): void {
    const pending = this.#parts[copy][k]
    if (this.#open) this.#b.accumulate(pending[0].part[0], x, y)
    else this.add(copy, k, [this.#b.v2('f.mul', x, y)])
  }

  /** The value so far, in a register that stays as it is. */
  current(copy: number, k: number): Reg {
    return this.#reducers[k].result(this.#partial(copy, k).map((reg) => (this.#open ? this.#b.variable(reg) : reg)))
  }

  /** Adds all that `other` (of the same reductions) has, copy by copy. */
  take(other: Accumulators): void {
    this.#parts.forEach((copy, c) => {
      for (let k = 0; k < copy.length; k++) this.add(c, k, other.#partial(c, k))
    })
  }

  /** Result of reduction k of one copy, lane by lane. */
  result(copy: number, k: number): Reg {
    return this.#reducers[k].result(this.#partial(copy, k))
  }

  /** Result of reduction k of all lanes of all copies, in every lane. */
  folded(k: number): Reg {
    const r = this.#reducers[k]
    let parts = this.#parts.flatMap((copy, c) => (copy[k].length > 0 ? [this.#partial(c, k)] : []))
    if (parts.length === 0) return r.result(r.identity())
    while (parts.length > 1) {
      const next: Partial[] = []
      for (let i = 0; i < parts.length; i += 2) {
        next.push(i + 1 < parts.length ? r.combine(parts[i], parts[i + 1]) : parts[i])
      }
      parts = next
    }
    return r.result(r.fold(parts[0]))
  }

  #partial(copy: number, k: number): Partial {
    const pending = this.#parts[copy][k]
    if (pending.length === 0) return this.#reducers[k].identity()
    const { combine } = this.#reducers[k]
    const part = pending.map((p) => p.part).reduceRight((sum, p) => combine(p, sum))
    if (!this.#open && pending.length > 1) this.#parts[copy][k] = [{ part, rank: 0 }]
    return part
  }
}
