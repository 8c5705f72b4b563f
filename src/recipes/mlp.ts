/** @file The multi-layer perceptron that every course starts with. */

import { crossEntropy } from '../loss/index.ts'
import { Flatten, Linear, ReLU, Sequential } from '../nn/index.ts'
import { Adam, schedule } from '../optim/index.ts'
import { accuracy } from '../train/metrics.ts'
import type { Recipe } from './recipe.ts'
import { writtenDigits } from './written.ts'

const init = 'glorotUniform'

/** One hidden layer of 128 units. 101,770 parameters. */
export const mlp: Recipe = {
  name: 'mlp',
  description: 'A perceptron with one hidden layer of 128 units on 28 × 28 grey images in ten classes',
  paper: 'Rumelhart, Hinton & Williams 1986, Learning representations by back-propagating errors',
  defaults: { epochs: 8, batchSize: 32, lr: 2e-3 },
  inputShape: [1, 28, 28],
  build: () =>
    new Sequential({
      flatten: new Flatten(), // [B, 784]
      hidden: new Linear(784, 128, { init }),
      relu: new ReLU(),
      output: new Linear(128, 10, { init }),
    }),
  optimizer: (parameters, lr) => new Adam(parameters, { lr }),
  schedule: (steps) => schedule.cosine(steps),
  loss: crossEntropy,
  metrics: [accuracy],
  files: 'idx',
  dataName: 'digits written by Glia',
  data: writtenDigits,
}
