/** @file Definitions that exported programs contain. Written by scripts/export-sources.ts, from the recipes. */

import type { Definition } from './program.ts'

/** By the name that is exported or called. */
export const sources = {
  Gpt: {
    imports: {
      'glia/nn': [
        'Dropout',
        'Embedding',
        'LayerNorm',
        'Linear',
        'Module',
        'Parameter',
        'Rotary',
        'Sequential',
        'functional',
        'init',
      ],
      glia: ['Tensor', 'cat', 'full', 'zeros'],
    },
    text: `interface GptOptions {
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
 * Mixes each feature of a token with that of the tokens just before it, \`y[t] = Σₖ wₖ x[t − k]\` (So et al. 2021, Primer):
 * what follows from the last letters is learnt without attention. \`[B, T, D] → [B, T, D]\`.
 */
class Mixture extends Module {
  /** \`[3, D]\`: how much of a token, and of those one and two before; at first the token alone. */
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

/** Heads of 64 features if they come out even, else of 32, else one. */
function headsOf(width: number): number {
  const size = [64, 32].find((n) => width % n === 0) ?? width
  return width / size
}

/** \`x + attention(mix(norm(x)))\`, then \`x + W max(0, V mix(norm(x)))²\`: \`[B, T, D] → [B, T, D]\`. */
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

/**
 * Blocks of causal attention (Radford et al. 2019) with rotary positions (Su et al. 2021), and with squared rectifiers and
 * short mixtures (So et al. 2021): int32 \`[B, T] → [B, T, vocabulary]\`, any T.
 */
class Gpt extends Module {
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
}`,
  },
  RecurrentText: {
    imports: { 'glia/nn': ['Dropout', 'Embedding', 'GRU', 'LSTM', 'Linear', 'Module'], glia: ['Tensor'] },
    text: `interface GptOptions {
  /** Number of different tokens. */
  readonly vocabulary: number
  /** Features of a token; a multiple of 64 or 32, the features of a head, or any even number less than that. */
  readonly width: number
  readonly layers: number
  /** Probability of dropout in training. */
  readonly dropout: number
}

/**
 * Layers of GRU or LSTM over the tokens' vectors (Graves 2013, Generating sequences with recurrent neural networks), with
 * dropout between them: int32 \`[B, T] → [B, T, vocabulary]\`. Each row begins with a state of zeros.
 */
class RecurrentText extends Module {
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
}`,
  },
  BagOfTokens: {
    imports: { 'glia/nn': ['Buffer', 'Dropout', 'Embedding', 'Linear', 'Module', 'init'], glia: ['Tensor', 'ones'] },
    text: `/**
 * The mean of the vectors of words and pairs (Joulin et al. 2017), each times how much it tells in itself, and logits of it:
 * int32 \`[B, T] → [B, classes]\`.
 */
class BagOfTokens extends Module {
  readonly embedding: Embedding
  /** \`[tokens + 1]\`, see \`tellingOf\`: not learnt. */
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
}`,
  },
  SentimentLstm: {
    imports: { 'glia/nn': ['Dropout', 'Dropout1d', 'Embedding', 'LSTM', 'Linear', 'Module', 'init'], glia: ['Tensor'] },
    text: `/** Features of a word. */
const WORD = 100

/** Of the rate of dropout: the rate at which whole words are left out. */
const FORGET = 0.6

/**
 * Two layers of long short-term memory (Hochreiter & Schmidhuber 1997) that read words of 100 features, and logits of what
 * the second remembers at the end: int32 \`[B, T] → [B, classes]\`. Of 13,000 words, with 64 and 32 units and five classes, it
 * has 1,300,000 + 42,240 + 12,416 + 165 = 1,354,821 parameters.
 */
class SentimentLstm extends Module {
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
}`,
  },
  Factors: {
    imports: {
      'glia/nn': ['Buffer', 'Dropout', 'Embedding', 'Module', 'init'],
      'glia/recipes': ['Rescale'],
      glia: ['Tensor', 'zeros'],
    },
    text: `/** Mean and standard deviation of the training targets. */
interface Scale {
  readonly mean: number
  readonly std: number
}

interface FactorOptions {
  /** Users and items known, without number 0. */
  readonly users: number
  readonly items: number
  /** Features of each vector. */
  readonly width: number
  /** Share of a user's features left out in training. */
  readonly dropout: number
  /** Of the ratings. */
  readonly scale: Scale
}

/** How far users and items lie from the mean rating; what \`x\` numbers 0 has no bias. */
interface Biases {
  readonly mean: number
  readonly users: Float64Array
  readonly items: Float64Array
}

/**
 * mean + bᵤ + bᵢ + pᵤ · qᵢ (Koren, Bell & Volinsky 2009): user and item numbers int32 \`[B, 2] → [B]\`. The biases are
 * solved for beforehand and stay; what they leave over is what the vectors learn. Users and items never seen have number 0,
 * without bias, and a vector that stays about 0.
 */
class Factors extends Module {
  readonly userBias: Buffer
  readonly itemBias: Buffer
  readonly userFactors: Embedding
  readonly itemFactors: Embedding
  readonly dropout: Dropout
  readonly rescale: Rescale

  /** @param biases in the units of the ratings; none to load weights */
  constructor({ users, items, width, dropout, scale }: FactorOptions, biases?: Biases) {
    super()
    this.userBias = new Buffer(zeros([users + 1]), { name: 'userBias' })
    this.itemBias = new Buffer(zeros([items + 1]), { name: 'itemBias' })
    this.userFactors = new Embedding(users + 1, width, { init: init.normal(0.1), paddingIdx: 0 })
    this.itemFactors = new Embedding(items + 1, width, { init: init.normal(0.1), paddingIdx: 0 })
    this.dropout = new Dropout(dropout)
    this.rescale = new Rescale(scale.mean, scale.std)
    if (!biases) return
    this.userBias.set(biases.users.map((bias) => bias / scale.std))
    this.itemBias.set(biases.items.map((bias) => bias / scale.std))
  }

  forward(x: Tensor): Tensor {
    const [user, item] = [x.select(1, 0), x.select(1, 1)]
    const biases = this.userBias.indexSelect(0, user).add(this.itemBias.indexSelect(0, item))
    const taste = this.dropout.call(this.userFactors.call(user)).mul(this.itemFactors.call(item)).sum(-1)
    return this.rescale.call(biases.add(taste))
  }
}`,
  },
  Forecaster: {
    imports: {
      'glia/nn': ['Dropout', 'GRU', 'Linear', 'Module'],
      'glia/recipes': ['Rescale'],
      glia: ['Tensor', 'cat'],
    },
    text: `/** Mean and standard deviation of the training targets. */
interface Scale {
  readonly mean: number
  readonly std: number
}

interface ForecasterOptions {
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
 * value, so that a level never seen before changes nothing. Standardised rows \`[B, window, F]\` → \`[B, horizon]\` in the
 * target's units.
 */
class Forecaster extends Module {
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
}`,
  },
  pairsOf: {
    imports: {},
    text: `/** Words in lower case, marks by themselves, then pairs of neighbours. */
function pairsOf(text: string): string[] {
  const words = text.toLowerCase().match(/[\\p{L}\\p{N}]+(?:['’][\\p{L}]+)?|[^\\s\\p{L}\\p{N}]/gu) ?? []
  return [...words, ...words.slice(1).map((word, i) => \`\${words[i]} \${word}\`)]
}`,
  },
  drawn: {
    imports: {},
    text: `/** An index with probability softmax(logits / temperature), at \`uniform\` of the cumulative distribution. */
function drawn(logits: ArrayLike<number>, temperature: number, uniform: number): number {
  const all = Array.from(logits)
  const most = Math.max(...all)
  const weights = all.map((logit) => Math.exp((logit - most) / temperature))
  let left = uniform * weights.reduce((a, b) => a + b, 0)
  const found = weights.findIndex((weight) => {
    left -= weight
    return left < 0
  })
  return found < 0 ? all.indexOf(most) : found
}`,
  },
  softmax: {
    imports: {},
    text: `/** eˣ / Σ eˣ: for ten numbers here rather than by one more compiled plan. */
function softmax(logits: ArrayLike<number>): number[] {
  const list = Array.from(logits)
  const greatest = Math.max(...list)
  const powers = list.map((x) => Math.exp(x - greatest))
  const sum = powers.reduce((a, b) => a + b, 0)
  return powers.map((p) => p / sum)
}`,
  },
  middle: {
    imports: { 'glia/data': ['Item', 'resizeItem'] },
    text: `/** The largest part of these proportions in the middle of a picture, resized. */
function middle(item: Item, [height, width]: readonly [number, number]): Uint8Array {
  const [channels, rows, columns] = item.shape
  const scale = Math.min(rows / height, columns / width)
  const [h, w] = [Math.max(1, Math.round(height * scale)), Math.max(1, Math.round(width * scale))]
  const [top, left] = [(rows - h) >> 1, (columns - w) >> 1]
  const part = new Uint8Array(channels * h * w)
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < h; y++) {
      const start = (c * rows + top + y) * columns + left
      for (let x = 0; x < w; x++) part[(c * h + y) * w + x] = item.data[start + x]
    }
  }
  return Uint8Array.from(resizeItem({ data: part, shape: [channels, h, w] }, [height, width]).data)
}`,
  },
} as const satisfies Readonly<Record<string, Definition>>
