/** @file A recurrent language model: which token follows, from a state that is carried along. */

import { Dropout, Embedding, GRU, Linear, LSTM, Module } from '../../nn/index.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import type { GptOptions } from './gpt.ts'

/**
 * Layers of GRU or LSTM over the tokens' vectors (Graves 2013, Generating sequences with recurrent neural networks), with
 * dropout between them: int32 `[B, T] → [B, T, vocabulary]`. Each row begins with a state of zeros.
 */
export class RecurrentText extends Module {
  readonly tokens: Embedding
  readonly recurrent: GRU | LSTM
  readonly dropout: Dropout
  readonly head: Linear

  constructor(kind: 'gru' | 'lstm', { vocabulary, width, layers, dropout }: GptOptions) {
    super()
    const options = { numLayers: layers, dropout: layers > 1 ? dropout : 0, batchFirst: true }
    this.tokens = new Embedding(vocabulary, width)
    this.recurrent = kind === 'gru' ? new GRU(width, width, options) : new LSTM(width, width, options)
    this.dropout = new Dropout(dropout)
    this.head = new Linear(width, vocabulary)
  }

  forward(x: Tensor): Tensor {
    const [states] = this.recurrent.call(this.tokens.call(x))
    return this.head.call(this.dropout.call(states))
  }
}
