/**
 * @file The C library, as far as machine code needs it: memory, threads, and calls to addresses. koffi, which makes the
 * calls, is optional and looked for when first needed, so that neither a browser nor a bundler ever meets it.
 */
import { GliaError } from '../../../core/errors.ts'

/** What is used of koffi 3. */
interface Koffi {
  load(path: string | null): Library
  proto(result: string, parameters: readonly string[]): unknown
  decode(address: number, type: unknown): unknown
  view(address: number, bytes: number): ArrayBuffer
  errno(): number
}

interface Library {
  func(name: string, result: string, parameters: readonly string[]): CFunction
  symbol(name: string): bigint | number
}

/** A function of C: addresses and sizes are numbers, memory to read or write can be a typed array. */
export type CFunction = (...args: readonly (number | bigint | ArrayBufferView)[]) => number | bigint

/** The trampoline: calls address f with up to three arguments. */
interface Trampoline {
  (f: number, a: number, b: number, c: number): number
  async(f: number, a: number, b: number, c: number, done: (error: unknown) => void): void
}

export type Access = 'none' | 'write' | 'execute'
export type Advice = 'huge' | 'drop'

/** PROT_NONE; PROT_READ | PROT_WRITE; PROT_READ | PROT_EXEC. */
const PROTECTION: Readonly<Record<Access, number>> = { none: 0, write: 3, execute: 5 }
/** MADV_HUGEPAGE; MADV_DONTNEED. */
const ADVICE: Readonly<Record<Advice, number>> = { huge: 14, drop: 4 }
/** MAP_PRIVATE | MAP_ANONYMOUS. */
const ANONYMOUS = 0x22
const ENOMEM = 12

export const PAGE = 4096

/** mov rax, rdi; mov rdi, rsi; mov rsi, rdx; mov rdx, rcx; jmp rax */
const TRAMPOLINE = [0x48, 0x89, 0xf8, 0x48, 0x89, 0xf7, 0x48, 0x89, 0xd6, 0x48, 0x89, 0xca, 0xff, 0xe0]
/** mov eax, 42; ret */
const PROBE = [0xb8, 42, 0, 0, 0, 0xc3]

/** Memory, threads and calls of this process, for one isolate. */
export class Native {
  readonly #koffi: Koffi
  readonly #library: Library
  readonly #functions = new Map<string, CFunction>()
  readonly #trampoline: Trampoline
  readonly #mmap: CFunction
  readonly #munmap: CFunction
  readonly #mprotect: CFunction
  readonly #madvise: CFunction
  readonly #memcpy: CFunction

  /** @throws GliaError when this process may not make memory executable. */
  constructor(koffi: Koffi) {
    this.#koffi = koffi
    this.#library = koffi.load(null)
    this.#mmap = this.function('mmap', 'uintptr_t', ['uintptr_t', 'size_t', 'int', 'int', 'int', 'int64_t'])
    this.#munmap = this.function('munmap', 'int', ['uintptr_t', 'size_t'])
    this.#mprotect = this.function('mprotect', 'int', ['uintptr_t', 'size_t', 'int'])
    this.#madvise = this.function('madvise', 'int', ['uintptr_t', 'size_t', 'int'])
    this.#memcpy = this.function('memcpy', 'uintptr_t', ['uintptr_t', 'const void *', 'size_t'])

    const { address } = this.load(Uint8Array.from([...TRAMPOLINE, ...PROBE]))
    const words = ['uintptr_t', 'uintptr_t', 'uintptr_t', 'uintptr_t']
    this.#trampoline = koffi.decode(address, koffi.proto('int', words)) as Trampoline
    if (this.call(address + TRAMPOLINE.length) !== 42)
      throw new GliaError('Machine code written into memory does not run as written.')
  }

  /** A function of the C library, looked up once. */
  function(name: string, result: string, parameters: readonly string[]): CFunction {
    let f = this.#functions.get(name)
    if (f === undefined) {
      f = this.#library.func(name, result, parameters)
      this.#functions.set(name, f)
    }
    return f
  }

  /** As `function`, undefined where the library has no such function. */
  optional(name: string, result: string, parameters: readonly string[]): CFunction | undefined {
    try {
      return this.function(name, result, parameters)
    } catch {
      return undefined
    }
  }

