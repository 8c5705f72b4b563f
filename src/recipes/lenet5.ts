/** @file LeNet-5, the network that read cheques. */

import { crossEntropy } from '../loss/index.ts'
import { AvgPool2d, Conv2d, Flatten, Linear, Sequential, Tanh } from '../nn/index.ts'
import { AdamW, schedule } from '../optim/index.ts'
import { accuracy } from '../train/metrics.ts'
import type { Recipe } from './recipe.ts'
import { Standardize } from './standardize.ts'
import { writtenDigits } from './written.ts'

const init = 'glorotUniform'

/**
 * As it is taught today: average pooling without weights, every feature map connected to all of the layer before, a
 * softmax instead of radial basis functions. 28 × 28 images padded to 32 × 32, as in the paper. 61,706 parameters.
 */
export const lenet5: Recipe = {
  name: 'lenet5',
  description: 'LeNet-5 on 28 × 28 grey images in ten classes',
  paper: 'LeCun, Bottou, Bengio & Haffner 1998, Gradient-based learning applied to document recognition',
  defaults: { epochs: 8, batchSize: 32, lr: 2e-3 },
  inputShape: [1, 28, 28],
  build: (train) =>
    new Sequential({
      input: new Standardize([1, 28, 28], train?.x),
      c1: new Conv2d(1, 6, 5, { padding: 'same', init }), // [B, 6, 28, 28]
      tanh1: new Tanh(),
      s2: new AvgPool2d(2), // [B, 6, 14, 14]
      c3: new Conv2d(6, 16, 5, { init }), // [B, 16, 10, 10]
      tanh3: new Tanh(),
      s4: new AvgPool2d(2), // [B, 16, 5, 5]
      flatten: new Flatten(), // [B, 400]
      c5: new Linear(400, 120, { init }),
      tanh5: new Tanh(),
      f6: new Linear(120, 84, { init }),
      tanh6: new Tanh(),
      output: new Linear(84, 10, { init }),
    }),
  optimizer: (parameters, lr) => new AdamW(parameters, { lr, weightDecay: 1e-2 }),
  schedule: (steps) => schedule.cosine(steps),
  loss: crossEntropy,
  // Szegedy et al. 2015: keeps it from being too sure of itself, which is worth a tenth of a percent on digits, more on clothes.
  objective: (logits, target) => crossEntropy(logits, target, { labelSmoothing: 0.05 }),
  metrics: [accuracy],
  files: 'idx',
  dataName: 'digits written by Glia',
  data: writtenDigits,
}
