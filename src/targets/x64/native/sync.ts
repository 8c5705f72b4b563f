/**
 * @file How threads wait for each other, in machine code. A thread that waits watches a word for a while and then sleeps
 * in the kernel (futex); whoever changes the word wakes those that sleep. All words lie in one block of memory outside
 * the engine, which stays valid for as long as a thread runs, whatever becomes of the isolate that started it.
 */
import type { Assembler, Gpr, Label, Mem } from '../asm/assembler.ts'
import { emitNote, emitSpread } from './spread.ts'

const [rax, rcx, rdx, rbx, rsi, rdi, r8, r9, r10, r12, r13] = [0, 1, 2, 3, 6, 7, 8, 9, 10, 12, 13]

/** Offsets in the control block: words that are written at different times lie in different pairs of cache lines. */
export const Control = {
  /** Counts the commands given. */
  command: 0,
  /** With it: the address of the segment to run, 0 to end; and of the address table. */
  segment: 16,
  table: 24,
  /** The command that all threads have finished. */
  finished: 128,
  /** Threads, other than the caller, that have finished the present command. */
  done: 256,
  /** Threads that have arrived at the barrier. */
  arrived: 384,
  /** What changes when all have: even, plus one when the status word was not 0. */
  generation: 512,
  /** The pthread_t of each thread but the caller, then 0. */
  handles: 640,
  /** The processor that each thread was last seen on. */
  cpus: 3072,
} as const

/** A word that threads wait for is followed by the number of those that sleep, */
const SLEEPERS = 4
/** and by how often in a row watching was in vain. */
const MISSES = 8
/** So many misses, and threads no longer watch: those that they wait for seem to share their core. */
const ENOUGH_MISSES = 8
/** Every so many waits after that, they try again. A power of 2. */
const RETRY = 32
/**
 * How often a thread that does not watch lets others run before it sleeps. Where threads share a core this passes it on
 * quickly, and yet leaves them runnable, so that the system moves one of them to another core when one falls free; with
 * sleep alone they stay together.
 */
const YIELDS = 16

const FUTEX = 202
const FUTEX_WAIT = 128
const FUTEX_WAKE = 129
const SCHED_YIELD = 24
const MUNMAP = 11

/** What the routines of one pool are made for. */
export interface PoolLayout {
  readonly threads: number
  /** Address of the control block. */
  readonly control: number
  readonly controlBytes: number
  /** Ticks of the time stamp counter for which a thread watches a barrier, and for which it looks for the next run. */
  readonly barrierTicks: number
  readonly idleTicks: number
  /** The processors that the threads may spread over, by bits; null to leave them where they are. */
  readonly processors: bigint | null
  /** Addresses of pthread_join and munmap. */
  readonly join: number
  readonly unmap: number
  /** Size of the pages that the code will lie in. */
  readonly codeBytes: number
}

/** Where in the code each routine begins. */
export interface PoolRoutines {
  /** (thread): the life of a thread. */
  readonly worker: number
  /** (segment, table): runs a segment on all threads, the caller's as thread 0. */
  readonly dispatch: number
  /** (segment, table): runs a segment as thread 0 only. */
  readonly alone: number
  /** (status address) → 1 where the status word was not 0, else 0, the same for all threads. */
  readonly barrier: number
  /** (): tells the threads to end. */
  readonly end: number
  /** (): ends the threads, waits for them, and unmaps the control block and the code itself, which start at a page. */
  readonly destroy: number
}

export function emitPool(asm: Assembler, layout: PoolLayout): PoolRoutines {
  const start = asm.label()
  asm.bind(start)
  const at = (emit: () => void): number => {
    asm.align(16)
    const offset = asm.size
    emit()
    return offset
  }
  const ending = asm.label()
  return {
    barrier: at(() => emitBarrier(asm, layout)),
    worker: at(() => emitWorker(asm, layout)),
    dispatch: at(() => emitDispatch(asm, layout)),
    alone: at(() => {
      asm.mov(rax, rdi)
      asm.zero(rdi)
      asm.jmpReg(rax)
    }),
    end: at(() => {
      asm.bind(ending)
      control(asm, layout)
      asm.store64Imm(word(Control.segment), 0)
      asm.load32(rax, word(Control.command))
      asm.addImm(rax, 1)
      publish(asm, Control.command)
      asm.ret()
    }),
    destroy: at(() => {
      asm.push(rbx)
      asm.call(ending)
      // The first handle of zero ends the list.
      const [next, none] = [asm.label(), asm.label()]
      asm.movImm(rbx, layout.control + Control.handles)
      asm.bind(next)
      asm.load64(rdi, { base: rbx, offset: 0 })
      asm.test(rdi, rdi)
      asm.jcc('e', none)
      asm.zero(rsi)
      asm.movImm(rax, layout.join)
      asm.callReg(rax)
      asm.addImm(rbx, 8)
      asm.jmp(next)
      asm.bind(none)
      system(asm, MUNMAP, [rdi, layout.control], [rsi, layout.controlBytes])
      asm.pop(rbx)
      // The code cannot come back to itself from this.
      asm.leaLabel(rdi, start)
      asm.movImm(rsi, layout.codeBytes)
      asm.movImm(rax, layout.unmap)
      asm.jmpReg(rax)
    }),
  }
}

