/** @file The accumulators of a pass: for every copy of unrolled code and every reduction a partial result. */
import type { Reduction } from '../kernel.ts'
import type { ProgramBuilder, Reg } from '../vector.ts'
import { type Partial, type Reducer, reducer } from './reductions.ts'

export class Accumulators {
  readonly #b: ProgramBuilder
  readonly #reducers: readonly Reducer[]
  /** By copy, by reduction; null: nothing yet. */
  #parts: (Partial | null)[][]
  /** Whether the registers are written in place, inside loops. */
  #open = false

  constructor(b: ProgramBuilder, reductions: readonly Reduction[], copies: number) {
    this.#b = b
    this.#reducers = reductions.map((r) => reducer(b, r))
    this.#parts = Array.from({ length: copies }, () => reductions.map(() => null))
  }

  get reducers(): readonly Reducer[] {
    return this.#reducers
  }

  /** Before a loop that accumulates: from here on registers are written in place. */
  open(): void {
    if (this.#open) return
    this.#open = true
    this.#parts = this.#parts.map((copy) =>
      copy.map((p, k) => (p ?? this.#reducers[k].identity()).map((reg) => this.#b.variable(reg))),
    )
  }

  add(copy: number, k: number, element: Partial): void {
    const before = this.#parts[copy][k]
    if (before === null) this.#parts[copy][k] = element
    else if (this.#open) this.#reducers[k].combine(before, element, before)
    else this.#parts[copy][k] = this.#reducers[k].combine(before, element)
  }

  /** The value so far, in a register that stays as it is. */
  current(copy: number, k: number): Reg {
    return this.#reducers[k].result(this.#partial(copy, k).map((reg) => (this.#open ? this.#b.variable(reg) : reg)))
  }

  /** Adds all that `other` (of the same reductions) has: copy by copy, or with one copy here, all of it. */
  take(other: Accumulators): void {
    this.#reducers.forEach((_, k) => {
      if (this.#parts.length === 1) this.add(0, k, other.#together(k))
      else for (let copy = 0; copy < this.#parts.length; copy++) this.add(copy, k, other.#partial(copy, k))
    })
  }

  /** Result of reduction k of one copy, lane by lane. */
  result(copy: number, k: number): Reg {
    return this.#reducers[k].result(this.#partial(copy, k))
  }

  /** Result of reduction k of all lanes of all copies, in every lane. */
  folded(k: number): Reg {
    const r = this.#reducers[k]
    return r.result(r.fold(this.#together(k)))
  }

  #partial(copy: number, k: number): Partial {
    return this.#parts[copy][k] ?? this.#reducers[k].identity()
  }

  /** All copies combined, as a balanced tree. */
  #together(k: number): Partial {
    let parts = this.#parts.map((copy) => copy[k]).filter((p) => p !== null)
    if (parts.length === 0) return this.#reducers[k].identity()
    while (parts.length > 1) {
      const next: Partial[] = []
      for (let i = 0; i < parts.length; i += 2) {
        next.push(i + 1 < parts.length ? this.#reducers[k].combine(parts[i], parts[i + 1]) : parts[i])
      }
      parts = next
    }
    return parts[0]
  }
}
