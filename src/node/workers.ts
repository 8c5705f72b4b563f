/** @file Work in threads of their own: each imports a module and calls its default export for every piece of work. */

import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { GliaError } from '../core/errors.ts'

/**
 * Runs in the thread, one piece of work after the other. A string, so that it is found wherever bundlers put this file;
 * CommonJS, as such threads are.
 */
const PROGRAM = `
const { parentPort, workerData } = require('node:worker_threads')
const loaded = import(workerData.module)
loaded.catch(() => {})
const buffers = (value, found = []) => {
  if (ArrayBuffer.isView(value)) {
    if (value.buffer instanceof ArrayBuffer && value.byteLength === value.buffer.byteLength) found.push(value.buffer)
  } else if (typeof value === 'object' && value !== null) Object.values(value).forEach((part) => buffers(part, found))
  return [...new Set(found)]
}
const work = async (input) => {
  try {
    const value = await (await loaded).default(input, workerData.data)
    parentPort.postMessage({ value }, buffers(value))
  } catch (error) {
    const known = error instanceof Error
    parentPort.postMessage({ failure: { name: known ? error.name : '', message: known ? error.message : String(error) } })
  }
}
let last = Promise.resolve()
parentPort.on('message', (input) => {
  last = last.then(() => work(input))
})
`

interface Answer<O> {
  readonly value: O
  readonly failure?: { readonly name: string; readonly message: string }
}

interface Job<I, O> {
  readonly input: I
  resolve(value: O): void
  reject(error: unknown): void
}

export interface WorkerPoolOptions {
  /** As many as there are processors but one by default. */
  readonly threads?: number
  /** A second argument for the module's function, the same at every call; it must be one that can be cloned. */
  readonly data?: unknown
}

/**
 * Pieces of work that a thread holds at once. While the main thread computes a step it cannot hand out more, so each should
 * have enough to do until then.
 */
const AHEAD = 64

/**
 * Threads that apply the default export of a module. Threads start when there is work; idle ones keep no process alive.
 * Results belong to their inputs, whichever thread made them.
 *
 * @example
 * const pool = new WorkerPool<string, Item>(new URL('./read-spectrogram.js', import.meta.url))
 * const source = { length: paths.length, get: (i: number) => pool.run(paths[i]) }
 */
export class WorkerPool<I, O> {
  readonly #module: string
  readonly #threads: number
  readonly #data: unknown
  /** Work of each thread, in the order in which it is done. */
  readonly #workers = new Map<Worker, Job<I, O>[]>()
  readonly #waiting: Job<I, O>[] = []
  #closed = false

  /**
   * @param module its default export takes one argument that can be cloned, and returns a value that can be, or a promise of one
   * @throws GliaError if `threads` is not a whole number of at least 1
   */
  constructor(module: URL | string, options: WorkerPoolOptions = {}) {
    const { threads = Math.max(1, availableParallelism() - 1), data } = options
    if (!Number.isSafeInteger(threads) || threads < 1) {
      throw new GliaError(`WorkerPool: threads must be a whole number of at least 1; received ${threads}.`)
    }
    this.#module = String(module)
    this.#threads = threads
    this.#data = data
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

  /** Hands out what waits, to those that have least to do. */
  #next(): void {
    while (this.#waiting.length > 0) {
      const [worker, jobs] = this.#idlest()
      if (jobs.length >= AHEAD) return
      const job = this.#waiting.shift()
      if (!job) return
      try {
        worker.postMessage(...alone(job.input))
      } catch (error) {
        job.reject(error)
        continue
      }
      jobs.push(job)
      worker.ref()
    }
  }

  #idlest(): [Worker, Job<I, O>[]] {
    let least: [Worker, Job<I, O>[]] | undefined
    for (const entry of this.#workers) if (!least || entry[1].length < least[1].length) least = entry
    return least && (least[1].length === 0 || this.#workers.size >= this.#threads) ? least : this.#start()
  }

  #start(): [Worker, Job<I, O>[]] {
    const worker = new Worker(PROGRAM, { eval: true, workerData: { module: this.#module, data: this.#data } })
    const jobs: Job<I, O>[] = []
    this.#workers.set(worker, jobs)
    let reason: string | undefined
    worker.on('message', (answer: Answer<O>) => this.#finish(worker, jobs, answer))
    worker.on('error', (error) => {
      reason = error instanceof Error ? error.message : String(error)
    })
    worker.on('exit', (code) => {
      this.#workers.delete(worker)
      // It was at work on the first; the others go to another thread.
      const [first, ...others] = jobs.splice(0)
      first?.reject(
        new GliaError(`WorkerPool: the thread of ${this.#module} ended (${reason ?? `exit code ${code}`}).`),
      )
      this.#waiting.unshift(...others)
      if (!this.#closed) this.#next()
    })
    return [worker, jobs]
  }

  #finish(worker: Worker, jobs: Job<I, O>[], { value, failure }: Answer<O>): void {
    const job = jobs.shift()
    if (jobs.length === 0) worker.unref()
    if (failure) job?.reject(failure.name === 'GliaError' ? new GliaError(failure.message) : new Error(failure.message))
    else job?.resolve(value)
    this.#next()
  }
}

/** A message without what surrounds its views: cloning a view would clone the whole of its buffer. */
function alone(input: unknown): [message: unknown, transfer: ArrayBuffer[]] {
  const copies: ArrayBuffer[] = []
  const walk = (value: unknown): unknown => {
    if (value instanceof Float32Array || value instanceof Int32Array || value instanceof Uint8Array) {
      if (value.byteLength === value.buffer.byteLength) return value
      // Not slice(): that of Node's buffers is a view again.
      const copy = value instanceof Uint8Array ? new Uint8Array(value) : value.slice()
      copies.push(copy.buffer as ArrayBuffer)
      return copy
    }
    if (Array.isArray(value)) return value.map(walk)
    if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, walk(part)]))
  }
  return [walk(input), copies]
}

/** A module of this folder, beside this file, as source or built; the bundled command lies in a folder beside. */
export function workerModule(name: string): URL {
  const file = `${name}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`
  const beside = new URL(`./${file}`, import.meta.url)
  return existsSync(beside) ? beside : new URL(`../node/${file}`, import.meta.url)
}
