/** @file A convolutional network with batch normalisation on digits. */

import { crossEntropy } from '../loss/index.ts'
import {
  BatchNorm1d,
  BatchNorm2d,
  Conv2d,
  Flatten,
  type Layer,
  Linear,
  MaxPool2d,
  ReLU,
  Sequential,
} from '../nn/index.ts'
import { AdamW, schedule } from '../optim/index.ts'
import { accuracy } from '../train/metrics.ts'
import { wobble } from './augment.ts'
import type { Recipe } from './recipe.ts'
import { Standardize } from './standardize.ts'
import { writtenDigits } from './written.ts'

const init = 'heNormal'

/** A convolution of 3 × 3 that keeps height and width; the normalisation after it has the bias. */
const conv = (from: number, to: number): Layer => new Conv2d(from, to, 3, { padding: 1, bias: false, init })

/**
 * Convolutions of 3 × 3 in pairs, each followed by batch normalisation (Ioffe & Szegedy 2015), on digits turned, moved and
 * scaled a little at random.
 */
export const mnistCnn: Recipe = {
  name: 'mnist-cnn',
  description:
    'Four convolutions with batch normalisation on 28 × 28 grey images in ten classes, turned and moved at random',
  paper:
    'Simard, Steinkraus & Platt 2003, Best practices for convolutional neural networks applied to visual document analysis',
  defaults: { epochs: 10, batchSize: 64, lr: 2e-3 },
  inputShape: [1, 28, 28],
  build: (train) =>
    new Sequential({
      input: new Standardize([1, 28, 28], train?.x),
      conv1: conv(1, 16), // [B, 16, 28, 28]
      norm1: new BatchNorm2d(16),
      relu1: new ReLU(),
      conv2: conv(16, 16),
      norm2: new BatchNorm2d(16),
      relu2: new ReLU(),
      pool2: new MaxPool2d(2), // [B, 16, 14, 14]
      conv3: conv(16, 32), // [B, 32, 14, 14]
      norm3: new BatchNorm2d(32),
      relu3: new ReLU(),
      conv4: conv(32, 32),
      norm4: new BatchNorm2d(32),
      relu4: new ReLU(),
      pool4: new MaxPool2d(2), // [B, 32, 7, 7]
      flatten: new Flatten(), // [B, 1568]
      hidden: new Linear(1568, 128, { bias: false, init }),
      norm5: new BatchNorm1d(128),
      relu5: new ReLU(),
      output: new Linear(128, 10, { init: 'glorotUniform' }),
    }),
  augment: wobble({ degrees: 10, shift: 2, scale: 0.1 }),
  optimizer: (parameters, lr) => new AdamW(parameters, { lr, weightDecay: 1e-2 }),
  schedule: (steps) => schedule.cosine(steps),
  loss: crossEntropy,
  objective: (logits, target) => crossEntropy(logits, target, { labelSmoothing: 0.05 }),
  metrics: [accuracy],
  files: 'idx',
  dataName: 'digits written by Glia',
  data: writtenDigits,
}
