/** @file Small pieces of machine code that pools and workers run in tests. */
import { Assembler } from '../../../../src/targets/x64/asm/assembler.ts'
import { CodeMemory, type LoadedCode } from '../../../../src/targets/x64/native/code.ts'
import { loadNative, Native } from '../../../../src/targets/x64/native/libc.ts'
import { NativeMemory } from '../../../../src/targets/x64/native/memory.ts'
import type { NativePool } from '../../../../src/targets/x64/native/pool.ts'

const [rax, rcx, rbx, rsi, rdi, r12, r13, r14] = [0, 1, 3, 6, 7, 12, 13, 14]

/** Whether machine code is made for this computer: the tests that run it are there only then. */
export const supported = process.platform === 'linux' && process.arch === 'x64'

export function native(): Native {
  const found = loadNative()
  if (!(found instanceof Native)) throw new Error(found.reason)
  return found
}

/** Memory for a status word and 16 words for each of 32 threads, and a table of the addresses of both. */
export class Field {
  readonly memory: NativeMemory
  readonly code: CodeMemory
  readonly table: number
  readonly status: number
  readonly words: Int32Array
  readonly #start: number

  constructor(n: Native = native()) {
    this.memory = new NativeMemory(n)
    this.code = new CodeMemory(n)
    this.#start = this.memory.allocate(4096)
    this.words = this.#ints(this.#start, 1024)
    this.words.fill(0)
    this.status = this.#start + 2048
    this.table = this.memory.allocate(64)
    const view = this.memory.view(this.table, 16)
    new BigUint64Array(view.buffer, view.byteOffset, 2).set([BigInt(this.status), BigInt(this.#start)])
  }

  /** What a thread has counted. */
  count(thread: number): number {
    return this.words[16 * thread]
  }

  counts(threads: number): number[] {
    return Array.from({ length: threads }, (_, thread) => this.count(thread))
  }

  /** How often a thread disagreed. */
  errors(thread: number): number {
    return this.words[16 * thread + 1]
  }

  setStatus(value: number): void {
    this.words[512] = value
  }

  load(asm: Assembler): LoadedCode {
    return this.code.load(asm.finish())
  }

  #ints(address: number, length: number): Int32Array {
    const bytes = this.memory.view(address, 4 * length)
    return new Int32Array(bytes.buffer, bytes.byteOffset, length)
  }
}

/**
 * A segment: `rounds` times, each thread counts up, meets the others, compares its count with all of theirs (noting
 * differences), and meets them again. In round `fail`, from the end, thread 0 sets the status word, and every thread
 * leaves at the barrier that tells it so.
 */
export function countTogether(pool: NativePool, rounds: number, fail = 0): Assembler {
  const asm = new Assembler({ evex: false })
  const [own, all, left, status] = [rbx, r12, r13, r14]
  const loop = asm.label()
  const leave = asm.label()
  const barrier = (): void => {
    asm.mov(rdi, status)
    asm.movImm(rax, pool.barrierAddress)
    asm.callReg(rax)
  }
  for (const register of [own, all, left, status, rbx]) asm.push(register)
  asm.load64(status, { base: rsi, offset: 0 })
  asm.load64(all, { base: rsi, offset: 8 })
  asm.mov(own, rdi)
  asm.shlImm(own, 6)
  asm.add(own, all)
  asm.movImm(left, rounds)
  asm.bind(loop)
  asm.load32(rax, { base: own, offset: 0 })
  asm.addImm(rax, 1)
  asm.store32({ base: own, offset: 0 }, rax)
  if (fail > 0) {
    const fine = asm.label()
    asm.cmpImm(left, fail)
    asm.jcc('ne', fine)
    asm.cmp(own, all)
    asm.jcc('ne', fine)
    asm.store32Imm({ base: status, offset: 0 }, 7)
    asm.bind(fine)
  }
  barrier()
  asm.test(rax, rax)
  asm.jcc('ne', leave)
  asm.load32(rax, { base: own, offset: 0 })
  for (let thread = 0; thread < pool.threads; thread++) {
    const same = asm.label()
    asm.load32(rcx, { base: all, offset: 64 * thread })
    asm.cmp32(rax, rcx)
    asm.jcc('e', same)
    asm.movImm(rcx, 1)
    asm.lockAdd32({ base: own, offset: 4 }, rcx)
    asm.bind(same)
  }
  barrier()
  asm.subImm(left, 1)
  asm.jcc('ne', loop)
  asm.bind(leave)
  for (const register of [rbx, status, left, all, own]) asm.pop(register)
  asm.ret()
  return asm
}

/** A segment that keeps every thread busy for so many turns of a loop, and then counts 1. */
export function work(turns: number): Assembler {
  const asm = new Assembler({ evex: false })
  const loop = asm.label()
  asm.load64(rax, { base: rsi, offset: 8 })
  asm.shlImm(rdi, 6)
  asm.add(rax, rdi)
  asm.movImm(rcx, turns)
  asm.bind(loop)
  asm.subImm(rcx, 1)
  asm.jcc('ne', loop)
  asm.movImm(rcx, 1)
  asm.lockAdd32({ base: rax, offset: 0 }, rcx)
  asm.ret()
  return asm
}

/** A function that returns the byte at an address. */
export function read(): Assembler {
  const asm = new Assembler({ evex: false })
  asm.load8(rax, { base: rdi, offset: 0 })
  asm.ret()
  return asm
}
