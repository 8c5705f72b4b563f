/**
 * @file The threads of a native target. The caller is thread 0; the others are threads of the system that know nothing
 * of the engine: they take commands from memory and sleep there when none comes.
 */
import { GliaError } from '../../../core/errors.ts'
import { availableThreads } from '../../wasm/cores.ts'
import { Assembler } from '../asm/assembler.ts'
import { atWorkerEnd } from './estate.ts'
import { type Native, PAGE } from './libc.ts'
import { Control, emitPool, type PoolRoutines } from './sync.ts'
import { joinThread, startThreads } from './threads.ts'

/** The processors that this thread may use, by bits; null where there are more than 64, or the system does not say. */
function processorsOf(native: Native): bigint | null {
  const mask = new BigUint64Array(MOST_PROCESSORS / 64)
  const bytes = native.function('sched_getaffinity', 'int', ['int', 'size_t', 'void *'])(0, mask.byteLength, mask)
  return bytes === 0 && mask.slice(1).every((word) => word === 0n) ? mask[0] : null
}

const MOST_PROCESSORS = 1024

export interface NativePoolOptions {
  /** Microseconds for which a thread without work looks for the next run before it goes to sleep. Default 200. */
  readonly spin?: number
}

/** Ticks of the time stamp counter in a microsecond, about: processors count 2 to 4 thousand million a second. */
const TICKS = 2500
/** Microseconds for which a thread watches a barrier: what falling asleep and being woken cost. */
const BARRIER_SPIN = 300
const MOST_THREADS = 256

/**
 * Threads that run segments together. A segment is a function (thread, table) in System V's convention; between its
 * steps it may call the barrier.
 */
export class NativePool {
  readonly threads: number
  /**
   * Address of the barrier: a function that takes the address of an int32 status word in rdi, waits until every thread
   * has called it, and returns in eax, to all alike, 1 where the status word was not 0, else 0. It changes no registers
   * but rax, rcx, rdx, rsi, rdi and r8 to r11, and flags.
   */
  readonly barrierAddress: number
  readonly #native: Native
  readonly #control: number
  readonly #code: number
  readonly #routines: PoolRoutines
  readonly #handles: readonly bigint[]
  /** Takes back what was to happen at the end of this worker. */
  #forget: () => void = () => undefined
  #closed = false
  /** Runs of `runAsync` that have not ended, and the end of the last. */
  #pending = 0
  #last: Promise<unknown> = Promise.resolve()

  /** @throws GliaError for a number of threads that is not 1 … 256, and when the system refuses them. */
  constructor(native: Native, threads: number, options: NativePoolOptions = {}) {
    if (!(Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS)) {
      throw new GliaError(`A pool of ${threads} threads: the number must be an integer from 1 to ${MOST_THREADS}.`)
    }
    const { spin = 200 } = options
    if (!(spin >= 0 && spin <= 1e5)) {
      throw new GliaError(`A pool whose threads look for work for ${spin} µs: give 0 to 100000.`)
    }
    this.#native = native
    this.threads = threads
    // Where threads share cores, watching only keeps the others from arriving.
    const crowded = threads > availableThreads()
    const ticks = (microseconds: number): number => (crowded ? 0 : Math.round(microseconds * TICKS))
    const asm = new Assembler({ evex: false })
    this.#control = native.map(PAGE)
    this.#routines = emitPool(asm, {
      threads,
      control: this.#control,
      controlBytes: PAGE,
      codeBytes: PAGE,
      barrierTicks: ticks(BARRIER_SPIN),
      idleTicks: ticks(spin),
      processors: crowded ? null : processorsOf(native),
      join: native.addressOf('pthread_join'),
      unmap: native.addressOf('munmap'),
    })
    this.#code = native.load(asm.finish()).address
    this.barrierAddress = this.#code + this.#routines.barrier
    this.#handles = startThreads(native, this.#code + this.#routines.worker, threads - 1, (started) =>
      this.#end(started),
    )
    native.write(this.#control + Control.handles, new Uint8Array(BigUint64Array.from(this.#handles).buffer))
    this.#forget = atWorkerEnd(native, this.#code + this.#routines.destroy, 0, 0)
  }

  /** Whether runs of `runAsync` have not ended. */
  get busy(): boolean {
    return this.#pending > 0
  }

  /**
   * Runs a segment and returns when all threads have finished it. With `alone`, only thread 0 runs it, and it must not
   * call the barrier unless there is one thread.
   * @throws GliaError when the pool is closed or busy.
   */
  run(segment: number, table: number, alone: boolean): void {
    this.#open()
    if (this.#pending > 0) throw new GliaError('A run goes on in this pool. Await it before the next one.')
    this.#native.call(this.#entry(alone), segment, table)
  }

  /** As `run`, on another thread while the event loop goes on, after all runs that were asked for before. */
  runAsync(segment: number, table: number, alone: boolean): Promise<void> {
    this.#open()
    this.#pending++
    const run = this.#last.then(() => this.#native.callAsync(this.#entry(alone), segment, table))
    const ended = run.finally(() => {
      this.#pending--
      if (this.#closed && this.#pending === 0) this.#end(this.#handles)
    })
    this.#last = ended.catch(() => undefined)
    return ended
  }

  /** Ends the threads, after the runs that go on. Nothing may use the barrier any more. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#pending === 0) this.#end(this.#handles)
  }

  #entry(alone: boolean): number {
    return this.#code + (alone || this.threads === 1 ? this.#routines.alone : this.#routines.dispatch)
  }

  #open(): void {
    if (this.#closed) throw new GliaError('This pool of threads is closed. Create another one.')
  }

  #end(handles: readonly bigint[]): void {
    this.#forget()
    this.#native.call(this.#code + this.#routines.end)
    for (const handle of handles) joinThread(this.#native, handle)
    this.#native.unmap(this.#code, PAGE)
    this.#native.unmap(this.#control, PAGE)
  }
}
