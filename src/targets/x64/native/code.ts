/** @file Machine code in memory: writable while it is copied there, then executable, never both. */
import { type Native, PAGE } from './libc.ts'

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

  /** Copies code, which may lie at any multiple of 4096, and makes it executable. @throws GliaError when refused. */
  load(code: Uint8Array): LoadedCode {
    const native = this.#native
    const bytes = Math.max(1, Math.ceil(code.length / PAGE)) * PAGE
    const address = native.map(bytes)
    try {
      native.write(address, code)
      native.protect(address, bytes, 'execute')
    } catch (error) {
      native.unmap(address, bytes)
      throw error
    }
    this.#bytes += bytes
    let live = true
    return {
      address,
      free: (): void => {
        if (!live) return
        live = false
        this.#bytes -= bytes
        native.unmap(address, bytes)
      },
    }
  }
}
