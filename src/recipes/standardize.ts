/** @file Standardize: inputs with mean 0 and standard deviation 1. */

import { GliaError } from '../core/errors.ts'
import { sizeOf } from '../core/shape.ts'
import type { Column } from '../data/dataset.ts'
import { Buffer, Module } from '../nn/index.ts'
import { ones, zeros } from '../tensor/factories.ts'
import type { Tensor } from '../tensor/tensor.ts'

/**
 * `(x − mean) / std` per channel: `[B, C, …] → [B, C, …]`.
 *
 * The statistics are those of the training set, taken once before training (LeCun et al. 1998, Efficient BackProp), and are
 * saved with the model, so that whoever predicts needs to know nothing of them. Buffers: `mean`, `std`, `[C, 1, …]`.
 */
export class Standardize extends Module {
  readonly mean: Buffer
  readonly std: Buffer

  /**
   * @param shape of one example, `[C, …]`
   * @param train inputs to take the statistics from; without them inputs pass unchanged
   */
  constructor(shape: readonly number[], train?: Column) {
    super()
    const perChannel = shape.map((d, axis) => (axis === 0 ? d : 1))
    this.mean = new Buffer(zeros(perChannel), { name: 'mean' })
    this.std = new Buffer(ones(perChannel), { name: 'std' })
    if (!train) return
    if (train.shape.join() !== shape.join()) {
      throw new GliaError(
        `Standardize: inputs of shape [${shape.join(', ')}] were expected; the training set has [${train.shape.join(', ')}].`,
      )
    }
    const statistics = channelStatistics(train)
    this.mean.set(statistics.map((s) => s.mean))
    this.std.set(statistics.map((s) => s.std))
  }

  forward(x: Tensor): Tensor {
    return x.sub(this.mean).div(this.std)
  }
}

/** Mean and standard deviation of each channel of the inputs as models see them: bytes as 0 … 1. */
function channelStatistics({ data, shape }: Column): { mean: number; std: number }[] {
  const [channels] = shape
  const plane = sizeOf(shape.slice(1))
  const scale = data instanceof Uint8Array ? 255 : 1
  const count = data.length / channels
  return Array.from({ length: channels }, (_, channel) => {
    const meanOf = (value: (v: number) => number): number => {
      let sum = 0
      for (let start = channel * plane; start < data.length; start += channels * plane) {
        for (let i = start; i < start + plane; i++) sum += value(data[i] / scale)
      }
      return sum / count
    }
    const mean = meanOf((v) => v)
    const variance = meanOf((v) => (v - mean) ** 2)
    // A channel that is the same everywhere stays as it is, moved to 0.
    return { mean, std: variance > 0 ? Math.sqrt(variance) : 1 }
  })
}
