/** @file A small GPT: which token follows, at each position of a text. */

import {
  Dropout,
  Embedding,
  functional,
  init,
  LayerNorm,
  Linear,
  Module,
  Parameter,
  Rotary,
  Sequential,
} from '../../nn/index.ts'
import { full, zeros } from '../../tensor/factories.ts'
import { cat } from '../../tensor/movement.ts'
import type { Tensor } from '../../tensor/tensor.ts'

export interface GptOptions {
  /** Number of different tokens. */
  readonly vocabulary: number
  /** Features of a token; a multiple of 64 or 32, the features of a head, or any even number less than that. */
  readonly width: number
  readonly layers: number
  /** Probability of dropout in training. */
  readonly dropout: number
}

/** Tokens that a mixture reaches back over, itself included. */
const TAPS = 3

/**
 * Mixes each feature of a token with that of the tokens just before it, `y[t] = Σₖ wₖ x[t − k]` (So et al. 2021, Primer):
 * what follows from the last letters is learnt without attention. `[B, T, D] → [B, T, D]`.
 */
export class Mixture extends Module {
  /** `[3, D]`: how much of a token, and of those one and two before; at first the token alone. */
  readonly weight: Parameter

  constructor(width: number) {
    super()
    this.weight = new Parameter(cat([full([1, width], 1), zeros([TAPS - 1, width])]))
  }

  forward(x: Tensor): Tensor {
    const before = (k: number): Tensor =>
      x.narrow(1, 0, x.shape[1] - k).pad([
        [k, 0],
        [0, 0],
      ])
    const reach = Math.min(TAPS, x.shape[1])
    return Array.from({ length: reach }, (_, k) => before(k).mul(this.weight.select(0, k))).reduce((a, b) => a.add(b))
  }
}

/** `x + attention(mix(norm(x)))`, then `x + W max(0, V mix(norm(x)))²`: `[B, T, D] → [B, T, D]`. */
class Block extends Module {
  readonly norm1: LayerNorm
  readonly mix1: Mixture
  readonly qkv: Linear
  readonly rotary: Rotary
  readonly out: Linear
  readonly norm2: LayerNorm
  readonly mix2: Mixture
  readonly up: Linear
  readonly down: Linear
  readonly dropout: Dropout
  readonly #heads: number

  constructor({ width, dropout }: GptOptions) {
    super()
    this.#heads = headsOf(width)
    this.norm1 = new LayerNorm(width)
    this.mix1 = new Mixture(width)
    this.qkv = new Linear(width, 3 * width, { bias: false })
    this.rotary = new Rotary()
    // From zeros: each block begins as the identity, so that a deep stack learns at a high rate from the first step.
    this.out = new Linear(width, width, { bias: false, init: 'zeros' })
    this.norm2 = new LayerNorm(width)
    this.mix2 = new Mixture(width)
    this.up = new Linear(width, 4 * width, { bias: false })
    this.down = new Linear(4 * width, width, { bias: false, init: 'zeros' })
    this.dropout = new Dropout(dropout)
  }

  forward(x: Tensor): Tensor {
    const y = x.add(this.dropout.call(this.out.call(this.attend(this.mix1.call(this.norm1.call(x))))))
    const hidden = this.up.call(this.mix2.call(this.norm2.call(y)))
    return y.add(this.dropout.call(this.down.call(hidden.relu().square())))
  }

  /** What each position finds at itself and those before it. */
  attend(x: Tensor): Tensor {
    const [batch, steps, width] = x.shape
    const heads = this.qkv.call(x).reshape([batch, steps, 3, this.#heads, width / this.#heads])
    const [q, k, v] = [0, 1, 2].map((i) => heads.select(2, i).transpose(1, 2))
    const found = functional.scaledDotProductAttention(this.rotary.call(q), this.rotary.call(k), v, { causal: true })
    return found.transpose(1, 2).reshape([batch, steps, width])
  }
}

/** Heads of 64 features if they come out even, else of 32, else one. */
function headsOf(width: number): number {
  const size = [64, 32].find((n) => width % n === 0) ?? width
  return width / size
}

/**
 * Blocks of causal attention (Radford et al. 2019) with rotary positions (Su et al. 2021), and with squared rectifiers and
 * short mixtures (So et al. 2021): int32 `[B, T] → [B, T, vocabulary]`, any T.
 */
export class Gpt extends Module {
  readonly tokens: Embedding
  readonly blocks: Sequential
  readonly norm: LayerNorm
  readonly head: Linear

  constructor(options: GptOptions) {
    super()
    const { vocabulary, width, layers } = options
    this.tokens = new Embedding(vocabulary, width, { init: init.normal(0.02) })
    this.blocks = new Sequential(...Array.from({ length: layers }, () => new Block(options)))
    this.norm = new LayerNorm(width)
    this.head = new Linear(width, vocabulary, { bias: false, init: 'zeros' })
  }

  forward(x: Tensor): Tensor {
    return this.head.call(this.norm.call(this.blocks.call(this.tokens.call(x))))
  }
}
