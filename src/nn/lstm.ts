/** @file LSTM: long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000). */
import { GliaError } from '../core/errors.ts'
import { showShape } from '../core/shape.ts'
import { zeros } from '../tensor/factories.ts'
import { cat, stack } from '../tensor/movement.ts'
import { Parameter } from '../tensor/parameter.ts'
import { scan } from '../tensor/scan.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { dropout, linear } from './functional.ts'
import { uniform } from './init.ts'
import { Module } from './module.ts'

export interface LSTMOptions {
  /** Layers on top of each other (default 1). */
  readonly numLayers?: number
  /** Whether each layer also reads the sequence backwards (default false). */
  readonly bidirectional?: boolean
  /** Whether sequences come as `[B, T, F]` rather than `[T, B, F]` (default false). */
  readonly batchFirst?: boolean
  /** Probability of dropout between layers, in training (default 0). */
  readonly dropout?: number
  /** Two bias vectors as PyTorch (true, the default), one as Keras (`'single'`), or none (false). */
  readonly bias?: boolean | 'single'
}

/** Hidden and cell state, `[layers × directions, B, H]`. */
export interface LSTMState {
  readonly h: Tensor
  readonly c: Tensor
}

/** The last layer's h at every step, `[T, B, H × directions]` (or batch first), and the last state of every layer. */
export type LSTMResult = readonly [output: Tensor, state: LSTMState]

/**
 * For each step, with gates in the order i, f, g, o:
 *
 * ```text
 * i, f, o = σ(W x + U h + b)    g = tanh(W x + U h + b)
 * c = f c + i g                 h = o tanh(c)
 * ```
 *
 * `[T, B, F]` (or `[B, T, F]` with `batchFirst`) → `[output, { h, c }]`.
 *
 * Parameters per layer k: `weight_ih_lk` `[4H, F]`, `weight_hh_lk` `[4H, H]`, `bias_ih_lk`, `bias_hh_lk` `[4H]`; the
 * backward direction's end in `_reverse`.
 */
export class LSTM extends Module<[x: Tensor, state?: LSTMState], LSTMResult> {
  readonly inputSize: number
  readonly hiddenSize: number
  readonly options: LSTMOptions
  readonly #weights: { readonly ih: Parameter; readonly hh: Parameter; readonly bias: readonly Parameter[] }[] = []

  constructor(inputSize: number, hiddenSize: number, options: LSTMOptions = {}) {
    super()
    this.inputSize = inputSize
    this.hiddenSize = hiddenSize
    this.options = options
    const make = (name: string, shape: readonly number[]): Parameter => {
      const p = new Parameter(uniform(1 / Math.sqrt(hiddenSize))(shape))
      Object.assign(this, { [name]: p })
      return p
    }
    const directions = options.bidirectional ? ['', '_reverse'] : ['']
    const biases = options.bias === false ? [] : options.bias === 'single' ? ['ih'] : ['ih', 'hh']
    for (let layer = 0; layer < (options.numLayers ?? 1); layer++) {
      const features = layer === 0 ? inputSize : hiddenSize * directions.length
      for (const direction of directions) {
        const suffix = `l${layer}${direction}`
        this.#weights.push({
          ih: make(`weight_ih_${suffix}`, [4 * hiddenSize, features]),
          hh: make(`weight_hh_${suffix}`, [4 * hiddenSize, hiddenSize]),
          bias: biases.map((b) => make(`bias_${b}_${suffix}`, [4 * hiddenSize])),
        })
      }
    }
  }

  /** @param first hidden and cell state (default zeros) */
  forward(x: Tensor, first?: LSTMState): LSTMResult {
    if (x.rank !== 3 || x.shape[2] !== this.inputSize) {
      const expected = this.options.batchFirst ? 'B, T' : 'T, B'
      throw new GliaError(`LSTM: expects [${expected}, ${this.inputSize}]; received ${showShape(x.shape)}.`)
    }
    let sequence = this.options.batchFirst ? x.transpose(0, 1) : x
    const zero = zeros([x.shape[this.options.batchFirst ? 0 : 1], this.hiddenSize], { device: x.device })
    const directions = this.options.bidirectional ? 2 : 1
    const last: LSTMState[] = []
    for (let k = 0; k < this.#weights.length; k += directions) {
      if (k > 0 && this.training && this.options.dropout) sequence = dropout(sequence, this.options.dropout)
      const outputs = this.#weights.slice(k, k + directions).map((_, d) => {
        const start = first ? { h: first.h.select(0, k + d), c: first.c.select(0, k + d) } : { h: zero, c: zero }
        const [output, final] = this.#layer(sequence, start, k + d, d === 1)
        last.push(final)
        return output
      })
      sequence = outputs.length === 1 ? outputs[0] : cat(outputs, 2)
    }
    const state = { h: stack(last.map((s) => s.h)), c: stack(last.map((s) => s.c)) }
    return [this.options.batchFirst ? sequence.transpose(0, 1) : sequence, state]
  }

  /** One direction of one layer: `[T, B, F] → [T, B, H]`. */
  #layer(x: Tensor, { h, c }: LSTMState, index: number, reverse: boolean): LSTMResult {
    const { ih, hh, bias } = this.#weights[index]
    const [b0, b1] = bias as readonly (Parameter | undefined)[]
    // The inputs of all steps in one product; only U h is left to the loop.
    const inputs = linear(x, ih, b0 && b1 ? b0.add(b1) : (b0 ?? null))
    const recurrent = hh.T
    const { carry, ys } = scan(
      ([h, c], [wx]) => {
        const [i, f, g, o] = wx.add(h.matmul(recurrent)).chunk(4, 1)
        const cell = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()))
        const hidden = o.sigmoid().mul(cell.tanh())
        return { carry: [hidden, cell], ys: [hidden] }
      },
      [h, c],
      [inputs],
      { reverse },
    )
    return [ys[0], { h: carry[0], c: carry[1] }]
  }
}
