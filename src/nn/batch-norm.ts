/** @file Batch normalisation (Ioffe & Szegedy 2015), and instance normalisation (Ulyanov et al. 2016), its sibling. */
import { noGrad } from '../autograd/mode.ts'
import { GliaError } from '../core/errors.ts'
import { showShape } from '../core/shape.ts'
import { ones, zeros } from '../tensor/factories.ts'
import { Buffer, Parameter } from '../tensor/parameter.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { checkCounts, checkEps } from './check.ts'
import { batchNormEval, batchNormTrain } from './functional/batch-norm.ts'
import { instanceNorm } from './functional/normalise.ts'
import { Module } from './module.ts'

export interface BatchNormOptions {
  /** Added to the variance (default 1e-5). */
  readonly eps?: number
  /** Share of the newest batch in the running statistics (default 0.1); null: all batches count alike. */
  readonly momentum?: number | null
  /** Whether to scale and shift by learned parameters per channel (default true). */
  readonly affine?: boolean
  /** Whether to keep running statistics for evaluation (default true); without, evaluation takes the batch's own. */
  readonly trackRunningStats?: boolean
}

/** Scale, shift and running statistics per channel. */
abstract class ChannelNorm extends Module {
  weight: Parameter | null
  bias: Parameter | null
  readonly running_mean: Buffer | null
  readonly running_var: Buffer | null
  readonly num_batches_tracked: Buffer | null
  readonly channels: number
  readonly eps: number
  readonly momentum: number | null

  constructor(
    channels: number,
    { eps = 1e-5, momentum = 0.1, affine = true, trackRunningStats = true }: BatchNormOptions,
  ) {
    super()
    const { name } = new.target
    checkCounts(name, { channels })
    checkEps(name, eps)
    if (momentum !== null && !(momentum >= 0 && momentum <= 1)) {
      throw new GliaError(`${name}: momentum must lie in [0, 1], or be null for a plain average; received ${momentum}.`)
    }
    this.channels = channels
    this.weight = affine ? new Parameter(ones([channels])) : null
    this.bias = affine ? new Parameter(zeros([channels])) : null
    this.running_mean = trackRunningStats ? new Buffer(zeros([channels])) : null
    this.running_var = trackRunningStats ? new Buffer(ones([channels])) : null
    this.num_batches_tracked = trackRunningStats ? new Buffer(zeros([], { dtype: 'int32' }), { savedAs: 'I64' }) : null
    this.eps = eps
    this.momentum = momentum
  }

  /** @throws GliaError unless `x` has one of the ranks and as many channels */
  protected check(x: Tensor, ranks: readonly number[]): void {
    if (ranks.includes(x.rank) && x.shape[1] === this.channels) return
    const axes = [[], ['L'], ['H', 'W'], ['D', 'H', 'W']]
    const shapes = ranks.map((r) => `[B, ${[this.channels, ...axes[r - 2]].join(', ')}]`)
    throw new GliaError(`${this.constructor.name}: expects ${shapes.join(' or ')}; received ${showShape(x.shape)}.`)
  }

  /** Blends the statistics of a batch, with this share, into the running ones. */
  protected track(mean: Tensor, variance: Tensor, share: number | Tensor | null): void {
    const { running_mean, running_var } = this
    if (!running_mean || !running_var || share === null) return
    const blend = (old: Tensor, now: Tensor): Tensor => old.add(now.sub(old).mul(share))
    running_mean.assign(blend(running_mean, mean))
    running_var.assign(blend(running_var, variance))
  }
}

abstract class BatchNorm extends ChannelNorm {
  protected abstract readonly ranks: readonly number[]

  constructor(channels: number, options: BatchNormOptions = {}) {
    super(channels, options)
  }

