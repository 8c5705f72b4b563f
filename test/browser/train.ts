/** @file The training that the browser tests run, in a page or in a worker. */

import { digits } from '../../src/data/index.ts'
import { createDevice, manualSeed, setDefaultDevice } from '../../src/index.ts'
import { crossEntropy } from '../../src/loss/index.ts'
import { Flatten, Linear, ReLU, Sequential } from '../../src/nn/index.ts'
import { Adam } from '../../src/optim/index.ts'
import { fit } from '../../src/train/index.ts'

export interface Order {
  /** Threads asked for; the device's own choice if absent. */
  readonly threads?: number
  readonly train: number
  readonly test: number
  readonly epochs: number
  /** Trainings, all from the same seed. */
  readonly runs: number
}

export interface Report {
  readonly isolated: boolean
  readonly device: string
  readonly threads: number
  readonly runs: readonly {
    readonly accuracy: number
    readonly seconds: number
    /** Of every step. */
    readonly losses: readonly number[]
  }[]
}

export async function train(order: Order): Promise<Report> {
  const device = await createDevice('auto', order.threads === undefined ? {} : { threads: order.threads })
  setDefaultDevice(device)
  const data = await digits({ train: order.train, test: order.test })
  const runs = []
  for (let run = 0; run < order.runs; run++) {
    manualSeed(7)
    const model = new Sequential(new Flatten(), new Linear(784, 128), new ReLU(), new Linear(128, 10))
    const losses: number[] = []
    const history = await fit(model, data.train, {
      loss: crossEntropy,
      optimizer: new Adam(model.parameters(), { lr: 5e-3 }),
      validation: data.test,
      epochs: order.epochs,
      callbacks: [{ onBatchEnd: ({ batchLoss }) => void losses.push(batchLoss) }],
    })
    runs.push({ accuracy: history.epochs.at(-1)?.val?.accuracy ?? Number.NaN, seconds: history.seconds, losses })
  }
  return { isolated: globalThis.crossOriginIsolated, device: device.name, threads: device.threads, runs }
}
