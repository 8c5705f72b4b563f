/** @file The page of the browser tests: trains in a worker, or itself. */
import { type Order, type Report, train } from './train.ts'

declare global {
  var trainInWorker: (order: Order) => Promise<Report>
  var trainHere: (order: Order) => Promise<Report>
}

// The worker is left running, so that a test may look at its threads.
globalThis.trainInWorker = (order) =>
  new Promise((resolve, reject) => {
    const worker = new Worker('worker.js', { type: 'module' })
    worker.onmessage = ({ data }: MessageEvent<{ report?: Report; error?: string }>) => {
      if (data.report) resolve(data.report)
      else reject(new Error(data.error))
    }
    worker.onerror = (event) => reject(new Error(event.message))
    worker.postMessage(order)
  })

globalThis.trainHere = train
