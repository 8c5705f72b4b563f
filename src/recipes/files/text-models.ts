/** @file What tells texts apart: the mean of their words' vectors, or a network that reads them in order. */

import { Buffer, Dropout, Dropout1d, Embedding, init, Linear, LSTM, Module } from '../../nn/index.ts'
import { ones } from '../../tensor/factories.ts'
import type { Tensor } from '../../tensor/tensor.ts'

/**
 * The mean of the vectors of words and pairs (Joulin et al. 2017), each times how much it tells in itself, and logits of it:
 * int32 `[B, T] → [B, classes]`.
 */
export class BagOfTokens extends Module {
  readonly embedding: Embedding
  /** `[tokens + 1]`, see `tellingOf`: not learnt. */
  readonly telling: Buffer
  readonly forget: Dropout
  readonly dropout: Dropout
  readonly head: Linear

  /** @param tokens number of those that are known; 0 is none */
  constructor(tokens: number, width: number, classes: number, dropout: number) {
    super()
    this.embedding = new Embedding(tokens + 1, width, { init: init.normal(0.02), paddingIdx: 0 })
    this.telling = new Buffer(ones([tokens + 1]))
    // Whole tokens: a text must be told by others than those it is known by.
    this.forget = new Dropout(dropout)
    this.dropout = new Dropout(dropout)
    this.head = new Linear(width, classes)
  }

  forward(x: Tensor): Tensor {
    const there = x.ne(0).float().unsqueeze(-1)
    const telling = this.telling
      .gather(0, x.reshape([-1]))
      .reshape(there.shape)
      .mul(there)
    const sum = this.embedding.call(x).mul(this.forget.call(telling)).sum(1)
    return this.head.call(this.dropout.call(sum.div(there.sum(1).clamp(1))))
  }
}

/**
 * How much each token tells in itself (after Wang & Manning 2012, Baselines and bigrams): the greatest |log r| over the
 * classes, r being how much more frequent texts that hold it are among those of a class than among the others. `[tokens]`.
 *
 * @param x numbers below `tokens` of `labels.length` texts, each as many
 */
export function tellingOf(
  x: Int32Array,
  labels: ArrayLike<number>,
  tokens: number,
  classes: number,
): Float32Array<ArrayBuffer> {
  // One more of each, so that nothing is infinite.
  const counts = Array.from({ length: classes }, () => new Float64Array(tokens).fill(1))
  const length = x.length / labels.length
  for (let i = 0; i < labels.length; i++) {
    for (const token of new Set(x.subarray(i * length, (i + 1) * length))) counts[labels[i]][token]++
  }
  const sums = counts.map((of) => of.reduce((a, b) => a + b, 0))
  const all = sums.reduce((a, b) => a + b, 0)
  return Float32Array.from({ length: tokens }, (_, token) => {
    const total = counts.reduce((sum, of) => sum + of[token], 0)
    const ratios = counts.map((of, c) => of[token] / sums[c] / ((total - of[token]) / (all - sums[c])))
    return Math.max(...ratios.map((r) => Math.abs(Math.log(r))))
  })
}

/** Of the rate of dropout: the rate at which whole words are left out. */
const FORGET = 0.6
/** Features of a word. */
const WORD = 100

/**
 * Two layers of long short-term memory (Hochreiter & Schmidhuber 1997) that read words of 100 features, and logits of what
 * the second remembers at the end: int32 `[B, T] → [B, classes]`. Of 13,000 words, with 64 and 32 units and five classes, it
 * has 1,300,000 + 42,240 + 12,416 + 165 = 1,354,821 parameters.
 */
export class SentimentLstm extends Module {
  readonly embedding: Embedding
  readonly forget: Dropout1d
  readonly dropout1: Dropout
  readonly lstm1: LSTM
  readonly lstm2: LSTM
  readonly dropout2: Dropout
  readonly head: Linear

  /** @param words number of those that are known, with number 0, padding, and 1, a word that is not known */
  constructor(words: number, width: number, classes: number, dropout: number) {
    super()
    const half = Math.ceil(width / 2)
    this.embedding = new Embedding(words, WORD, { init: init.normal(0.1), paddingIdx: 0 })
    // Whole words, as above, but fewer: what is left must be a sentence.
    this.forget = new Dropout1d(FORGET * dropout)
    this.dropout1 = new Dropout(dropout)
    this.lstm1 = new LSTM(WORD, width, { batchFirst: true, bias: 'single' })
    this.lstm2 = new LSTM(width, half, { batchFirst: true, bias: 'single' })
    this.dropout2 = new Dropout(dropout)
    this.head = new Linear(half, classes)
  }

  forward(x: Tensor): Tensor {
    const [read] = this.lstm1.call(this.dropout1.call(this.forget.call(this.embedding.call(x))))
    const [, { h }] = this.lstm2.call(read)
    return this.head.call(this.dropout2.call(h.select(0, 0)))
  }
}
