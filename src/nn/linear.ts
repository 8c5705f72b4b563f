/** @file Linear and Bilinear: fully connected layers. */

import { Parameter } from '../tensor/parameter.ts'
import { rand } from '../tensor/random.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { checkCounts } from './check.ts'
import { bilinear, linear } from './functional/linear.ts'
import { type Init, initialiser, uniform } from './init.ts'
import { Module } from './module.ts'

export interface LinearOptions {
  /** Whether to add a bias (default true). */
  readonly bias?: boolean
  /** Initial weight (default PyTorch's: uniform, bound 1/√in). Other than the default, the bias starts at zero. */
  readonly init?: Init
}

/**
 * `y = x Wᵀ + b`: `[…, in] → […, out]`.
 *
 * Parameters: `weight` `[out, in]`, `bias` `[out]`.
 */
export class Linear extends Module {
  weight: Parameter
  bias: Parameter | null

  constructor(inFeatures: number, outFeatures: number, options: LinearOptions = {}) {
    super()
    checkCounts('Linear', { inFeatures, outFeatures })
    this.weight = new Parameter(initialiser(options.init ?? 'kaimingUniformDefault')([outFeatures, inFeatures]))
    this.bias = options.bias === false ? null : new Parameter(biasOf(outFeatures, inFeatures, options.init))
  }

  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias)
  }
}

/**
 * `y[o] = x₁ᵀ W[o] x₂ + b[o]`: `[…, in₁], […, in₂] → […, out]`.
 *
 * Parameters: `weight` `[out, in₁, in₂]`, `bias` `[out]`.
 */
export class Bilinear extends Module<[a: Tensor, b: Tensor]> {
  weight: Parameter
  bias: Parameter | null

  constructor(firstFeatures: number, secondFeatures: number, outFeatures: number, options: LinearOptions = {}) {
    super()
    checkCounts('Bilinear', { firstFeatures, secondFeatures, outFeatures })
    const init = options.init ?? uniform(1 / Math.sqrt(firstFeatures))
    this.weight = new Parameter(initialiser(init)([outFeatures, firstFeatures, secondFeatures]))
    this.bias = options.bias === false ? null : new Parameter(biasOf(outFeatures, firstFeatures, options.init))
  }

  forward(a: Tensor, b: Tensor): Tensor {
    return bilinear(a, b, this.weight, this.bias)
  }
}

/** PyTorch's initial bias, uniform with bound 1/√fanIn; zeros beside a chosen weight initialiser. */
export function biasOf(size: number, fanIn: number, init: Init | undefined): Tensor {
  const bound = init === undefined && fanIn > 0 ? 1 / Math.sqrt(fanIn) : 0
  return rand([size])
    .mul(2 * bound)
    .sub(bound)
}
