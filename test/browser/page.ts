/** @file The page of the browser tests: trains in a worker, or itself. */
import { manualSeed } from '../../src/index.ts'
import { fit, fitInWorker, type History, type Training } from '../../src/train/index.ts'
import { type Order, type Report, train } from './train.ts'
import { type Input, make, makeModel } from './training.ts'

declare global {
  var trainInWorker: (order: Order) => Promise<Report>
  var trainHere: (order: Order) => Promise<Report>
  var fitInBoth: (input: Input) => Promise<BothReport>
}

/** Of the same training in a worker and here, and of one that is aborted. */
export interface BothReport {
  readonly there: History
  readonly here: History
  readonly sameWeights: boolean
  /** Losses of steps that the page was told of. */
  readonly losses: number
  /** Times that a timer of the page ran during the training in the worker. */
  readonly ticks: number
  readonly aborted: History
  readonly failure: string
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

globalThis.fitInBoth = async (input) => {
  const program = new URL('training.js', location.href)
  const fresh = (): ReturnType<typeof makeModel> => {
    manualSeed(7)
    return makeModel()
  }
  const weights = (model: Training['model']): string =>
    model
      .parameters()
      .map((p) => [...p.dataSync()].join())
      .join(';')

  let [ticks, losses] = [0, 0]
  const timer = setInterval(() => ticks++, 1)
  const model = fresh()
  const there = await fitInWorker(program, { model, input, callbacks: [{ onBatchEnd: () => void losses++ }] })
  clearInterval(timer)

  const { model: own, data, options } = await make(input)
  const from = fresh()
  for (const [i, p] of own.parameters().entries()) p.set(from.parameters()[i].dataSync())
  const here = await fit(own, data, options)

  const worker = new Worker(program, { type: 'module' })
  const abort = new AbortController()
  const long = { model: fresh(), input: { ...input, epochs: 1e6 }, signal: abort.signal }
  const callbacks = [{ onEpochEnd: () => abort.abort() }]
  const aborted = await fitInWorker(worker, { ...long, callbacks })
  const wrong = fitInWorker(worker, { model: fresh(), input: { ...input, lr: -1 } })
  const failure = await wrong.then(String, (error: unknown) => String(error))
  worker.terminate()
  return { there, here, sameWeights: weights(model) === weights(own), losses, ticks, aborted, failure }
}
