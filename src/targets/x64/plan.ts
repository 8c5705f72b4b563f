/**
 * @file A plan as machine code: its kernels, and for every segment a function (thread, slot table) that one thread runs to
 * walk the segment's steps. Threads meet in barriers; between them each does its share without waiting. What a segment's
 * function knows lies on its stack, since kernels may change every register: the arguments of the kernel being called at
 * the bottom, then thread, table and loop counters.
 */
import type { Address, LoopStep, PlanCode, Step } from '../target.ts'
import { Assembler, type Label, type Mem } from './asm/assembler.ts'
import { RAX, RCX, RDX, RSP } from './context.ts'
import { lowerProgram } from './lower.ts'
import { Pool } from './pool.ts'

const [RBX, RBP, RSI, RDI] = [3, 5, 6, 7]
/** Registers that System V leaves to the caller. */
const SAVED = [RBX, RBP, 12, 13, 14, 15]

export interface PlanOptions {
  readonly evex: boolean
  readonly threads: number
  /** Address of the barrier, of which there is need with several threads. */
  readonly barrier: number
}

export interface EmittedPlan {
  readonly bytes: Uint8Array
  /** Where each segment's function begins. */
  readonly segments: readonly number[]
  /** Segments without work for a second thread: one thread runs them alone. */
  readonly solo: readonly boolean[]
}

export function emitPlan(code: PlanCode, options: PlanOptions): EmittedPlan {
  const asm = new Assembler({ evex: options.evex })
  const pool = new Pool(asm)
  const kernels = code.programs.map((program) => ({
    entry: lowerProgram(asm, pool, program),
    params: program.params,
  }))
  const params = Math.max(0, ...kernels.map((k) => k.params))
  const solo = code.segments.map((steps) => options.threads === 1 || !steps.some(hasParallelWork))
  const labels = code.segments.map((steps, k) => {
    asm.align(16)
    const label = asm.label()
    asm.bind(label)
    const threads = solo[k] ? 1 : options.threads
    new SegmentWriter(asm, kernels, params, threads, options.barrier).write(steps)
    return label
  })
  pool.finish()
  return { bytes: asm.finish(), segments: labels.map((label) => asm.offsetOf(label)), solo }
}

function hasParallelWork(step: Step): boolean {
  if (step.op === 'kernel') return step.units > 1
  return step.op === 'loop' && step.length > 0 && step.body.some(hasParallelWork)
}

function depthOf(steps: readonly Step[]): number {
  return steps.reduce((most, step) => (step.op === 'loop' ? Math.max(most, 1 + depthOf(step.body)) : most), 0)
}

/** An enclosing loop: where its count of iterations done is kept. */
interface OpenLoop {
  readonly done: Mem
  readonly length: number
  readonly reverse: boolean
}

interface Kernel {
  readonly entry: Label
  readonly params: number
}

class SegmentWriter {
  readonly #asm: Assembler
  readonly #kernels: readonly Kernel[]
  readonly #threads: number
  readonly #barrier: number
  readonly #locals: number
  readonly #exit: Label
  readonly #loops = new Map<number, OpenLoop>()

  constructor(asm: Assembler, kernels: readonly Kernel[], params: number, threads: number, barrier: number) {
    this.#asm = asm
    this.#kernels = kernels
    this.#threads = threads
    this.#barrier = barrier
    this.#locals = params * 8
    this.#exit = asm.label()
  }

  get #thread(): Mem {
    return { base: RSP, offset: this.#locals }
  }

  get #table(): Mem {
    return { base: RSP, offset: this.#locals + 8 }
  }