/** A thread: waits for a command, runs the segment, reports; the last to report ends the command. */
function emitWorker(asm: Assembler, layout: PoolLayout): void {
  const [thread, command] = [r12, r13]
  const loop = asm.label()
  const end = asm.label()
  asm.push(rbx)
  asm.push(thread)
  asm.push(command)
  asm.mov(thread, rdi)
  asm.zero(command)
  asm.zero(rbx)
  asm.bind(loop)
  control(asm, layout)
  asm.mov(r8, command)
  wait(asm, Control.command, layout.idleTicks)
  asm.mov(command, rax)
  asm.load64(rax, word(Control.segment))
  asm.load64(rsi, word(Control.table))
  asm.test(rax, rax)
  asm.jcc('e', end)
  if (layout.processors !== null) {
    asm.push(rax)
    asm.push(rsi)
    emitSpread(asm, Control.cpus, layout.processors)
    asm.pop(rsi)
    asm.pop(rax)
  }
  asm.mov(rdi, thread)
  asm.callReg(rax)
  control(asm, layout)
  asm.movImm(rax, 1)
  asm.lockXadd32(word(Control.done), rax)
  asm.cmp32Imm(rax, layout.threads - 2)
  asm.jcc('ne', loop)
  asm.mov(rax, command)
  publish(asm, Control.finished)
  asm.jmp(loop)
  asm.bind(end)
  asm.zero(rax)
  asm.pop(command)
  asm.pop(thread)
  asm.pop(rbx)
  asm.ret()
}

/** The caller's side of a run. All threads have finished the command before, so its words are free. */
function emitDispatch(asm: Assembler, layout: PoolLayout): void {
  const [before, segment, table] = [rbx, r12, r13]
  asm.push(before)
  asm.push(segment)
  asm.push(table)
  asm.mov(segment, rdi)
  asm.mov(table, rsi)
  control(asm, layout)
  asm.store64(word(Control.segment), segment)
  asm.store64(word(Control.table), table)
  asm.store32Imm(word(Control.done), 0)
  if (layout.processors !== null) emitNote(asm, Control.cpus)
  asm.load32(before, word(Control.command))
  asm.lea(rax, { base: before, offset: 1 })
  publish(asm, Control.command)
  asm.zero(rdi)
  asm.mov(rsi, table)
  asm.callReg(segment)
  control(asm, layout)
  asm.mov(r8, before)
  wait(asm, Control.finished, layout.barrierTicks)
  asm.zero(rax)
  asm.pop(table)
  asm.pop(segment)
  asm.pop(before)
  asm.ret()
}

/**
 * The barrier: a count of arrivals and a generation. The last thread to arrive reads the status word, when no thread can
 * be writing it, and publishes the answer together with the next generation, so that all leave with the same decision.
 * Uses no register but rax, rcx, rdx, rsi, rdi and r8 to r11.
 */
function emitBarrier(asm: Assembler, layout: PoolLayout): void {
  const before = r8
  const others = asm.label()
  control(asm, layout)
  asm.load32(before, word(Control.generation))
  asm.movImm(rax, 1)
  asm.lockXadd32(word(Control.arrived), rax)
  asm.cmp32Imm(rax, layout.threads - 1)
  asm.jcc('ne', others)
  asm.store32Imm(word(Control.arrived), 0)
  // (before & ~1) + 2 + (status word ≠ 0)
  asm.zero(rdx)
  asm.cmp32MemImm({ base: rdi, offset: 0 }, 0)
  asm.setcc('ne', rdx)
  asm.mov(rax, before)
  asm.andImm(rax, -2)
  asm.lea(rax, { base: rax, index: rdx, offset: 2 })
  asm.mov(r10, rdx)
  publish(asm, Control.generation)
  asm.mov(rax, r10)
  asm.ret()
  asm.bind(others)
  wait(asm, Control.generation, layout.barrierTicks)
  asm.andImm(rax, 1)
  asm.ret()
}

