/** @file A small convolutional network on small photographs. */

import { crossEntropy } from '../loss/index.ts'
import { Conv2d, Flatten, type Layer, Linear, MaxPool2d, ReLU, Sequential } from '../nn/index.ts'
import { AdamW, schedule } from '../optim/index.ts'
import { accuracy } from '../train/metrics.ts'
import { cropAndFlip } from './augment.ts'
import { drawnShapes } from './drawn.ts'
import type { Recipe } from './recipe.ts'
import { Standardize } from './standardize.ts'

const init = 'heNormal'

/** Two blocks of two convolutions and a pooling, then two dense layers: `[B, 3, 32, 32] → [B, 10]`. */
function layers(): Readonly<Record<string, Layer>> {
  return {
    conv1: new Conv2d(3, 32, 3, { padding: 1, init }), // [B, 32, 32, 32]
    relu1: new ReLU(),
    conv2: new Conv2d(32, 32, 3, { padding: 1, init }),
    relu2: new ReLU(),
    pool2: new MaxPool2d(2), // [B, 32, 16, 16]
    conv3: new Conv2d(32, 64, 3, { padding: 1, init }), // [B, 64, 16, 16]
    relu3: new ReLU(),
    conv4: new Conv2d(64, 64, 3, { padding: 1, init }),
    relu4: new ReLU(),
    pool4: new MaxPool2d(2), // [B, 64, 8, 8]
    flatten: new Flatten(), // [B, 4096]
    hidden: new Linear(4096, 128, { init }),
    relu5: new ReLU(),
    output: new Linear(128, 10, { init: 'glorotUniform' }),
  }
}

/** The recipe's network without its scaling of inputs, its layers numbered: 591,274 parameters. */
export function cifarCnn(): Sequential {
  return new Sequential(...Object.values(layers()))
}

/**
 * Convolutions of 3 × 3 in pairs, as in VGG, on pictures moved and mirrored at random. For CIFAR-10 in the binary version;
 * without data, for ten kinds of coloured shapes.
 */
export const cifar10: Recipe = {
  name: 'cifar10',
  description: 'Four convolutions on 32 × 32 colour pictures in ten classes, moved and mirrored at random',
  paper: 'Krizhevsky 2009, Learning multiple layers of features from tiny images',
  defaults: { epochs: 40, batchSize: 64, lr: 1e-3 },
  inputShape: [3, 32, 32],
  build: (train) => new Sequential({ input: new Standardize([3, 32, 32], train?.x), ...layers() }),
  augment: cropAndFlip(4),
  optimizer: (parameters, lr) => new AdamW(parameters, { lr, weightDecay: 5e-2 }),
  schedule: (steps) => schedule.cosine(steps),
  loss: crossEntropy,
  objective: (logits, target) => crossEntropy(logits, target, { labelSmoothing: 0.1 }),
  metrics: [accuracy],
  files: 'cifar',
  dataName: 'coloured shapes drawn by Glia',
  data: drawnShapes,
}