  /** The address of a function of the C library. */
  addressOf(name: string): number {
    return Number(this.#library.symbol(name))
  }

  /**
   * Calls the function at an address, in System V's convention, with up to three integers; returns its int32.
   * The function must keep to 64 KiB of stack: that of `callAsync` is small.
   */
  call(address: number, a = 0, b = 0, c = 0): number {
    return this.#trampoline(address, a, b, c)
  }

  /** Calls on a thread of libuv's pool, while the event loop goes on. */
  callAsync(address: number, a = 0, b = 0, c = 0): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#trampoline.async(address, a, b, c, (error) => (error ? reject(error) : resolve()))
    })
  }

  /** The address of fresh memory, zero, readable and writable. @throws GliaError when the system refuses. */
  map(bytes: number): number {
    const address = this.#mmap(0, bytes, PROTECTION.write, ANONYMOUS, -1, 0)
    // MAP_FAILED is all ones, too large for a number.
    if (typeof address === 'number') return address
    const errno = this.#koffi.errno()
    throw new GliaError(
      `The system refuses ${(bytes / 2 ** 20).toFixed(1)} MiB of memory (mmap: ${nameOf(errno)}). ` +
        'Free memory, use a smaller batch or model, or raise the limit of the process (ulimit -v, container).',
    )
  }

  unmap(address: number, bytes: number): void {
    this.#check('munmap', this.#munmap(address, bytes))
  }

  /** Changes what may be done with whole pages. */
  protect(address: number, bytes: number, access: Access): void {
    this.#check(`mprotect (${access})`, this.#mprotect(address, bytes, PROTECTION[access]))
  }

  /** `huge`: use large pages where there are; `drop`: give the memory back, keep the addresses, which read zero. */
  advise(address: number, bytes: number, advice: Advice): void {
    const result = this.#madvise(address, bytes, ADVICE[advice])
    // A kernel without large pages says so; there is nothing to be done about it.
    if (advice === 'drop') this.#check('madvise (drop)', result)
  }

  /**
   * Copies machine code into memory of its own: writable until it is there, then executable, never both. Takes whole
   * pages. @throws GliaError when the system refuses.
   */
  load(code: Uint8Array): { readonly address: number; readonly bytes: number } {
    const bytes = Math.max(1, Math.ceil(code.length / PAGE)) * PAGE
    const address = this.map(bytes)
    try {
      this.write(address, code)
      this.protect(address, bytes, 'execute')
    } catch (error) {
      this.unmap(address, bytes)
      throw error
    }
    return { address, bytes }
  }

  write(address: number, bytes: Uint8Array): void {
    if (bytes.length > 0) this.#memcpy(address, bytes, bytes.length)
  }

  /** The memory as an ArrayBuffer, which neither copies nor frees it. At most 2³² − 1 bytes. */
  view(address: number, bytes: number): ArrayBuffer {
    return this.#koffi.view(address, bytes)
  }

  #check(what: string, result: number | bigint): void {
    if (result === 0) return
    throw new GliaError(`The system refuses ${what}: ${nameOf(this.#koffi.errno())}.`)
  }
}

function nameOf(errno: number): string {
  return errno === ENOMEM ? 'ENOMEM' : `error ${errno}`
}

/** Why there is no native code here. */
export interface Unavailable {
  readonly reason: string
}

/** What `openNative` looks at, so that tests can pretend. */
export interface Host {
  readonly platform: string
  readonly arch: string
  /** Gives koffi, or throws. */
  readonly require: (name: string) => unknown
}

/** As `loadNative`, for a given host, and every time anew. */
export function openNative(host: Host): Native | Unavailable {
  const { platform, arch } = host
  if (platform !== 'linux' || arch !== 'x64') {
    return { reason: `machine code is made for linux on x64 processors; this is ${platform} on ${arch}` }
  }
  let koffi: Koffi
  try {
    koffi = host.require('koffi') as Koffi
  } catch (error) {
    return { reason: `the optional package koffi cannot be loaded (${firstLine(error)}); npm install koffi` }
  }
  try {
    return new Native(koffi)
  } catch (error) {
    return { reason: `this process may not run machine code of its own (${firstLine(error)})` }
  }
}

let loaded: Native | Unavailable | undefined

/** The C library of this process, or the reason why native code cannot run here. */
export function loadNative(): Native | Unavailable {
  loaded ??= openNative(thisHost())
  return loaded
}

function thisHost(): Host {
  const { process } = globalThis
  const module = process?.getBuiltinModule?.('node:module')
  if (module === undefined)
    return { platform: 'a browser or an old runtime', arch: 'unknown', require: () => undefined }
  // A bundle in CommonJS knows no address of its own: look from the working directory there.
  const from = import.meta.url ?? `${process.cwd()}/`
  return { platform: process.platform, arch: process.arch, require: module.createRequire(from) }
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split('\n', 1)[0]
}