/** r9 = the control block. */
function control(asm: Assembler, { control }: PoolLayout): void {
  asm.movImm(r9, control)
}

function word(offset: number): Mem {
  return { base: r9, offset }
}

/** Waits until the word at r9 + offset is not r8, and leaves it in rax. Clobbers rcx, rdx, rsi, rdi, r10 and r11. */
function wait(asm: Assembler, offset: number, ticks: number): void {
  const [share, sleep, seen] = [asm.label(), asm.label(), asm.label()]
  const look = (): void => {
    asm.load32(rax, word(offset))
    asm.cmp32(rax, r8)
    asm.jcc('ne', seen)
  }
  if (ticks > 0) watch(asm, offset, ticks, look, { share, sleep, seen })
  asm.bind(share)
  const left = rdi
  const again = asm.label()
  asm.movImm(left, YIELDS)
  asm.bind(again)
  look()
  system(asm, SCHED_YIELD)
  asm.subImm(left, 1)
  asm.jcc('ne', again)
  // Counted among the sleepers, then asleep: whoever publishes later wakes us, and what was published before is seen.
  const asleep = asm.label()
  asm.bind(sleep)
  asm.movImm(rax, 1)
  asm.lockAdd32(word(offset + SLEEPERS), rax)
  asm.bind(asleep)
  asm.mov(rdx, r8)
  asm.zero(r10)
  asm.lea(rdi, word(offset))
  system(asm, FUTEX, [rsi, FUTEX_WAIT])
  asm.load32(rax, word(offset))
  asm.cmp32(rax, r8)
  asm.jcc('e', asleep)
  asm.movImm(rcx, -1)
  asm.lockAdd32(word(offset + SLEEPERS), rcx)
  asm.bind(seen)
}

/** Where watching leads. */
interface Destinations {
  /** Threads seem to share cores. */
  readonly share: Label
  /** Nothing changed in time. */
  readonly sleep: Label
  readonly seen: Label
}

/**
 * Watches a word for some time; right after a first look, not even that, where it has been in vain again and again:
 * threads on one core lose whatever time they watch. (Misses are counted without locks: a lost count only means another
 * try.)
 */
function watch(asm: Assembler, offset: number, ticks: number, look: () => void, to: Destinations): void {
  const began = rsi
  const misses = rdi
  const [again, hopeful, changed] = [asm.label(), asm.label(), asm.label()]
  look()
  asm.load32(misses, word(offset + MISSES))
  asm.cmp32Imm(misses, ENOUGH_MISSES)
  asm.jcc('b', hopeful)
  asm.addImm(misses, 1)
  asm.store32(word(offset + MISSES), misses)
  asm.andImm(misses, RETRY - 1)
  asm.jcc('ne', to.share)
  asm.bind(hopeful)
  time(asm)
  asm.mov(began, rax)
  asm.bind(again)
  asm.pause()
  asm.load32(rax, word(offset))
  asm.cmp32(rax, r8)
  asm.jcc('ne', changed)
  time(asm)
  asm.sub(rax, began)
  asm.cmpImm(rax, ticks)
  asm.jcc('b', again)
  asm.movImm(rax, 1)
  asm.lockAdd32(word(offset + MISSES), rax)
  asm.jmp(to.sleep)
  asm.bind(changed)
  asm.cmp32MemImm(word(offset + MISSES), 0)
  asm.jcc('e', to.seen)
  asm.store32Imm(word(offset + MISSES), 0)
  asm.jmp(to.seen)
}

/** Stores eax in the word at r9 + offset and wakes all who sleep there. Clobbers rax, rcx, rdx, rsi, rdi and r11. */
function publish(asm: Assembler, offset: number): void {
  const awake = asm.label()
  // An exchange is a fence: the sleepers are counted after the store.
  asm.xchg32(word(offset), rax)
  asm.cmp32MemImm(word(offset + SLEEPERS), 0)
  asm.jcc('e', awake)
  asm.lea(rdi, word(offset))
  system(asm, FUTEX, [rsi, FUTEX_WAKE], [rdx, 0x7fffffff])
  asm.bind(awake)
}

/** rax = the time stamp counter. Clobbers rdx. */
function time(asm: Assembler): void {
  asm.rdtsc()
  asm.shlImm(rdx, 32)
  asm.or(rax, rdx)
}

/** A system call, with registers to set first. Clobbers rax (the result), rcx and r11. */
function system(asm: Assembler, number: number, ...set: readonly (readonly [Gpr, number])[]): void {
  for (const [register, value] of set) asm.movImm(register, value)
  asm.movImm(rax, number)
  asm.syscall()
}