  forward(x: Tensor): Tensor {
    this.check(x, this.ranks)
    if (!this.training && this.running_mean && this.running_var) {
      return batchNormEval(x, this.running_mean, this.running_var, this.weight, this.bias, this.eps)
    }
    const count = x.size / this.channels
    if (this.training && count < 2) {
      throw new GliaError(
        `${this.constructor.name}: training needs more than one value per channel; received ${showShape(x.shape)}.`,
      )
    }
    const { y, mean, variance } = batchNormTrain(x, this.weight, this.bias, this.eps)
    if (this.training) noGrad(() => this.track(mean, variance.mul(count / (count - 1)), this.#share()))
    return y
  }

  /** Share of the newest batch: `momentum`, or one over the number of batches, which is counted here. */
  #share(): number | Tensor | null {
    if (!this.num_batches_tracked) return null
    const batches = this.num_batches_tracked.add(1)
    this.num_batches_tracked.assign(batches)
    return this.momentum ?? batches.float().reciprocal()
  }
}

/**
 * `(x − mean) / √(variance + ε) · weight + bias` per channel of `[B, C]` or `[B, C, L]`.
 *
 * Training takes the batch's own statistics and updates the running ones (which use the unbiased variance); evaluation
 * takes the running ones.
 *
 * Parameters: `weight`, `bias` `[C]`. Buffers: `running_mean`, `running_var` `[C]`, `num_batches_tracked` `[]`.
 */
export class BatchNorm1d extends BatchNorm {
  protected readonly ranks = [2, 3]
}

/** As `BatchNorm1d`, per channel of `[B, C, H, W]`. */
export class BatchNorm2d extends BatchNorm {
  protected readonly ranks = [4]
}

/** As `BatchNorm1d`, per channel of `[B, C, D, H, W]`. */
export class BatchNorm3d extends BatchNorm {
  protected readonly ranks = [5]
}

/** As of batch normalisation, but for the defaults of `affine` and `trackRunningStats`, which are false. */
export interface InstanceNormOptions extends BatchNormOptions {
  /** Share of the newest batch in the running statistics (default 0.1). */
  readonly momentum?: number
}

abstract class InstanceNorm extends ChannelNorm {
  protected abstract readonly ranks: readonly number[]

  constructor(channels: number, options: InstanceNormOptions = {}) {
    super(channels, {
      ...options,
      affine: options.affine ?? false,
      trackRunningStats: options.trackRunningStats ?? false,
    })
  }

  forward(x: Tensor): Tensor {
    this.check(x, this.ranks)
    if (!this.training && this.running_mean && this.running_var) {
      return batchNormEval(x, this.running_mean, this.running_var, this.weight, this.bias, this.eps)
    }
    const places = x.shape.slice(2).reduce((n, d) => n * d, 1)
    if (places < 2) {
      throw new GliaError(
        `${this.constructor.name}: needs more than one value per example and channel; received ${showShape(x.shape)}.`,
      )
    }
    if (this.training && this.running_mean) {
      // As in PyTorch, these batches are not counted.
      const flat = x.flatten(2)
      noGrad(() => this.track(flat.mean(2).mean(0), flat.var(2).mean(0), this.momentum))
    }
    return instanceNorm(x, this.weight, this.bias, this.eps)
  }
}

/**
 * `(x − mean) / √(variance + ε)` per example and channel of `[B, C, L]`, on request `· weight + bias` per channel.
 *
 * With `trackRunningStats`, running averages of the statistics serve in evaluation. Parameters and buffers, if asked
 * for, are those of batch normalisation.
 */
export class InstanceNorm1d extends InstanceNorm {
  protected readonly ranks = [3]
}

/** As `InstanceNorm1d`, per example and channel of `[B, C, H, W]`. */
export class InstanceNorm2d extends InstanceNorm {
  protected readonly ranks = [4]
}

/** As `InstanceNorm1d`, per example and channel of `[B, C, D, H, W]`. */
export class InstanceNorm3d extends InstanceNorm {
  protected readonly ranks = [5]
}
