/**
 * @file A plan as one WebAssembly module: its kernels, and for every segment a function that one thread runs to walk
 * the segment's steps. Threads meet in barriers; between them each does its share without waiting.
 */
import type { Address, LoopStep, PlanCode, Step } from '../target.ts'
import { writeBarrier } from './barrier.ts'
import { FunctionWriter, ModuleWriter } from './encoder.ts'
import { lowerProgram } from './lower.ts'
import { I32, Op } from './opcodes.ts'

export interface PlanOptions {
  readonly shared: boolean
  readonly maximumPages: number
  readonly threads: number
  readonly relaxed: boolean
  readonly pins: boolean
  /** Looks at the barrier before a thread goes to sleep there. */
  readonly spins: number
}

export interface EmittedPlan {
  /** The module: exports `r0`, `r1` … `(thread, slotTable)` for the segments, and `b` `(statusAddress)`, the barrier. */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Segments without work for a second thread: one thread runs them alone. */
  readonly solo: readonly boolean[]
}

/** Parameters of a segment's function. */
const THREAD = 0
const TABLE = 1

export function emitPlan(code: PlanCode, options: PlanOptions): EmittedPlan {
  const module = new ModuleWriter(options)
  const barrier = options.threads > 1 ? module.add(writeBarrier(options.threads, options.spins), 1, 1, 'b') : undefined
  const kernels = code.programs.map((program) => module.add(lowerProgram(program, options), program.params, 0))
  const solo: boolean[] = []
  code.segments.forEach((steps, k) => {
    const alone = barrier === undefined || !steps.some(hasParallelWork)
    solo.push(alone)
    const segment = new SegmentWriter(kernels, alone ? 1 : options.threads, barrier ?? -1)
    module.add(segment.write(steps), 2, 0, `r${k}`)
  })
  return { bytes: module.finish(), solo }
}

function hasParallelWork(step: Step): boolean {
  if (step.op === 'kernel') return step.units > 1
  return step.op === 'loop' && step.length > 0 && step.body.some(hasParallelWork)
}

/** An enclosing loop: the local that counts its iterations. */
interface OpenLoop {
  readonly done: number
  readonly length: number
  readonly reverse: boolean
}

class SegmentWriter {
  readonly #f = new FunctionWriter(2)
  readonly #kernels: readonly number[]
  readonly #threads: number
  readonly #barrier: number
  readonly #loops = new Map<number, OpenLoop>()
  readonly #begin: number

  constructor(kernels: readonly number[], threads: number, barrier: number) {
    this.#kernels = kernels
    this.#threads = threads
    this.#barrier = barrier
    this.#begin = this.#f.locals(I32)
  }

  write(steps: readonly Step[]): FunctionWriter {
    this.#steps(steps)
    // Nobody returns before all are done.
    if (this.#threads > 1 && steps.at(-1)?.op !== 'barrier') this.#meet()
    return this.#f
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
    const f = this.#f
    f.get(TABLE)
    f.memory(Op.i32Load, 0)
    if (this.#threads > 1) f.call(this.#barrier)
    else f.memory(Op.i32Load, 0)
    f.brIf(f.depth)
  }

  #loop({ id, length, reverse, body }: Extract<Step, { op: 'loop' }>): void {
    if (length <= 0) return
    const f = this.#f
    const done = f.locals(I32)
    this.#loops.set(id, { done, length, reverse })
    f.i32(0)
    f.set(done)
    f.loop()
    this.#steps(body)
    f.get(done)
    f.i32(1)
    f.op(Op.i32Add)
    f.tee(done)
    f.i32(length)
    f.op(Op.i32LtS)
    f.brIf(0)
    f.end()
    this.#loops.delete(id)
  }

  /** Calls a kernel for this thread's share: of `units`, each thread gets the same number, the first `rest` one more. */
  #kernel({ program, args, units }: Extract<Step, { op: 'kernel' }>): void {
    if (units <= 0) return
    const f = this.#f
    const threads = this.#threads
    const share = Math.floor(units / threads)
    const rest = units % threads
    if (share === 0) {
      f.get(THREAD)
      f.i32(rest)
      f.op(Op.i32LtS)
      f.if()
    } else if (threads > 1) {
      f.get(THREAD)
      f.i32(share)
      f.op(Op.i32Mul)
      if (rest > 0) {
        f.get(THREAD)
        f.i32(rest)
        this.#threadBelow(rest)
        f.op(Op.select)
        f.op(Op.i32Add)
      }
      f.set(this.#begin)
    }
    for (const address of args) this.#address(address)
    if (threads === 1) {
      f.i32(0)
      f.i32(units)
    } else if (share === 0) {
      f.get(THREAD)
      f.get(THREAD)
      f.i32(1)
      f.op(Op.i32Add)
    } else {
      f.get(this.#begin)
      f.get(this.#begin)
      f.i32(share)
      f.op(Op.i32Add)
      if (rest > 0) {
        this.#threadBelow(rest)
        f.op(Op.i32Add)
      }
    }
    f.call(this.#kernels[program])
    if (share === 0) f.end()
  }

  #threadBelow(bound: number): void {
    this.#f.get(THREAD)
    this.#f.i32(bound)
    this.#f.op(Op.i32LtS)
  }

  #address({ slot, offset, steps }: Address): void {
    const f = this.#f
    f.get(TABLE)
    f.memory(Op.i32Load, 4 * slot)
    if (offset !== 0) {
      f.i32(offset)
      f.op(Op.i32Add)
    }
    for (const step of steps ?? []) this.#term(step)
  }

  /** Adds the bytes that one enclosing loop has moved the address by. */
  #term({ loop, bytes, by }: LoopStep): void {
    const open = this.#loops.get(loop)
    if (open === undefined) throw new Error(`An address moves with loop ${loop}, which does not enclose it.`)
    const f = this.#f
    const { done, length, reverse } = open
    if (by === 'index') {
      if (reverse) f.i32(length - 1)
      f.get(done)
      if (reverse) f.op(Op.i32Sub)
    } else {
      f.get(done)
      if (by === 'alternateNext') {
        f.i32(1)
        f.op(Op.i32Add)
      }
      f.i32(1)
      f.op(Op.i32And)
    }
    f.i32(bytes)
    f.op(Op.i32Mul)
    f.op(Op.i32Add)
  }
}
