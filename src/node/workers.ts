/** @file Work in threads of their own: each imports a module and calls its default export for every piece of work. */

import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { GliaError } from '../core/errors.ts'

/** Runs in the thread. A string, so that it is found wherever bundlers put this file; CommonJS, as such threads are. */
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads')
const loaded = import(workerData)
loaded.catch(() => {})
const buffers = (value, found = []) => {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer && value.byteLength === value.buffer.byteLength) found.push(value.buffer)
  } else if (typeof value === 'object' && value !== null) Object.values(value).forEach((part) => buffers(part, found))
  return [...new Set(found)]
}
parentPort.on('message', async ({ id, input }) => {
  try {
    const value = await (await loaded).default(input)
    parentPort.postMessage({ id, value }, buffers(value))
  } catch (error) {
    const known = error instanceof Error
    parentPort.postMessage({ id, failure: { name: known ? error.name : '', message: known ? error.message : String(error) } })
  }
})
`

interface Answer<O> {
  readonly id: number
  readonly value: O
  readonly failure?: { readonly name: string; readonly message: string }
}

interface Job<I, O> {
  readonly input: I
  resolve(value: O): void
  reject(error: unknown): void
}

/**
 * Threads that apply the default export of a module. Threads start when there is work; idle ones keep no process alive.
 *
 * @example
 * const pool = new WorkerPool<string, Item>(new URL('./read-spectrogram.js', import.meta.url))
 * const source = { length: paths.length, get: (i: number) => pool.run(paths[i]) }
 */
export class WorkerPool<I, O> {
  readonly #module: string
  readonly #threads: number
  readonly #workers = new Map<Worker, Job<I, O> | undefined>()
  readonly #waiting: Job<I, O>[] = []
  #closed = false

  /**
   * @param module its default export takes one argument that can be cloned, and returns a value that can be, or a promise of one
   * @param options.threads as many as there are processors but one by default
   * @throws GliaError if `threads` is not a whole number of at least 1
   */
  constructor(module: URL | string, options: { readonly threads?: number } = {}) {
    const { threads = Math.max(1, availableParallelism() - 1) } = options
    if (!Number.isSafeInteger(threads) || threads < 1) {
      throw new GliaError(`WorkerPool: threads must be a whole number of at least 1; received ${threads}.`)
    }
    this.#module = String(module)
    this.#threads = threads
  }

  /**
   * The result for one input.
   *
   * @throws what the module's function throws: a `GliaError` as such, anything else as an `Error` with its message
   */
  run(input: I): Promise<O> {
    if (this.#closed) return Promise.reject(new GliaError('WorkerPool: the pool is closed.'))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ input, resolve, reject })
      this.#next()
    })
  }

  /** Ends the threads; work under way is rejected. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#workers.keys()].map((worker) => worker.terminate()))
    for (const job of this.#waiting.splice(0)) job.reject(new GliaError('WorkerPool: the pool was closed.'))
  }

  #next(): void {
    if (this.#waiting.length === 0) return
    const worker = [...this.#workers].find(([, busy]) => busy === undefined)?.[0] ?? this.#start()
    const job = worker && this.#waiting.shift()
    if (!worker || !job) return
    this.#workers.set(worker, job)
    worker.ref()
    worker.postMessage({ id: 0, input: job.input })
  }

  #start(): Worker | undefined {
    if (this.#workers.size >= this.#threads) return undefined
    const worker = new Worker(PROGRAM, { eval: true, workerData: this.#module })
    this.#workers.set(worker, undefined)
    const leave = (reason: string): void => {
      const job = this.#workers.get(worker)
      this.#workers.delete(worker)
      job?.reject(new GliaError(`WorkerPool: the thread of ${this.#module} ended (${reason}).`))
      if (!this.#closed) this.#next()
    }
    worker.on('message', (answer: Answer<O>) => this.#finish(worker, answer))
    worker.on('error', (error) => leave(error instanceof Error ? error.message : String(error)))
    worker.on('exit', (code) => {
      if (this.#workers.has(worker)) leave(`exit code ${code}`)
    })
    return worker
  }

  #finish(worker: Worker, { value, failure }: Answer<O>): void {
    const job = this.#workers.get(worker)
    this.#workers.set(worker, undefined)
    worker.unref()
    if (failure) job?.reject(failure.name === 'GliaError' ? new GliaError(failure.message) : new Error(failure.message))
    else job?.resolve(value)
    this.#next()
  }
}
