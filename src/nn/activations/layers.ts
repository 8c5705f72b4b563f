/** @file Activations that look at several elements, have parameters or draw random numbers, as layers. */
import { GliaError } from '../../core/errors.ts'
import { full } from '../../tensor/factories.ts'
import { Parameter } from '../../tensor/parameter.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { checkCounts } from '../check.ts'
import { linear } from '../functional.ts'
import { type Init, initialiser } from '../init.ts'
import { biasOf } from '../linear.ts'
import { Module } from '../module.ts'
import { glu, logSoftmax, maxout, prelu, rrelu, softmax, softmin } from './functions.ts'

abstract class AlongAxis extends Module {
  readonly axis: number

  /** @param axis default −1, the last */
  constructor(axis = -1) {
    super()
    if (!Number.isInteger(axis)) {
      throw new GliaError(`${new.target.name}: axis must be a whole number; received ${axis}.`)
    }
    this.axis = axis
  }
}

/** eˣ / Σ eˣ along `axis`. */
export class Softmax extends AlongAxis {
  forward(x: Tensor): Tensor {
    return softmax(x, this.axis)
  }
}

/** log of `Softmax`, without loss of digits. */
export class LogSoftmax extends AlongAxis {
  forward(x: Tensor): Tensor {
    return logSoftmax(x, this.axis)
  }
}

/** e⁻ˣ / Σ e⁻ˣ along `axis`. */
export class Softmin extends AlongAxis {
  forward(x: Tensor): Tensor {
    return softmin(x, this.axis)
  }
}

/** a σ(b), where a and b are the halves of x along `axis`: `[…, 2n] → […, n]` (Dauphin et al. 2017). */
export class GLU extends AlongAxis {
  forward(x: Tensor): Tensor {
    return glu(x, this.axis)
  }
}

/**
 * x where positive, else weight · x, with slopes that are trained (He et al. 2015).
 *
 * Parameter: `weight` `[C]`, one slope per channel (axis 1), or `[1]`, one for all.
 */
export class PReLU extends Module {
  weight: Parameter

  /**
   * @param channels default 1: one slope for all
   * @param init initial slope, default 0.25
   */
  constructor(channels = 1, init = 0.25) {
    super()
    checkCounts('PReLU', { channels })
    if (!Number.isFinite(init)) throw new GliaError(`PReLU: init must be a finite number; received ${init}.`)
    this.weight = new Parameter(full([channels], init))
  }

  forward(x: Tensor): Tensor {
    return prelu(x, this.weight)
  }
}

/**
 * x where positive, else slope · x, with a slope per element drawn from [lower, upper) in training and their mean in
 * evaluation (Xu et al. 2015).
 */
export class RReLU extends Module {
  readonly lower: number
  readonly upper: number

  /** @param lower, upper default 1/8 and 1/3 */
  constructor(lower = 1 / 8, upper = 1 / 3) {
    super()
    rrelu(full([1], 0), lower, upper)
    this.lower = lower
    this.upper = upper
  }

  forward(x: Tensor): Tensor {
    return rrelu(x, this.lower, this.upper, { training: this.training })
  }
}

export interface MaxoutOptions {
  /** Whether to add biases (default true). */
  readonly bias?: boolean
  /** Initial weight (default PyTorch's of a linear layer). Other than the default, the biases start at zero. */
  readonly init?: Init
}

/**
 * The greatest of `pieces` linear functions for each output: `y[j] = max over k of x W[j, k] + b[j, k]`, `[…, in] → […,
 * out]` (Goodfellow et al. 2013).
 *
 * Parameters: `weight` `[out · pieces, in]`, `bias` `[out · pieces]`; the pieces of an output are neighbours.
 */
export class Maxout extends Module {
  weight: Parameter
  bias: Parameter | null
  readonly pieces: number

  /** @param pieces default 2 */
  constructor(inFeatures: number, outFeatures: number, pieces = 2, options: MaxoutOptions = {}) {
    super()
    checkCounts('Maxout', { inFeatures, outFeatures, pieces })
    const rows = outFeatures * pieces
    this.pieces = pieces
    this.weight = new Parameter(initialiser(options.init ?? 'kaimingUniformDefault')([rows, inFeatures]))
    this.bias = options.bias === false ? null : new Parameter(biasOf(rows, inFeatures, options.init))
  }

  forward(x: Tensor): Tensor {
    return maxout(linear(x, this.weight, this.bias), this.pieces)
  }
}
