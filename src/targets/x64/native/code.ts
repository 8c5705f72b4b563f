/** @file The memory that holds the machine code of plans. */
import { unmapAtWorkerEnd } from './estate.ts'
import type { Native } from './libc.ts'

/** Functions that can be called at `address` and below `address + bytes`. */
export interface LoadedCode {
  readonly address: number
  /** Releases the code. No thread may be in it, and nothing may call it any more. */
  free(): void
}

export class CodeMemory {
  readonly #native: Native
  #bytes = 0

  constructor(native: Native) {
    this.#native = native
  }

  /** Bytes of memory that hold code: whole pages. */
  get bytes(): number {
    return this.#bytes
  }

  /** Copies code to the start of a page, 4096 bytes or more, and makes it executable. @throws GliaError when refused. */
  load(code: Uint8Array): LoadedCode {
    const { address, bytes } = this.#native.load(code)
    const forget = unmapAtWorkerEnd(this.#native, address, bytes)
    this.#bytes += bytes
    let live = true
    return {
      address,
      free: (): void => {
        if (!live) return
        live = false
        this.#bytes -= bytes
        forget()
        this.#native.unmap(address, bytes)
      },
    }
  }
}
