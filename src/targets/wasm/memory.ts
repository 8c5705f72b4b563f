/** @file The one WebAssembly memory of a target: shared between threads where the host allows, grown on demand. */
import { GliaError } from '../../core/errors.ts'
import { Heap } from '../heap.ts'
import { HEAP_START, MAXIMUM_PAGES, PAGE } from './layout.ts'

const INITIAL_PAGES = (HEAP_START / PAGE) * 2

export interface MemoryOptions {
  /** Share the memory between threads. Default: where SharedArrayBuffer is there. */
  readonly shared?: boolean
  /** Pages of 64 KiB that the memory may grow to. Default 65,536 (4 GiB), or as many as the host grants. */
  readonly maximumPages?: number
}

export class TargetMemory {
  readonly memory: WebAssembly.Memory
  readonly shared: boolean
  readonly maximumPages: number
  readonly #heap: Heap
  #words: Int32Array

  constructor(options: MemoryOptions = {}) {
    this.shared = options.shared ?? typeof SharedArrayBuffer === 'function'
    const wanted = Math.min(options.maximumPages ?? MAXIMUM_PAGES, MAXIMUM_PAGES)
    const { memory, pages } = reserve(this.shared, wanted)
    this.memory = memory
    this.maximumPages = pages
    this.#heap = new Heap(HEAP_START, memory.buffer.byteLength)
    this.#words = new Int32Array(memory.buffer)
  }

  get reserved(): number {
    return this.memory.buffer.byteLength
  }

  get used(): number {
    return this.#heap.used
  }

  /** The whole memory as int32, up to date. */
  get words(): Int32Array {
    if (this.#words.buffer !== this.memory.buffer) this.#words = new Int32Array(this.memory.buffer)
    return this.#words
  }

  allocate(bytes: number): number {
    if (!(Number.isFinite(bytes) && bytes >= 0)) throw new GliaError(`Cannot allocate ${bytes} bytes.`)
    const address = this.#heap.allocate(bytes)
    if (address !== undefined) return address
    this.#grow(bytes)
    return this.#heap.allocate(bytes) ?? this.#full(bytes)
  }

  free(address: number): void {
    if (!this.#heap.free(address)) throw new GliaError(`No block of wasm memory starts at ${address}, or it is free.`)
  }

  view(address: number, bytes: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, bytes)
  }

  /** Grows by what is missing, and generously where that is possible: growing itself costs system calls. */
  #grow(bytes: number): void {
    const size = this.memory.buffer.byteLength / PAGE
    const needed = Math.ceil(this.#heap.missing(bytes) / PAGE)
    const generous = Math.max(needed, Math.min(size >> 1, 1024))
    for (const pages of [generous, needed]) {
      if (size + pages > this.maximumPages) continue
      try {
        this.memory.grow(pages)
        this.#heap.extend(this.memory.buffer.byteLength)
        return
      } catch {
        // Too much at once: try what is needed.
      }
    }
    this.#full(bytes)
  }

  #full(bytes: number): never {
    const mebi = (n: number): string => `${(n / 2 ** 20).toFixed(1)} MiB`
    throw new GliaError(
      `wasm memory is full: ${mebi(bytes)} were asked for, ${mebi(this.used)} are in use and ` +
        `${mebi(this.maximumPages * PAGE)} is the limit. Use a smaller batch or model, or a target without this limit.`,
    )
  }
}

/** Reserves address space for as many pages as the host grants, down from `wanted`. */
function reserve(shared: boolean, wanted: number): { memory: WebAssembly.Memory; pages: number } {
  for (let pages = wanted; pages >= INITIAL_PAGES; pages >>= 1) {
    try {
      return { memory: new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: pages, shared }), pages }
    } catch {
      // No room in the address space: ask for half.
    }
  }
  throw new GliaError('The host grants no WebAssembly memory. Free memory, or raise the limit on address space.')
}
