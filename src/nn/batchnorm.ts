/** @file Batch normalisation (Ioffe & Szegedy 2015). */

import { noGrad } from '../autograd/mode.ts'
import { GliaError } from '../core/errors.ts'
import { showShape } from '../core/shape.ts'
import { ones, zeros } from '../tensor/factories.ts'
import { Buffer, Parameter } from '../tensor/parameter.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { batchNormEval, batchNormTrain } from './functional.ts'
import { Module } from './module.ts'

export interface BatchNormOptions {
  /** Added to the variance (default 1e-5). */
  readonly eps?: number
  /** Share of the newest batch in the running statistics (default 0.1); null: all batches count alike. */
  readonly momentum?: number | null
}

/**
 * `(x − mean) / √(variance + ε) · weight + bias` per channel of `[B, C, H, W]`.
 *
 * Training takes the batch's own statistics and updates the running ones (which use the unbiased variance); evaluation
 * takes the running ones.
 *
 * Parameters: `weight`, `bias` `[C]`. Buffers: `running_mean`, `running_var` `[C]`, `num_batches_tracked` `[]`.
 */
export class BatchNorm2d extends Module {
  weight: Parameter
  bias: Parameter
  readonly running_mean: Buffer
  readonly running_var: Buffer
  readonly num_batches_tracked: Buffer
  readonly eps: number
  readonly momentum: number | null

  constructor(channels: number, options: BatchNormOptions = {}) {
    super()
    this.weight = new Parameter(ones([channels]))
    this.bias = new Parameter(zeros([channels]))
    this.running_mean = new Buffer(zeros([channels]))
    this.running_var = new Buffer(ones([channels]))
    this.num_batches_tracked = new Buffer(zeros([], { dtype: 'int32' }), { savedAs: 'I64' })
    this.eps = options.eps ?? 1e-5
    this.momentum = options.momentum === undefined ? 0.1 : options.momentum
  }

  forward(x: Tensor): Tensor {
    const [channels] = this.weight.shape
    if (x.rank !== 4 || x.shape[1] !== channels) {
      throw new GliaError(`BatchNorm2d: expects [B, ${channels}, H, W]; received ${showShape(x.shape)}.`)
    }
    if (!this.training) {
      return batchNormEval(x, this.running_mean, this.running_var, this.weight, this.bias, this.eps)
    }
    const count = x.size / channels
    if (count < 2) {
      throw new GliaError(
        `BatchNorm2d: training needs more than one value per channel; received ${showShape(x.shape)}.`,
      )
    }
    const { y, mean, variance } = batchNormTrain(x, this.weight, this.bias, this.eps)
    noGrad(() => this.#track(mean, variance.mul(count / (count - 1))))
    return y
  }

  #track(mean: Tensor, variance: Tensor): void {
    const batches = this.num_batches_tracked.add(1)
    const share = this.momentum ?? batches.float().reciprocal()
    const blend = (old: Tensor, now: Tensor): Tensor => old.add(now.sub(old).mul(share))
    this.running_mean.assign(blend(this.running_mean, mean))
    this.running_var.assign(blend(this.running_var, variance))
    this.num_batches_tracked.assign(batches)
  }
}
