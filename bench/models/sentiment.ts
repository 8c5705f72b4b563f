/** @file Sentiment of a sentence: an embedding and two LSTM layers. */
import type { Tensor } from '../../src/index.ts'
import { Embedding, Linear, LSTM, Module } from '../../src/nn/index.ts'

/** Five classes from the last hidden state: int32 tokens `[B, T] → [B, 5]`. */
export class Sentiment extends Module {
  readonly emb = new Embedding(13000, 100)
  readonly a = new LSTM(100, 64, { batchFirst: true })
  readonly b = new LSTM(64, 32, { batchFirst: true })
  readonly fc = new Linear(32, 5)

  override forward(x: Tensor): Tensor {
    const [h] = this.a.call(this.emb.call(x))
    const [k] = this.b.call(h)
    return this.fc.call(k.select(1, -1))
  }
}
