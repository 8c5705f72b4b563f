/** @file A small GPT: which token follows, at each position of a text (Radford et al. 2019). */

import { Embedding, init, LearnedPositions, Linear, Module, TransformerEncoder } from '../../nn/index.ts'
import type { Tensor } from '../../tensor/tensor.ts'

export interface GptOptions {
  /** Number of different tokens. */
  readonly vocabulary: number
  /** Most tokens that are seen at once. */
  readonly context: number
  /** Features of a token; a multiple of 32, the features of a head, or fewer. */
  readonly width: number
  readonly layers: number
  /** Probability of dropout in training. */
  readonly dropout: number
}

/** Blocks of causal attention on tokens and their positions: int32 `[B, T] → [B, T, vocabulary]`, T at most `context`. */
export class Gpt extends Module {
  readonly tokens: Embedding
  readonly positions: LearnedPositions
  readonly blocks: TransformerEncoder
  readonly head: Linear

  constructor({ vocabulary, context, width, layers, dropout }: GptOptions) {
    super()
    this.tokens = new Embedding(vocabulary, width, { init: init.normal(0.02) })
    this.positions = new LearnedPositions(context, width)
    this.blocks = new TransformerEncoder(width, Math.max(1, Math.floor(width / 32)), layers, {
      dimFeedforward: 4 * width,
      activation: 'gelu',
      batchFirst: true,
      normFirst: true,
      norm: true,
      dropout,
    })
    this.head = new Linear(width, vocabulary, { bias: false })
  }

  forward(x: Tensor): Tensor {
    const embedded = this.positions.call(this.tokens.call(x))
    return this.head.call(this.blocks.call(embedded, { causal: true }))
  }
}
