/** @file The network that forecasts. */

import { Dropout, GRU, Linear, Module } from '../../nn/index.ts'
import { cat } from '../../tensor/movement.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import type { Scale } from './regression.ts'
import { Rescale } from './rescale.ts'

export interface ForecasterOptions {
  /** Of each row. */
  readonly features: number
  /** Which of them is to be forecast. */
  readonly target: number
  /** Rows seen, and rows forecast. */
  readonly window: number
  readonly horizon: number
  /** Units of the GRU. */
  readonly width: number
  readonly dropout: number
  /** Of the target. */
  readonly scale: Scale
}

/**
 * The last value, and how far the next ones will be from it: a linear function of the window's values, and what a GRU (Cho
 * et al. 2014) makes of all that it sees, side by side as in LSTNet (Lai et al. 2018). Both see the target less its last
 * value, so that a level never seen before changes nothing. Standardised rows `[B, window, F]` → `[B, horizon]` in the
 * target's units.
 */
export class Forecaster extends Module {
  readonly linear: Linear
  readonly gru: GRU
  readonly dropout: Dropout
  readonly head: Linear
  readonly rescale: Rescale
  readonly #target: number

  constructor({ features, target, window, horizon, width, dropout, scale }: ForecasterOptions) {
    super()
    // Starts from the forecast that nothing changes.
    this.linear = new Linear(window, horizon, { init: 'zeros' })
    this.gru = new GRU(features + 1, width, { batchFirst: true })
    this.dropout = new Dropout(dropout)
    this.head = new Linear(width, horizon, { init: 'zeros' })
    this.rescale = new Rescale(scale.mean, scale.std)
    this.#target = target
  }

  forward(x: Tensor): Tensor {
    const values = x.select(2, this.#target)
    const last = values.select(1, -1).unsqueeze(-1)
    const moves = values.sub(last)
    const [states] = this.gru.call(cat([moves.unsqueeze(-1), x], 2))
    const change = this.linear.call(moves).add(this.head.call(this.dropout.call(states.select(1, -1))))
    return this.rescale.call(last.add(change))
  }
}
