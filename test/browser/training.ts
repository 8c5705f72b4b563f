/** @file A worker that trains for `fitInWorker` in the browser tests. */

import { digits } from '../../src/data/index.ts'
import { crossEntropy } from '../../src/loss/index.ts'
import { Dropout, Flatten, Linear, ReLU, Sequential } from '../../src/nn/index.ts'
import { Adam } from '../../src/optim/index.ts'
import { type Training, trainingWorker } from '../../src/train/index.ts'

export interface Input {
  readonly examples: number
  readonly epochs: number
  readonly lr: number
}

export function makeModel(): Sequential {
  return new Sequential(new Flatten(), new Linear(784, 64), new ReLU(), new Dropout(0.2), new Linear(64, 10))
}

export async function make({ examples, epochs, lr }: Input): Promise<Training> {
  const model = makeModel()
  const { train } = await digits({ train: examples, test: 1 })
  return {
    model,
    data: train,
    options: { loss: crossEntropy, optimizer: new Adam(model.parameters(), { lr }), epochs },
  }
}

trainingWorker(make)
