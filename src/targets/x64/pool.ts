/** @file Constants of a plan's code, behind its last instruction. */
import type { Assembler, Label, Mem } from './asm/assembler.ts'

export class Pool {
  readonly #asm: Assembler
  readonly #label: Label
  readonly #placed = new Map<string, number>()
  readonly #words: number[] = []

  constructor(asm: Assembler) {
    this.#asm = asm
    this.#label = asm.label()
  }

  /** Where the words lie: those of whole vectors at multiples of their size. */
  place(words: readonly number[]): Mem {
    const key = words.join()
    let at = this.#placed.get(key)
    if (at === undefined) {
      while (this.#words.length % words.length !== 0) this.#words.push(0)
      at = this.#words.length
      this.#placed.set(key, at)
      this.#words.push(...words)
    }
    return { base: 0, offset: at * 4, label: this.#label }
  }

  /** Writes the constants at the end of the code. */
  finish(): void {
    this.#asm.align(64)
    this.#asm.bind(this.#label)
    this.#asm.data(new Uint8Array(Int32Array.from(this.#words).buffer))
  }
}
