/** @file Activation functions as layers. */
import type { Tensor } from '../tensor/tensor.ts'
import { Module } from './module.ts'

/** max(x, 0). */
export class ReLU extends Module {
  forward(x: Tensor): Tensor {
    return x.relu()
  }
}

/** x where positive, else slope · x. */
export class LeakyReLU extends Module {
  readonly slope: number

  /** @param slope default 0.01 */
  constructor(slope = 0.01) {
    super()
    this.slope = slope
  }

  forward(x: Tensor): Tensor {
    return x.leakyRelu(this.slope)
  }
}

/** x Φ(x), exact. */
export class GELU extends Module {
  forward(x: Tensor): Tensor {
    return x.gelu()
  }
}

/** x σ(x). */
export class SiLU extends Module {
  forward(x: Tensor): Tensor {
    return x.silu()
  }
}

/** Hyperbolic tangent. */
export class Tanh extends Module {
  forward(x: Tensor): Tensor {
    return x.tanh()
  }
}

/** 1 / (1 + e⁻ˣ). */
export class Sigmoid extends Module {
  forward(x: Tensor): Tensor {
    return x.sigmoid()
  }
}

/** eˣ / Σ eˣ along `axis`. */
export class Softmax extends Module {
  readonly axis: number

  /** @param axis default −1, the last */
  constructor(axis = -1) {
    super()
    this.axis = axis
  }

  forward(x: Tensor): Tensor {
    return x.softmax(this.axis)
  }
}

/** Returns its input. */
export class Identity extends Module {
  forward(x: Tensor): Tensor {
    return x
  }
}
