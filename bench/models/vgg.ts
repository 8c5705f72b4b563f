/** @file VGG-16 without batch norm (Simonyan & Zisserman 2015), with torchvision's names. */
import type { Tensor } from '../../src/index.ts'
import { Conv2d, Dropout, type Layer, Linear, MaxPool2d, Module, ReLU, Sequential } from '../../src/nn/index.ts'

/** Convolutions between poolings, by their channels. */
const stages = [
  [64, 64],
  [128, 128],
  [256, 256, 256],
  [512, 512, 512],
  [512, 512, 512],
]

/** Logits of 1000 classes: `[B, 3, 224, 224] → [B, 1000]`. */
export class VGG16 extends Module {
  readonly features: Sequential
  readonly classifier: Sequential

  constructor() {
    super()
    let width = 3
    const layers = stages.flatMap((stage): Layer[] => [
      ...stage.flatMap((channels): Layer[] => {
        const conv = new Conv2d(width, channels, 3, { padding: 1 })
        width = channels
        return [conv, new ReLU()]
      }),
      new MaxPool2d(2),
    ])
    this.features = new Sequential(...layers)
    this.classifier = new Sequential(
      new Linear(512 * 7 * 7, 4096),
      new ReLU(),
      new Dropout(),
      new Linear(4096, 4096),
      new ReLU(),
      new Dropout(),
      new Linear(4096, 1000),
    )
  }

  override forward(x: Tensor): Tensor {
    return this.classifier.call(this.features.call(x).flatten(1))
  }
}
