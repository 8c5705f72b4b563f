/**
 * @file The program of a worker thread, as text: it runs from a string in Node and from a Blob in browsers, so no
 * bundler needs to know of it and no file needs to be served. (A page with a Content-Security-Policy must allow
 * `worker-src blob:` and `script-src 'wasm-unsafe-eval'`.)
 */
import * as layout from './layout.ts'

const { COMMAND, COMMAND_CODE, COMMAND_ARGUMENTS, PARKED, DONE, FAILURE, FAILURE_TEXT, FAILURE_BYTES } = layout
const { Command } = layout

/** What a worker is told when it starts. */
export interface WorkerStart {
  readonly memory: WebAssembly.Memory
  /** The thread's number; the caller of a plan is thread 0. */
  readonly thread: number
  /** Microseconds to look for the next command before going to sleep. */
  readonly spin: number
}

// Plain JavaScript of 2020. A failing thread writes the status word and arrives at one barrier, the next that the others
// come to: there all leave the plan together, and the caller finds the message.
export const workerSource = `'use strict'
const start = ({ memory, thread, spin }) => {
  const words = new Int32Array(memory.buffer, 0, ${layout.LAYOUT_END / 4})
  const at = (i) => words[${COMMAND_ARGUMENTS / 4} + i]
  const plans = new Map()
  const done = () => {
    Atomics.add(words, ${DONE / 4}, 1)
    Atomics.notify(words, ${DONE / 4})
  }
  const fail = (error) => {
    const text = new TextEncoder().encode(String(error && error.message || error)).slice(0, ${FAILURE_BYTES})
    if (Atomics.compareExchange(words, ${FAILURE / 4}, 0, text.length || 1) !== 0) return
    new Uint8Array(memory.buffer, ${FAILURE_TEXT}, ${FAILURE_BYTES}).set(text)
  }
  const bytesAt = (address, length) => {
    if (memory.buffer.byteLength < address + length) memory.grow(0)
    return new Uint8Array(memory.buffer, address, length)
  }
  const next = (seen) => {
    const until = performance.now() + spin / 1000
    do {
      for (let i = 0; i < 256; i++) if (Atomics.load(words, ${COMMAND / 4}) !== seen) return
    } while (performance.now() < until)
    Atomics.add(words, ${PARKED / 4}, 1)
    while (Atomics.load(words, ${COMMAND / 4}) === seen) Atomics.wait(words, ${COMMAND / 4}, seen)
    Atomics.sub(words, ${PARKED / 4}, 1)
  }
  let seen = 0
  done()
  for (;;) {
    next(seen)
    seen = Atomics.load(words, ${COMMAND / 4})
    const code = words[${COMMAND_CODE / 4}]
    if (code === ${Command.run}) {
      const plan = plans.get(at(0))
      const table = at(2)
      try {
        plan['r' + at(1)](thread, table)
      } catch (error) {
        fail(error)
        const slots = new Int32Array(bytesAt(table >>> 0, 4).buffer)
        const status = slots[table >>> 2]
        if (slots[status >>> 2] === 0) slots[status >>> 2] = -1
        plan.b(status)
      }
    } else if (code === ${Command.load}) {
      try {
        const bytes = bytesAt(at(1) >>> 0, at(2)).slice()
        plans.set(at(0), new WebAssembly.Instance(new WebAssembly.Module(bytes), { e: { m: memory } }).exports)
      } catch (error) {
        fail(error)
      }
      done()
    } else if (code === ${Command.unload}) {
      plans.delete(at(0))
      done()
    } else {
      return
    }
  }
}
if (typeof self === 'object' && typeof self.postMessage === 'function') {
  self.onmessage = (event) => {
    start(event.data)
    self.close()
  }
} else {
  start(globalThis.process.getBuiltinModule('node:worker_threads').workerData)
}
`
