/**
 * @file The memory of a native target: large regions of the process's address space, each with an allocator of its own
 * and ArrayBuffers over it. A region that falls empty can give its memory back but keeps its addresses, since views
 * of it may still be held and nothing tells when they go: they then read zero instead of ending the process.
 */
import { GliaError } from '../../../core/errors.ts'
import { Heap } from '../../heap.ts'
import { unmapAtWorkerEnd } from './estate.ts'
import { type Native, PAGE } from './libc.ts'

const MEBI = 2 ** 20
/** Size and alignment of a large page. */
const LARGE_PAGE = 2 * MEBI
const REGION = 64 * MEBI
/** Regions grow with what is there, up to this. */
const LARGEST_REGION = 1024 * MEBI
/** Engines index the bytes of a buffer with 32 bits, some of them. */
const LARGEST_VIEW = 2 ** 32 - 1
/**
 * Bytes of the buffers through which small blocks are seen, once made kept. Engines take what buffers cover for memory of
 * their own, and collect garbage at once where that is much.
 */
const WINDOW = 4 * MEBI

export interface NativeMemoryOptions {
  /**
   * For tests: gives every block pages of its own between two that cannot be touched. `after`: the block ends at the
   * one behind it, and is aligned to 4 bytes only; `before`: it starts right behind the one before it.
   */
  readonly guard?: 'after' | 'before'
  /** Bytes of empty regions that are kept rather than given back to the system. Default 256 MiB. */
  readonly slack?: number
}

interface Region {
  readonly start: number
  readonly bytes: number
  readonly heap: Heap
  /** Whether it was given back to the system since it was last used. */
  dropped: boolean
  /** By the number of the window. */
  readonly windows: Map<number, ArrayBuffer>
  /** Takes back that it is unmapped at the end of the worker. */
  readonly forget: () => void
}

/** A block with pages of its own. */
interface Guarded {
  readonly bytes: number
  readonly mapping: number
  readonly mappingBytes: number
  readonly forget: () => void
}

export class NativeMemory {
  readonly #native: Native
  readonly #guard: 'after' | 'before' | undefined
  readonly #slack: number
  readonly #regions: Region[] = []
  readonly #guarded = new Map<number, Guarded>()
  #guardedBytes = 0

  constructor(native: Native, options: NativeMemoryOptions = {}) {
    this.#native = native
    this.#guard = options.guard
    this.#slack = options.slack ?? 256 * MEBI
  }

