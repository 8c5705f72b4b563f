/** @file Deep convolutional GAN of 32 × 32 images (Radford et al. 2016). */
import { BatchNorm2d, Conv2d, ConvTranspose2d, Flatten, LeakyReLU, ReLU, Sequential, Tanh } from '../../src/nn/index.ts'

/** Noise `[B, 64, 1, 1]` → images `[B, 3, 32, 32]` in (−1, 1). */
export function generator(): Sequential {
  return new Sequential(
    new ConvTranspose2d(64, 128, 4),
    new BatchNorm2d(128),
    new ReLU(),
    new ConvTranspose2d(128, 64, 4, { stride: 2, padding: 1 }),
    new BatchNorm2d(64),
    new ReLU(),
    new ConvTranspose2d(64, 32, 4, { stride: 2, padding: 1 }),
    new BatchNorm2d(32),
    new ReLU(),
    new ConvTranspose2d(32, 3, 4, { stride: 2, padding: 1 }),
    new Tanh(),
  )
}

/** Images `[B, 3, 32, 32]` → logits of being real `[B]`. */
export function discriminator(): Sequential {
  return new Sequential(
    new Conv2d(3, 32, 4, { stride: 2, padding: 1 }),
    new LeakyReLU(0.2),
    new Conv2d(32, 64, 4, { stride: 2, padding: 1 }),
    new BatchNorm2d(64),
    new LeakyReLU(0.2),
    new Conv2d(64, 128, 4, { stride: 2, padding: 1 }),
    new BatchNorm2d(128),
    new LeakyReLU(0.2),
    new Conv2d(128, 1, 4),
    new Flatten(0),
  )
}
