/** @file Dropout. */
import { GliaError } from '../core/errors.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { dropout } from './functional.ts'
import { Module } from './module.ts'

/**
 * In training, sets each element to zero with probability `p` and scales the others by 1 / (1 − p); otherwise returns its
 * input (Srivastava et al. 2014).
 */
export class Dropout extends Module {
  readonly p: number

  /** @param p default 0.5 */
  constructor(p = 0.5) {
    super()
    if (!(p >= 0 && p <= 1)) throw new GliaError(`Dropout: p must lie in [0, 1]; received ${p}.`)
    this.p = p
  }

  forward(x: Tensor): Tensor {
    return this.training && this.p > 0 ? dropout(x, this.p) : x
  }
}
