/** @file RNN, LSTM and GRU: recurrent layers over whole sequences. */
import { GliaError } from '../../core/errors.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { checkCounts } from '../check.ts'
import {
  Recurrent,
  type RecurrentOptions,
  type RecurrentResult,
  type Step,
  sumOfBiases,
  type Weights,
} from './recurrence.ts'
import { type GRUForm, gruStep, lstmStep, type Nonlinearity, rnnStep } from './steps.ts'

/** A layer whose only state is h, `[layers × directions, B, H]`. */
abstract class Hidden extends Recurrent<Tensor> {
  protected split(state: Tensor): readonly Tensor[] {
    return [state]
  }

  protected join([h]: readonly Tensor[]): Tensor {
    return h
  }
}

export interface RNNOptions extends RecurrentOptions {
  /** Default 'tanh'. */
  readonly nonlinearity?: Nonlinearity
}

/**
 * `h = tanh(W x + U h + b)` for each step (Elman 1990), or with max(·, 0).
 *
 * `[T, B, F]` (or `[B, T, F]` with `batchFirst`) → `[output, h]`.
 *
 * Parameters per layer k: `weight_ih_lk` `[H, F]`, `weight_hh_lk` `[H, H]`, `bias_ih_lk`, `bias_hh_lk` `[H]`; the
 * backward direction's end in `_reverse`.
 */
export class RNN extends Hidden {
  readonly nonlinearity: Nonlinearity

  constructor(inputSize: number, hiddenSize: number, options: RNNOptions = {}) {
    super(1, inputSize, hiddenSize, options)
    this.nonlinearity = checkNonlinearity('RNN', options.nonlinearity ?? 'tanh')
  }

  protected step(weights: Weights): Step {
    return rnnStep(weights, this.nonlinearity)
  }

  protected inputBias(weights: Weights): Tensor | null {
    return sumOfBiases(weights)
  }
}

/** @throws GliaError unless it is one of the two */
export function checkNonlinearity(operation: string, value: Nonlinearity): Nonlinearity {
  if (value === 'tanh' || value === 'relu') return value
  throw new GliaError(`${operation}: nonlinearity must be 'tanh' or 'relu'; received '${value}'.`)
}

export interface LSTMOptions extends RecurrentOptions {
  /** Extent that h is projected to, less than H (Sak et al. 2014; default 0: none). */
  readonly projSize?: number
}

/** Hidden and cell state, `[layers × directions, B, H]` (h projected: `[…, projSize]`). */
export interface LSTMState {
  readonly h: Tensor
  readonly c: Tensor
}

/** The last layer's h at every step, `[T, B, H × directions]` (or batch first), and the last state of every layer. */
export type LSTMResult = RecurrentResult<LSTMState>

/**
 * Long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000): for each step, with
 * gates in the order i, f, g, o,
 *
 * ```text
 * i, f, o = σ(W x + U h + b)    g = tanh(W x + U h + b)
 * c = f c + i g                 h = o tanh(c)
 * ```
 *
 * `[T, B, F]` (or `[B, T, F]` with `batchFirst`) → `[output, { h, c }]`.
 *
 * Parameters per layer k: `weight_ih_lk` `[4H, F]`, `weight_hh_lk` `[4H, H]`, `bias_ih_lk`, `bias_hh_lk` `[4H]`, and with
 * `projSize` P `weight_hr_lk` `[P, H]`; the backward direction's end in `_reverse`.
 */
export class LSTM extends Recurrent<LSTMState> {
  constructor(inputSize: number, hiddenSize: number, options: LSTMOptions = {}) {
    const { projSize = 0 } = options
    checkCounts('LSTM', { projSize }, 0)
    if (projSize >= hiddenSize && projSize > 0) {
      throw new GliaError(
        `LSTM: projSize must be less than hiddenSize; received ${projSize} for a hidden size of ${hiddenSize}.`,
      )
    }
    super(4, inputSize, hiddenSize, options, 1)
  }

  protected step(weights: Weights): Step {
    return lstmStep(weights)
  }

  protected inputBias(weights: Weights): Tensor | null {
    return sumOfBiases(weights)
  }

  protected split({ h, c }: LSTMState): readonly Tensor[] {
    return [h, c]
  }

  protected join([h, c]: readonly Tensor[]): LSTMState {
    return { h, c }
  }
}

export interface GRUOptions extends RecurrentOptions, GRUForm {}

/**
 * Gated recurrent unit (Cho et al. 2014): for each step, with gates in the order r, z, n,
 *
 * ```text
 * r, z = σ(W x + U h + b)    n = tanh(W x + b + r (U h + b′))    h = (1 − z) n + z h
 * ```
 *
 * or in the form that `reset` and `update` choose. `[T, B, F]` (or `[B, T, F]` with `batchFirst`) → `[output, h]`.
 *
 * Parameters per layer k: `weight_ih_lk` `[3H, F]`, `weight_hh_lk` `[3H, H]`, `bias_ih_lk`, `bias_hh_lk` `[3H]`; the
 * backward direction's end in `_reverse`.
 */
export class GRU extends Hidden {
  readonly form: GRUForm

  constructor(inputSize: number, hiddenSize: number, options: GRUOptions = {}) {
    super(3, inputSize, hiddenSize, options)
    this.form = checkForm('GRU', options)
  }

  protected step(weights: Weights): Step {
    return gruStep(weights, this.form)
  }

  protected inputBias(weights: Weights): Tensor | null {
    return gruInputBias(weights, this.form)
  }
}

/** The reset gate acts on the state's bias as well, unless it acts before the product. */
export function gruInputBias(weights: Weights, form: GRUForm): Tensor | null {
  return form.reset === 'before' ? sumOfBiases(weights) : (weights.biases[0] ?? null)
}

/** @throws GliaError for a form that there is not */
export function checkForm(operation: string, { reset = 'after', update = 'keep' }: GRUForm): GRUForm {
  if (reset !== 'after' && reset !== 'before') {
    throw new GliaError(`${operation}: reset must be 'after' or 'before'; received '${reset}'.`)
  }
  if (update !== 'keep' && update !== 'renew') {
    throw new GliaError(`${operation}: update must be 'keep' or 'renew'; received '${update}'.`)
  }
  return { reset, update }
}
