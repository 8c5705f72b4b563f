/** @file Rescale: outputs in the target's own units. */

import { Buffer, Module } from '../../nn/index.ts'
import { tensor } from '../../tensor/factories.ts'
import type { Tensor } from '../../tensor/tensor.ts'

/**
 * `x · std + mean`, `[…] → […]`: undoes the standardisation of targets, so that a network whose weights learn numbers
 * near 1 predicts euros or degrees. Buffers: `mean`, `std`, `[]`.
 */
export class Rescale extends Module {
  readonly mean: Buffer
  readonly std: Buffer

  constructor(mean: number, std: number) {
    super()
    this.mean = new Buffer(tensor(mean), { name: 'mean' })
    this.std = new Buffer(tensor(std), { name: 'std' })
  }

  forward(x: Tensor): Tensor {
    return x.mul(this.std).add(this.mean)
  }
}
