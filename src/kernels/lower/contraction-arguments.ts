/** @file The address parameters of a program that is being written. */
import type { Argument } from '../kernel.ts'
import type { Reg } from '../vector.ts'

export class Arguments {
  readonly list: Argument[] = []
  readonly #buffers: number

  /** Buffers from number `buffers` on are scratch. */
  constructor(buffers: number) {
    this.#buffers = buffers
  }

  /** The parameter for an address; asking again gives the same one. */
  of(x: Argument): Reg {
    const y = 'buffer' in x && x.buffer >= this.#buffers ? { scratch: x.buffer - this.#buffers } : x
    const key = JSON.stringify(y)
    const found = this.list.findIndex((z) => JSON.stringify(z) === key)
    return found >= 0 ? found : this.list.push(y) - 1
  }
}
