/** @file Dropout of elements and of whole channels, in training alone. */

import { GliaError } from '../core/errors.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { alphaDropout, channelDropout, dropout, featureAlphaDropout } from './functional/dropout.ts'
import { checkImages } from './functional/spatial.ts'
import { Module } from './module.ts'

abstract class Dropping extends Module {
  readonly p: number

  /** @param p default 0.5 */
  constructor(p = 0.5) {
    super()
    if (!(p >= 0 && p <= 1)) throw new GliaError(`${new.target.name}: p must lie in [0, 1]; received ${p}.`)
    this.p = p
  }

  /** Whether anything is dropped now. */
  protected get drops(): boolean {
    return this.training && this.p > 0
  }
}

/**
 * In training, sets each element to zero with probability `p` and scales the others by 1 / (1 − p); otherwise returns its
 * input (Srivastava et al. 2014).
 */
export class Dropout extends Dropping {
  forward(x: Tensor): Tensor {
    return this.drops ? dropout(x, this.p) : x
  }
}

/** As `Dropout`, but whole channels of `[B, C, L]` at once (Tompson et al. 2015). */
export class Dropout1d extends Dropping {
  forward(x: Tensor): Tensor {
    checkImages('Dropout1d', x, 1)
    return this.drops ? channelDropout(x, this.p) : x
  }
}

/** As `Dropout`, but whole channels of `[B, C, H, W]` at once. */
export class Dropout2d extends Dropping {
  forward(x: Tensor): Tensor {
    checkImages('Dropout2d', x, 2)
    return this.drops ? channelDropout(x, this.p) : x
  }
}

/** As `Dropout`, but whole channels of `[B, C, D, H, W]` at once. */
export class Dropout3d extends Dropping {
  forward(x: Tensor): Tensor {
    checkImages('Dropout3d', x, 3)
    return this.drops ? channelDropout(x, this.p) : x
  }
}

/**
 * For SELU networks (Klambauer et al. 2017): in training, elements become SELU's lower limit with probability `p`, and an
 * affine map keeps mean 0 and variance 1.
 */
export class AlphaDropout extends Dropping {
  forward(x: Tensor): Tensor {
    return this.drops ? alphaDropout(x, this.p) : x
  }
}

/** As `AlphaDropout`, but whole channels of `[B, C, …]` at once. */
export class FeatureAlphaDropout extends Dropping {
  forward(x: Tensor): Tensor {
    return this.drops ? featureAlphaDropout(x, this.p) : x
  }
}
