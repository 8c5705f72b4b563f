/**
 * @file The threads of a target. The caller is thread 0; the others are workers that take commands from shared memory
 * and sleep there when none comes.
 */
import { GliaError } from '../../core/errors.ts'
import { availableThreads } from './cores.ts'
import {
  COMMAND,
  COMMAND_ARGUMENTS,
  COMMAND_CODE,
  Command,
  DONE,
  FAILURE,
  FAILURE_BYTES,
  FAILURE_TEXT,
  LAYOUT_END,
  PARKED,
} from './layout.ts'
import type { TargetMemory } from './memory.ts'
import { type WorkerStart, workerSource } from './worker.ts'

export interface PoolOptions {
  /** Microseconds for which a thread without work looks for the next run before it goes to sleep. Default 50. */
  readonly spin?: number
}

/** How often a thread looks at a barrier before it sleeps there: about 30 µs, what falling asleep and waking up cost. */
const BARRIER_SPINS = 50_000
/** Milliseconds that workers get to start. */
const START_LIMIT = 10_000

/** The functions that a plan's module exports. */
type Exports = Readonly<Record<string, (a: number, b?: number) => number>>

interface Plan {
  readonly id: number
  readonly exports: Exports
}

export class Pool {
  readonly threads: number
  readonly spins: number
  readonly #memory: TargetMemory
  readonly #workers: readonly Terminable[]
  readonly #words: Int32Array
  #plans = 0
  #closed = false

  constructor(memory: TargetMemory, workers: readonly Terminable[]) {
    this.#memory = memory
    this.#workers = workers
    this.#words = new Int32Array(memory.memory.buffer, 0, memory.shared ? LAYOUT_END / 4 : 0)
    this.threads = workers.length + 1
    // Where threads share cores, looking only keeps the others from arriving.
    this.spins = this.threads > availableThreads() ? 1 : BARRIER_SPINS
  }

