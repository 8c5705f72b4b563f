/**
 * @file What a worker leaves behind. A worker that is terminated runs no JavaScript any more, and its memory, code and
 * threads belong to the process, not to the engine. So they are listed, outside the engine, as calls to make when the
 * system ends the worker's thread (the destructor of a thread-specific value of POSIX makes them).
 */
import { Assembler } from '../asm/assembler.ts'
import type { Native } from './libc.ts'

/** Calls that an isolate can list; any beyond stay undone until the process ends. */
const ENTRIES = 4096
/** The table begins with the number of entries in use or free again; an entry is a function, 0 for none, and arguments. */
const FIRST = 64
const ENTRY = 24

class Estate {
  readonly #words: BigUint64Array
  readonly #free: number[] = []
  #count = 0

  constructor(native: Native) {
    const table = native.map(FIRST + ENTRY * ENTRIES)
    this.#words = new BigUint64Array(native.view(table, FIRST + ENTRY * ENTRIES))
    const key = new Uint32Array(1)
    const { address } = native.load(walk())
    // Where the process has no key left (of 1024), the calls are not made.
    if (native.function('pthread_key_create', 'int', ['void *', 'uintptr_t'])(key, address) !== 0) return
    native.function('pthread_setspecific', 'int', ['uint32_t', 'uintptr_t'])(key[0], table)
  }

  add(f: number, a: number, b: number): () => void {
    const index = this.#free.pop() ?? this.#count
    if (index >= ENTRIES) return () => undefined
    const at = (FIRST + ENTRY * index) / 8
    this.#words.set([BigInt(f), BigInt(a), BigInt(b)], at)
    if (index === this.#count) this.#words[0] = BigInt(++this.#count)
    return () => {
      this.#words[at] = 0n
      this.#free.push(index)
    }
  }
}

/** The destructor: (table) makes the calls. */
function walk(): Uint8Array {
  const [rax, rbx, rsi, rdi, r12, r13] = [0, 3, 6, 7, 12, 13]
  const asm = new Assembler({ evex: false })
  const [loop, next, end] = [asm.label(), asm.label(), asm.label()]
  asm.push(rbx)
  asm.push(r12)
  asm.push(r13)
  asm.load64(r12, { base: rdi, offset: 0 })
  asm.lea(rbx, { base: rdi, offset: FIRST })
  asm.bind(loop)
  asm.subImm(r12, 1)
  asm.jcc('b', end)
  asm.load64(rax, { base: rbx, offset: 0 })
  asm.test(rax, rax)
  asm.jcc('e', next)
  asm.load64(rdi, { base: rbx, offset: 8 })
  asm.load64(rsi, { base: rbx, offset: 16 })
  asm.callReg(rax)
  asm.bind(next)
  asm.addImm(rbx, ENTRY)
  asm.jmp(loop)
  asm.bind(end)
  asm.pop(r13)
  asm.pop(r12)
  asm.pop(rbx)
  asm.ret()
  return asm.finish()
}

const estates = new WeakMap<Native, Estate>()

/**
 * Has the function at address `f` called with (a, b) when the worker that runs this ends, in whatever way, in no certain
 * order; returns a function that takes it back. The main thread ends with the process, where nothing needs to be called
 * and nothing is.
 */
export function atWorkerEnd(native: Native, f: number, a: number, b: number): () => void {
  if (process.getBuiltinModule('node:worker_threads').isMainThread) return () => undefined
  let estate = estates.get(native)
  if (estate === undefined) {
    estate = new Estate(native)
    estates.set(native, estate)
  }
  return estate.add(f, a, b)
}

/** Has memory unmapped when the worker that runs this ends; returns a function that takes it back. */
export function unmapAtWorkerEnd(native: Native, address: number, bytes: number): () => void {
  return atWorkerEnd(native, native.addressOf('munmap'), address, bytes)
}
