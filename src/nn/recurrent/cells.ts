/** @file Single steps of RNN, LSTM and GRU, for loops of one's own. */
import { GliaError } from '../../core/errors.ts'
import { sameShape, showShape } from '../../core/shape.ts'
import { zeros } from '../../tensor/factories.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { checkCounts } from '../check.ts'
import { linear } from '../functional.ts'
import { Module } from '../module.ts'
import { checkForm, checkNonlinearity, gruInputBias, type LSTMState } from './layers.ts'
import { makeWeights, type Step, sumOfBiases, type Weights } from './recurrence.ts'
import { type GRUForm, gruStep, lstmStep, type Nonlinearity, rnnStep } from './steps.ts'

export interface CellOptions {
  /** Two bias vectors as PyTorch (true, the default), one as Keras (`'single'`), or none (false). */
  readonly bias?: boolean | 'single'
}

/** What cells share: weights, and one step with its states, h first. */
abstract class Cell<S> extends Module<[x: Tensor, state?: S | null], S> {
  readonly inputSize: number
  readonly hiddenSize: number
  readonly #weights: Weights

  constructor(gates: number, inputSize: number, hiddenSize: number, options: CellOptions) {
    super()
    checkCounts(new.target.name, { inputSize, hiddenSize })
    this.inputSize = inputSize
    this.hiddenSize = hiddenSize
    this.#weights = makeWeights(this, { gates, features: inputSize, hiddenSize }, options.bias ?? true)
  }

  protected abstract step(weights: Weights): Step

  protected abstract inputBias(weights: Weights): Tensor | null

  /** The next states, from x `[B, F]` or `[F]` and states `[B, H]` or `[H]` (null: zeros). */
  protected advance(x: Tensor, states: readonly (Tensor | null)[]): Tensor[] {
    const { name } = this.constructor
    if ((x.rank !== 1 && x.rank !== 2) || x.shape[x.rank - 1] !== this.inputSize) {
      throw new GliaError(
        `${name}: expects [B, ${this.inputSize}] or [${this.inputSize}]; received ${showShape(x.shape)}.`,
      )
    }
    const shape = [...x.shape.slice(0, -1), this.hiddenSize]
    const given = states.map((t) => t ?? zeros(shape, { device: x.device }))
    for (const t of given) {
      if (sameShape(t.shape, shape)) continue
      throw new GliaError(`${name}: the state must be ${showShape(shape)}; received ${showShape(t.shape)}.`)
    }
    const single = x.rank === 1
    const wx = linear(single ? x.unsqueeze(0) : x, this.#weights.ih, this.inputBias(this.#weights))
    const next = this.step(this.#weights)(wx, single ? given.map((t) => t.unsqueeze(0)) : given)
    return single ? next.map((t) => t.squeeze(0)) : next
  }
}

export interface RNNCellOptions extends CellOptions {
  /** Default 'tanh'. */
  readonly nonlinearity?: Nonlinearity
}

/**
 * One step of `RNN`: x `[B, F]`, h `[B, H]` (default zeros) → h.
 *
 * Parameters: `weight_ih` `[H, F]`, `weight_hh` `[H, H]`, `bias_ih`, `bias_hh` `[H]`.
 */
export class RNNCell extends Cell<Tensor> {
  readonly nonlinearity: Nonlinearity

  constructor(inputSize: number, hiddenSize: number, options: RNNCellOptions = {}) {
    super(1, inputSize, hiddenSize, options)
    this.nonlinearity = checkNonlinearity('RNNCell', options.nonlinearity ?? 'tanh')
  }

  forward(x: Tensor, h: Tensor | null = null): Tensor {
    return this.advance(x, [h])[0]
  }

  protected step(weights: Weights): Step {
    return rnnStep(weights, this.nonlinearity)
  }

  protected inputBias(weights: Weights): Tensor | null {
    return sumOfBiases(weights)
  }
}

/**
 * One step of `LSTM`: x `[B, F]`, h and c `[B, H]` (default zeros) → h and c.
 *
 * Parameters: `weight_ih` `[4H, F]`, `weight_hh` `[4H, H]`, `bias_ih`, `bias_hh` `[4H]`.
 */
export class LSTMCell extends Cell<LSTMState> {
  constructor(inputSize: number, hiddenSize: number, options: CellOptions = {}) {
    super(4, inputSize, hiddenSize, options)
  }

  forward(x: Tensor, state: LSTMState | null = null): LSTMState {
    const [h, c] = this.advance(x, [state?.h ?? null, state?.c ?? null])
    return { h, c }
  }

  protected step(weights: Weights): Step {
    return lstmStep(weights)
  }

  protected inputBias(weights: Weights): Tensor | null {
    return sumOfBiases(weights)
  }
}

export interface GRUCellOptions extends CellOptions, GRUForm {}

/**
 * One step of `GRU`: x `[B, F]`, h `[B, H]` (default zeros) → h.
 *
 * Parameters: `weight_ih` `[3H, F]`, `weight_hh` `[3H, H]`, `bias_ih`, `bias_hh` `[3H]`.
 */
export class GRUCell extends Cell<Tensor> {
  readonly form: GRUForm

  constructor(inputSize: number, hiddenSize: number, options: GRUCellOptions = {}) {
    super(3, inputSize, hiddenSize, options)
    this.form = checkForm('GRUCell', options)
  }

  forward(x: Tensor, h: Tensor | null = null): Tensor {
    return this.advance(x, [h])[0]
  }

  protected step(weights: Weights): Step {
    return gruStep(weights, this.form)
  }

  protected inputBias(weights: Weights): Tensor | null {
    return gruInputBias(weights, this.form)
  }
}