  load(bytes: Uint8Array<ArrayBuffer>): Plan {
    this.#open()
    const module = new WebAssembly.Module(bytes)
    const instance = new WebAssembly.Instance(module, { e: { m: this.#memory.memory } })
    const id = this.#plans++
    if (this.threads > 1) {
      const address = this.#memory.allocate(bytes.length)
      this.#memory.view(address, bytes.length).set(bytes)
      this.#command(Command.load, id, address, bytes.length)
      this.#join()
      this.#memory.free(address)
      this.#check()
    }
    return { id, exports: instance.exports as Exports }
  }

  run(plan: Plan, segment: number, table: number, solo: boolean): void {
    this.#open()
    const alone = solo || this.threads === 1
    if (!alone) this.#command(Command.run, plan.id, segment, table)
    try {
      plan.exports[`r${segment}`](0, table)
    } catch (error) {
      if (!alone) this.#abandon(plan, table)
      throw error
    } finally {
      if (!alone) this.#check()
    }
  }

  unload(plan: Plan): void {
    if (this.#closed || this.threads === 1) return
    this.#command(Command.unload, plan.id, 0, 0)
    this.#join()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.threads > 1) this.#command(Command.exit, 0, 0, 0)
    for (const worker of this.#workers) worker.terminate()
  }

  #open(): void {
    if (this.#closed) throw new GliaError('This wasm target is closed. Create another one.')
  }

  /** Tells the workers, which have all finished the command before, what to do next. */
  #command(code: number, a: number, b: number, c: number): void {
    const words = this.#words
    words[DONE / 4] = 0
    words[COMMAND_CODE / 4] = code
    words[COMMAND_ARGUMENTS / 4] = a
    words[COMMAND_ARGUMENTS / 4 + 1] = b
    words[COMMAND_ARGUMENTS / 4 + 2] = c
    Atomics.add(words, COMMAND / 4, 1)
    if (Atomics.load(words, PARKED / 4) > 0) Atomics.notify(words, COMMAND / 4)
  }

  /** Waits until every worker has reported the end of a command. */
  #join(): void {
    awaitWorkers(this.#words, this.threads - 1, Number.POSITIVE_INFINITY)
  }

  /** After a failure of this thread inside a plan: meets the other threads at their next barrier, and ends the plan. */
  #abandon(plan: Plan, table: number): void {
    const { words } = this.#memory
    const status = words[table >>> 2]
    if (words[status >>> 2] === 0) words[status >>> 2] = -1
    plan.exports.b(status)
  }

  /** Throws what a worker failed with. */
  #check(): void {
    const length = Atomics.load(this.#words, FAILURE / 4)
    if (length === 0) return
    const text = new TextDecoder().decode(this.#memory.view(FAILURE_TEXT, Math.min(length, FAILURE_BYTES)).slice())
    Atomics.store(this.#words, FAILURE / 4, 0)
    throw new GliaError(`A worker thread failed: ${text}. This is a fault in Glia or in a kernel of its user.`)
  }
}

interface Terminable {
  terminate(): unknown
}

/** Starts workers and waits for them, blocking. Undefined where that is not possible. */
export function startPoolSync(memory: TargetMemory, threads: number, options: PoolOptions): Pool | undefined {
  if (threads < 2 || !mayBlock()) return undefined
  const workers = spawnInNode(memory, threads, options)
  if (workers === undefined) return undefined
  if (awaitWorkers(statusWords(memory), threads - 1, START_LIMIT)) return new Pool(memory, workers)
  for (const worker of workers) worker.terminate()
  return undefined
}

/** Starts workers and waits for them without blocking. Undefined where there can be none. */
export async function startPool(
  memory: TargetMemory,
  threads: number,
  options: PoolOptions,
): Promise<Pool | undefined> {
  if (threads < 2 || !mayBlock()) return undefined
  let failed = false
  const onError = (): void => {
    failed = true
  }
  const workers = spawnInNode(memory, threads, options) ?? spawnInBrowser(memory, threads, options, onError)
  if (workers === undefined) return undefined
  const words = statusWords(memory)
  const end = performance.now() + START_LIMIT
  while (Atomics.load(words, DONE / 4) < threads - 1) {
    if (failed || performance.now() > end) {
      for (const worker of workers) worker.terminate()
      return undefined
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return new Pool(memory, workers)
}

function statusWords(memory: TargetMemory): Int32Array {
  return new Int32Array(memory.memory.buffer, 0, LAYOUT_END / 4)
}

/** Waits until `count` workers have reported; false when `limit` milliseconds pass before. */
function awaitWorkers(words: Int32Array, count: number, limit: number): boolean {
  for (let i = 0; i < 1000; i++) if (Atomics.load(words, DONE / 4) >= count) return true
  const end = performance.now() + limit
  for (;;) {
    const finished = Atomics.load(words, DONE / 4)
    if (finished >= count) return true
    const left = end - performance.now()
    if (left <= 0) return false
    Atomics.wait(words, DONE / 4, finished, left)
  }
}

/** Whether this thread may wait for others: not so on a page's main thread. */
function mayBlock(): boolean {
  try {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 1, 0)
    return true
  } catch {
    return false
  }
}

function startOf(memory: TargetMemory, thread: number, { spin = 50 }: PoolOptions): WorkerStart {
  return { memory: memory.memory, thread, spin }
}

function spawnInNode(memory: TargetMemory, threads: number, options: PoolOptions): Terminable[] | undefined {
  const node = globalThis.process?.getBuiltinModule?.('node:worker_threads')
  if (node === undefined) return undefined
  return Array.from({ length: threads - 1 }, (_, i) => {
    // No flags or loaders of the process: the text needs none, and a loader may need the thread that waits here.
    const worker = new node.Worker(workerSource, {
      eval: true,
      workerData: startOf(memory, i + 1, options),
      execArgv: [],
      env: {},
      name: 'glia',
    })
    worker.unref()
    return worker
  })
}

/** `onError`: a worker could not start, as where a page's Content-Security-Policy does not allow `blob:`. */
function spawnInBrowser(
  memory: TargetMemory,
  threads: number,
  options: PoolOptions,
  onError: () => void,
): Terminable[] | undefined {
  if (typeof Worker !== 'function' || typeof Blob !== 'function' || !globalThis.crossOriginIsolated) return undefined
  const url = URL.createObjectURL(new Blob([workerSource], { type: 'text/javascript' }))
  const workers = Array.from({ length: threads - 1 }, (_, i) => {
    const worker = new Worker(url, { name: 'glia' })
    worker.onerror = onError
    worker.postMessage(startOf(memory, i + 1, options))
    return worker
  })
  // The browser has fetched the text by the time the workers have started.
  setTimeout(() => URL.revokeObjectURL(url), START_LIMIT)
  return workers
}