  write(steps: readonly Step[]): void {
    const asm = this.#asm
    for (const r of SAVED) asm.push(r)
    asm.mov(RBP, RSP)
    // Kernels expect the stack pointer at a cache line when they are called.
    asm.subImm(RSP, this.#locals + 16 + 8 * (depthOf(steps) + 1))
    asm.andImm(RSP, -64)
    asm.store64({ base: RSP, offset: this.#stack(steps) }, RBP)
    asm.store64(this.#thread, RDI)
    asm.store64(this.#table, RSI)
    this.#steps(steps)
    // Nobody returns before all are done.
    if (this.#threads > 1 && steps.at(-1)?.op !== 'barrier') this.#meet()
    asm.bind(this.#exit)
    asm.vzeroupper()
    asm.load64(RSP, { base: RSP, offset: this.#stack(steps) })
    for (const r of [...SAVED].reverse()) asm.pop(r)
    asm.ret()
  }

  /** Where the stack pointer of the entry is kept, above the loops' counters. */
  #stack(steps: readonly Step[]): number {
    return this.#locals + 16 + 8 * depthOf(steps)
  }

  #steps(steps: readonly Step[]): void {
    for (const step of steps) {
      if (step.op === 'kernel') this.#kernel(step)
      else if (step.op === 'loop') this.#loop(step)
      else this.#meet()
    }
  }

  /** Waits for all threads; leaves the segment where the status word was not 0. */
  #meet(): void {
    const asm = this.#asm
    asm.load64(RAX, this.#table)
    asm.load64(RDI, { base: RAX, offset: 0 })
    if (this.#threads > 1) {
      asm.movImm(RAX, this.#barrier)
      asm.callReg(RAX)
      asm.test32(RAX, RAX)
    } else {
      asm.cmp32MemImm({ base: RDI, offset: 0 }, 0)
    }
    asm.jcc('ne', this.#exit)
  }

  #loop({ id, length, reverse, body }: Extract<Step, { op: 'loop' }>): void {
    if (length <= 0) return
    const asm = this.#asm
    const done: Mem = { base: RSP, offset: this.#locals + 16 + 8 * this.#loops.size }
    this.#loops.set(id, { done, length, reverse })
    asm.store64Imm(done, 0)
    const again = asm.label()
    asm.bind(again)
    this.#steps(body)
    asm.load64(RAX, done)
    asm.addImm(RAX, 1)
    asm.store64(done, RAX)
    asm.cmpImm(RAX, length)
    asm.jcc('l', again)
    this.#loops.delete(id)
  }

  /** Calls a kernel for this thread's share: of `units`, each thread gets the same number, the first `rest` one more. */
  #kernel({ program, args, units }: Extract<Step, { op: 'kernel' }>): void {
    if (units <= 0) return
    const asm = this.#asm
    const share = Math.floor(units / this.#threads)
    const rest = units % this.#threads
    const begin: Mem = { base: RSP, offset: 8 * args.length }
    const end: Mem = { base: RSP, offset: 8 * args.length + 8 }
    const skip = asm.label()
    if (this.#threads === 1) {
      asm.store64Imm(begin, 0)
      asm.store64Imm(end, units)
    } else {
      asm.load64(RCX, this.#thread)
      if (share === 0) {
        asm.cmpImm(RCX, rest)
        asm.jcc('ge', skip)
      }
      // begin = thread · share + min(thread, rest), end = begin + share + (thread < rest)
      asm.imulImm(RAX, RCX, share)
      asm.movImm(RDX, rest)
      asm.cmp(RCX, RDX)
      asm.cmov('l', RDX, RCX)
      asm.add(RAX, RDX)
      asm.store64(begin, RAX)
      asm.addImm(RAX, share)
      asm.lea(RDX, { base: RAX, offset: 1 })
      asm.cmpImm(RCX, rest)
      asm.cmov('l', RAX, RDX)
      asm.store64(end, RAX)
    }
    if (args.length > 0) asm.load64(RBX, this.#table)
    args.forEach((address, i) => {
      this.#address(address)
      asm.store64({ base: RSP, offset: 8 * i }, RAX)
    })
    asm.call(this.#kernels[program].entry)
    asm.bind(skip)
  }

  /** rax ← an address; the table is in rbx. */
  #address({ slot, offset, steps }: Address): void {
    const asm = this.#asm
    asm.load64(RAX, { base: RBX, offset: 8 * slot })
    this.#plus(offset)
    for (const step of steps ?? []) this.#term(step)
  }

  /** rax ← rax + bytes. */
  #plus(bytes: number): void {
    if (bytes === 0) return
    if (bytes === (bytes | 0)) this.#asm.addImm(RAX, bytes)
    else {
      this.#asm.movImm(RCX, bytes)
      this.#asm.add(RAX, RCX)
    }
  }

  /** Adds the bytes that one enclosing loop has moved the address by. */
  #term({ loop, bytes, by }: LoopStep): void {
    const open = this.#loops.get(loop)
    if (open === undefined) throw new Error(`An address moves with loop ${loop}, which does not enclose it.`)
    const asm = this.#asm
    const { done, length, reverse } = open
    asm.load64(RCX, done)
    if (by === 'index' && reverse) {
      asm.neg(RCX)
      asm.addImm(RCX, length - 1)
    } else if (by !== 'index') {
      if (by === 'alternateNext') asm.addImm(RCX, 1)
      asm.andImm(RCX, 1)
    }
    if (bytes === (bytes | 0)) asm.imulImm(RCX, RCX, bytes)
    else {
      asm.movImm(RDX, bytes)
      asm.imul(RCX, RDX)
    }
    asm.add(RAX, RCX)
  }
}