  /** Bytes that this memory holds or may come to hold; not those given back. */
  get reserved(): number {
    let sum = 0
    for (const guarded of this.#guarded.values()) sum += guarded.mappingBytes
    for (const region of this.#regions) if (!region.dropped) sum += region.bytes
    return sum
  }

  /** Bytes of the blocks in use. */
  get used(): number {
    return this.#regions.reduce((sum, region) => sum + region.heap.used, this.#guardedBytes)
  }

  /** The address of `bytes` bytes, a multiple of 64, contents undefined. @throws GliaError when the system has no more. */
  allocate(bytes: number): number {
    if (!(Number.isFinite(bytes) && bytes >= 0)) throw new GliaError(`Cannot allocate ${bytes} bytes.`)
    if (this.#guard !== undefined) return this.#allocateGuarded(bytes, this.#guard)
    const region = this.#roomiest(bytes) ?? this.#grow(bytes)
    region.dropped = false
    const address = region.heap.allocate(bytes)
    if (address === undefined) throw new GliaError(`The allocator found no ${bytes} bytes. This is a fault in Glia.`)
    return address
  }

  /** @throws GliaError when no block in use starts there. */
  free(address: number): void {
    const guarded = this.#guarded.get(address)
    if (guarded !== undefined) {
      this.#guarded.delete(address)
      this.#guardedBytes -= guarded.bytes
      this.#unmapGuarded(guarded)
      return
    }
    const region = this.#regionOf(address)
    if (region === undefined || !region.heap.free(address)) {
      throw new GliaError(`No block of native memory starts at ${address}, or it is free.`)
    }
    if (region.heap.used === 0) this.#trim(region)
  }

  /** A view of memory in one block. In guard mode it must not be touched after the block is freed. */
  view(address: number, bytes: number): Uint8Array {
    if (bytes > LARGEST_VIEW) {
      throw new GliaError(`A view of ${bytes} bytes is too large: at most ${LARGEST_VIEW}. View it in parts.`)
    }
    const region = this.#regionOf(address)
    const offset = address - (region?.start ?? 0)
    const at = Math.floor(offset / WINDOW)
    if (region === undefined || offset + bytes > (at + 1) * WINDOW) {
      return bytes === 0 ? new Uint8Array(0) : new Uint8Array(this.#native.view(address, bytes))
    }
    let window = region.windows.get(at)
    if (window === undefined) {
      const start = at * WINDOW
      window = this.#native.view(region.start + start, Math.min(WINDOW, region.bytes - start))
      region.windows.set(at, window)
    }
    return new Uint8Array(window, offset - at * WINDOW, bytes)
  }

  /** Gives everything back, addresses included. Nothing may touch a block or a view any more. */
  close(): void {
    for (const guarded of this.#guarded.values()) this.#unmapGuarded(guarded)
    for (const { start, bytes, forget } of this.#regions) {
      forget()
      this.#native.unmap(start, bytes)
    }
    this.#guarded.clear()
    this.#guardedBytes = 0
    this.#regions.length = 0
  }

  /** The region with the tightest room for `bytes`, those that hold memory first. */
  #roomiest(bytes: number): Region | undefined {
    let best: Region | undefined
    let least = Number.POSITIVE_INFINITY
    for (const region of this.#regions) {
      const room = region.heap.fit(bytes)
      if (room === undefined) continue
      const cost = region.dropped ? room + Number.MAX_SAFE_INTEGER / 2 : room
      if (cost < least) [best, least] = [region, cost]
    }
    return best
  }

  /** Maps a region with room for `bytes`: a generous one, or else one that is just large enough. */
  #grow(bytes: number): Region {
    const total = this.#regions.reduce((sum, region) => sum + region.bytes, 0)
    const needed = roundUp(Math.max(1, bytes), LARGE_PAGE)
    const generous = Math.max(needed, REGION, Math.min(roundUp(total / 4, LARGE_PAGE), LARGEST_REGION))
    let start: number
    let size = generous
    try {
      start = this.#mapAligned(generous)
    } catch (error) {
      if (needed === generous) throw this.#full(bytes, error)
      try {
        start = this.#mapAligned(needed)
        size = needed
      } catch (last) {
        throw this.#full(bytes, last)
      }
    }
    this.#native.advise(start, size, 'huge')
    const region: Region = {
      start,
      bytes: size,
      heap: new Heap(start, start + size),
      dropped: false,
      windows: new Map(),
      forget: unmapAtWorkerEnd(this.#native, start, size),
    }
    this.#regions.push(region)
    return region
  }

  /** Fresh memory that starts at a large page. */
  #mapAligned(bytes: number): number {
    const native = this.#native
    const from = native.map(bytes + LARGE_PAGE)
    const start = roundUp(from, LARGE_PAGE)
    if (start > from) native.unmap(from, start - from)
    if (start < from + LARGE_PAGE) native.unmap(start + bytes, from + LARGE_PAGE - start)
    return start
  }

  #full(bytes: number, cause: unknown): GliaError {
    const mebi = (n: number): string => `${(n / MEBI).toFixed(1)} MiB`
    const message =
      `Native memory is full: ${mebi(bytes)} were asked for, ${mebi(this.used)} are in use. ` +
      (cause instanceof Error ? cause.message : '')
    return new GliaError(message, { cause })
  }

  #regionOf(address: number): Region | undefined {
    return this.#regions.find(({ start, bytes }) => address >= start && address < start + bytes)
  }

  /** Gives an empty region's memory back where the slack is used up. */
  #trim(region: Region): void {
    let idle = 0
    for (const { heap, dropped, bytes } of this.#regions) if (heap.used === 0 && !dropped) idle += bytes
    if (idle <= this.#slack) return
    this.#native.advise(region.start, region.bytes, 'drop')
    region.dropped = true
  }

  #allocateGuarded(bytes: number, guard: 'after' | 'before'): number {
    const native = this.#native
    const inner = roundUp(Math.max(1, bytes), PAGE)
    const mappingBytes = inner + 2 * PAGE
    let mapping: number
    try {
      mapping = native.map(mappingBytes)
    } catch (error) {
      throw this.#full(bytes, error)
    }
    native.protect(mapping, PAGE, 'none')
    native.protect(mapping + PAGE + inner, PAGE, 'none')
    const address = mapping + PAGE + (guard === 'after' ? inner - roundUp(bytes, 4) : 0)
    const forget = unmapAtWorkerEnd(native, mapping, mappingBytes)
    this.#guarded.set(address, { bytes, mapping, mappingBytes, forget })
    this.#guardedBytes += bytes
    return address
  }

  #unmapGuarded({ mapping, mappingBytes, forget }: Guarded): void {
    forget()
    this.#native.unmap(mapping, mappingBytes)
  }
}

function roundUp(n: number, step: number): number {
  return Math.ceil(n / step) * step
}
