/** @file A worker that trains on three corners, with dropout; and, if told to, fails in one way or another. */

import { tensor } from '../../../src/index.ts'
import { crossEntropy } from '../../../src/loss/index.ts'
import { Dropout, Linear, ReLU, Sequential } from '../../../src/nn/index.ts'
import { Adam } from '../../../src/optim/index.ts'
import { type Training, trainingWorker } from '../../../src/train/index.ts'
import { corners } from '../problems.ts'

export interface Input {
  readonly examples: number
  readonly epochs: number
  readonly lr?: number
  readonly fault?: 'throws' | 'not finite' | 'exits' | 'odd' | 'another model'
}

export function makeModel(width = 8): Sequential {
  return new Sequential(new Linear(2, width), new ReLU(), new Dropout(0.3), new Linear(width, 3))
}

export const make = ({ examples, epochs, lr = 0.01, fault }: Input): Training => {
  if (fault === 'throws') throw new RangeError('no such file')
  // A value that cannot be cloned.
  if (fault === 'odd') throw Object.assign(new Error('odd'), { callback: () => {} })
  const model = makeModel(fault === 'another model' ? 9 : 8)
  const optimizer = new Adam(model.parameters(), { lr })
  let steps = 0
  const trouble = {
    onBatchEnd: (): void => {
      if (++steps === 3 && fault === 'exits') process.exit(7)
      if (steps === 3 && fault === 'not finite') model.parameters()[0].assign(tensor(Number.NaN).expand([8, 2]))
    },
  }
  return {
    model,
    data: corners(examples),
    options: {
      loss: crossEntropy,
      optimizer,
      epochs,
      batchSize: 4,
      validation: corners(12, 1),
      callbacks: fault ? [trouble] : [],
    },
  }
}

export default trainingWorker(make)
