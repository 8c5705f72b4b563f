/**
 * @file Keeps the threads of a pool on cores of their own. Linux likes to put a thread that is woken next to the one that
 * woke it; two threads that take turns on one core then look busy enough to stay there, and run half as fast. A thread
 * that finds itself on the core of an earlier one several runs in a row moves away once, and may go anywhere afterwards.
 */
import type { Assembler, Gpr } from '../asm/assembler.ts'

const [rax, rcx, rdx, rbx, rsp, rsi, rdi, r9, r12] = [0, 1, 2, 3, 4, 6, 7, 9, 12]

const SCHED_SETAFFINITY = 203
/** The processor's number in what rdtscp leaves in ecx; the rest is its node. */
const PROCESSOR = 0xfff
/** Runs in a row on another's core before a thread moves. */
const PATIENCE = 3

/** Notes where thread 0 runs. r9 = the control block, where `cpus` is the offset of an int32 for each thread. */
export function emitNote(asm: Assembler, cpus: number): void {
  asm.rdtscp()
  asm.andImm(rcx, PROCESSOR)
  asm.store32({ base: r9, offset: cpus }, rcx)
}

/**
 * Notes where this thread runs, and moves it off the core of an earlier one. r9 = the control block, r12 = the thread's
 * number, rbx = runs in a row on another's core. `allowed`: the cores that this process may use, by bits. Clobbers rax, rcx,
 * rdx, rsi, rdi and r11.
 */
export function emitSpread(asm: Assembler, cpus: number, allowed: bigint): void {
  const [next, shared, alone, mask, masked, done] = [0, 1, 2, 3, 4, 5].map(() => asm.label())
  const cpuOf = (thread: Gpr): { base: Gpr; offset: number; index: Gpr; scale: 4 } => ({
    base: r9,
    offset: cpus,
    index: thread,
    scale: 4,
  })
  asm.rdtscp()
  asm.andImm(rcx, PROCESSOR)
  asm.store32(cpuOf(r12), rcx)
  asm.zero(rsi)
  asm.bind(next)
  asm.cmp(rsi, r12)
  asm.jcc('ae', alone)
  asm.load32(rdi, cpuOf(rsi))
  asm.cmp32(rdi, rcx)
  asm.jcc('e', shared)
  asm.addImm(rsi, 1)
  asm.jmp(next)

  asm.bind(shared)
  asm.addImm(rbx, 1)
  asm.cmpImm(rbx, PATIENCE)
  asm.jcc('b', done)
  // Every core but those of the threads before this one.
  asm.movImm(rdx, allowed)
  asm.zero(rsi)
  asm.bind(mask)
  asm.cmp(rsi, r12)
  asm.jcc('ae', masked)
  asm.load32(rcx, cpuOf(rsi))
  asm.movImm(rax, 1)
  asm.shlCl(rax)
  asm.not(rax)
  asm.and(rdx, rax)
  asm.addImm(rsi, 1)
  asm.jmp(mask)
  asm.bind(masked)
  asm.test(rdx, rdx)
  asm.jcc('e', alone)
  asm.push(rdx)
  setAffinity(asm)
  asm.movImm(rdx, allowed)
  asm.store64({ base: rsp, offset: 0 }, rdx)
  setAffinity(asm)
  asm.pop(rdx)
  asm.bind(alone)
  asm.zero(rbx)
  asm.bind(done)
}

/** The present thread to the cores of the mask at the top of the stack. */
function setAffinity(asm: Assembler): void {
  asm.zero(rdi)
  asm.movImm(rsi, 8)
  asm.mov(rdx, rsp)
  asm.movImm(rax, SCHED_SETAFFINITY)
  asm.syscall()
}
