/** @file Talking with a worker that trains, whether it is one of Node or of a browser. */

import { GliaError } from '../core/errors.ts'
import { type FromWorker, isMessage, type ToWorker } from './worker-messages.ts'

/** A worker of a browser: `new Worker(new URL('./training.js', import.meta.url), { type: 'module' })`. */
export interface PageWorker {
  postMessage(message: unknown): void
  addEventListener(type: string, listener: (event: unknown) => void): void
  removeEventListener(type: string, listener: (event: unknown) => void): void
}

/** A worker of `node:worker_threads`. */
export interface ThreadWorker {
  postMessage(message: unknown): void
  on(event: string, listener: (value: unknown) => void): unknown
  off(event: string, listener: (value: unknown) => void): unknown
}

/** The way to a worker. */
export interface WorkerPort {
  post(message: ToWorker): void
  /** Ends listening, and the worker if it was started here. */
  close(): Promise<void>
}

/** Takes messages, and the sentence that says why there will be no more. */
export interface Listener {
  hear(message: FromWorker): void
  fail(reason: string): void
}

/** Listens to `worker`, or to one that it starts with the program at that address. @throws GliaError if it cannot */
export function openPort(worker: URL | PageWorker | ThreadWorker, { hear, fail }: Listener): WorkerPort {
  const own = worker instanceof URL ? startWorker(worker) : null
  const other: PageWorker | ThreadWorker = worker instanceof URL ? (own as Started) : worker
  const heard = (value: unknown): void => {
    if (isMessage<FromWorker>(value)) hear(value)
  }
  const failed = (what: unknown): void => fail(`the worker failed: ${reasonOf(what)}`)
  const unlisten = 'on' in other ? listenInNode(other, heard, failed, fail) : listenInPage(other, heard, failed)
  return {
    post: (message) => other.postMessage(message),
    close: async () => {
      unlisten()
      await own?.terminate()
    },
  }
}

/** What `startWorker` starts can be ended. */
type Started = (PageWorker | ThreadWorker) & { terminate(): unknown }

function startWorker(program: URL): Started {
  const threads = globalThis.process?.getBuiltinModule?.('node:worker_threads')
  if (threads) return new threads.Worker(program)
  if (typeof Worker === 'function') return new Worker(program, { type: 'module' })
  throw new GliaError(
    'fitInWorker: no workers can be started here; pass a worker instead of the address of its program.',
  )
}

function listenInNode(
  worker: ThreadWorker,
  heard: (value: unknown) => void,
  failed: (error: unknown) => void,
  fail: (reason: string) => void,
): () => void {
  const exited = (code: unknown): void =>
    fail(`the worker ended (exit code ${code}) before its training did. Its program must call trainingWorker.`)
  worker.on('message', heard)
  worker.on('error', failed)
  worker.on('exit', exited)
  return () => {
    worker.off('message', heard)
    worker.off('error', failed)
    worker.off('exit', exited)
  }
}

function listenInPage(
  worker: PageWorker,
  heard: (value: unknown) => void,
  failed: (error: unknown) => void,
): () => void {
  const message = (event: unknown): void => heard((event as { readonly data: unknown }).data)
  worker.addEventListener('message', message)
  worker.addEventListener('error', failed)
  return () => {
    worker.removeEventListener('message', message)
    worker.removeEventListener('error', failed)
  }
}

/** An error, or the event of a browser that tells of one; the event says nothing where a script cannot be loaded. */
function reasonOf(what: unknown): string {
  const said = typeof what === 'object' && what !== null && 'message' in what ? what.message : undefined
  return typeof said === 'string' && said !== '' ? said : 'its program cannot be loaded'
}
