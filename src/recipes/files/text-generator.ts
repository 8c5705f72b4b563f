/** @file Writing on in the manner of a text, token by token: characters, or frequent pieces of words. */

import { GliaError } from '../../core/errors.ts'
import { type ArrayDataset, arrayDataset } from '../../data/dataset.ts'
import { Random } from '../../data/random.ts'
import { splitIndices } from '../../data/split.ts'
import { BpeTokenizer } from '../../data/transforms/bpe.ts'
import { CharTokenizer, windows } from '../../data/transforms/tokenizer.ts'
import { crossEntropy } from '../../loss/index.ts'
import { AdamW, type Optimizer, type Schedule, schedule } from '../../optim/index.ts'
import { tensor } from '../../tensor/factories.ts'
import type { Parameter } from '../../tensor/parameter.ts'
import { type Loss, type Model, predict } from '../../train/evaluate.ts'
import type { Metric } from '../../train/metrics.ts'
import { Gpt } from './gpt.ts'
import { checkShares } from './shares.ts'
import { specOf } from './spec.ts'
import type { AskOptions, FileDefaults, FileOptions, FileRecipe, Prepared, Source, Task } from './task.ts'
import { RecurrentText } from './text-recurrent.ts'
import { brokenText, cleaned, TextTokens, type TokenKind } from './text-tokens.ts'

const MODELS = ['transformer', 'gru', 'lstm'] as const
type ModelKind = (typeof MODELS)[number]

export interface TextSpec {
  /** As the tokenizer's `toJSON` gives it. */
  readonly tokens: unknown
  readonly model: ModelKind
  readonly context: number
  readonly width: number
  readonly layers: number
  readonly dropout: number
  readonly weightDecay: number
}

const NAME = 'text-generator'
/** Fewer windows than this teach nothing and measure nothing. */
const LEAST_WINDOWS = 20
/** More different characters than this: the text is in a script of words, and is cut into pieces. */
const MOST_CHARACTERS = 1000
/** Longer texts, in characters, are cut into pieces. */
const LONG = 20_000_000
/** Pieces of words, if they are learnt. */
const PIECES = 1000
/** Steps that a text of a million characters needs. */
const STEPS = 5600
const BATCH = 8
/** A text that is gone through more often than this would be learnt by heart. */
const MOST_PASSES = 40
/** From so many passes on, dropout helps more than it costs. */
const MANY_PASSES = 20

/** What the kinds of models are made of, unless told otherwise. */
const SIZES: Readonly<Record<ModelKind, { width: number; layers: number; lr: number }>> = {
  transformer: { width: 128, layers: 4, lr: 3e-3 },
  gru: { width: 256, layers: 2, lr: 3e-3 },
  lstm: { width: 256, layers: 2, lr: 3e-3 },
}

/** Cross-entropy of each position's next token: logits `[B, T, V]`, tokens `[B, T]`; in nats. */
const nextToken: Loss = (logits, target) => crossEntropy(logits.reshape([-1, logits.shape[2]]), target.reshape([-1]))

/** Share of positions whose likeliest next token is the right one. */
const nextAccuracy: Metric = {
  name: 'accuracy',
  of: (logits, target) => logits.argmax(2).eq(target).float().mean(),
}

/** Between how many tokens, equally likely, the model is at a loss on average. */
const perplexity: Metric = { name: 'perplexity', of: nextToken, after: Math.exp }

/** What a text takes per character, so that tokens of different lengths compare. */
function bitsPerCharacter(lengths: Int32Array): Metric {
  return {
    name: 'bits per character',
    of: (logits, target) => {
      const characters = tensor(lengths, { device: target.device })
        .gather(0, target.reshape([-1]))
        .float()
        .mean()
      return nextToken(logits, target).div(characters.mul(Math.LN2))
    },
  }
}

class TextTask implements Task {
  readonly spec: TextSpec
  readonly classes: readonly string[] = []
  readonly loss: Loss = nextToken
  readonly metrics: readonly Metric[]
  readonly #tokens: TextTokens

  constructor(spec: TextSpec) {
    this.spec = spec
    this.#tokens = TextTokens.fromJSON(spec.tokens)
    this.metrics = [perplexity, bitsPerCharacter(this.#tokens.lengths), nextAccuracy]
  }

  build(): Model {
    const { model, width, layers, dropout } = this.spec
    const options = { vocabulary: this.#tokens.size, width, layers, dropout }
    return model === 'transformer' ? new Gpt(options) : new RecurrentText(model, options)
  }

  /** Weights decay; scales and biases do not. */
  optimizer(parameters: readonly Parameter[], lr: number): Optimizer {
    const groups = [
      { params: parameters.filter(({ rank }) => rank >= 2) },
      { params: parameters.filter(({ rank }) => rank < 2), weightDecay: 0 },
    ]
    return new AdamW(
      groups.filter(({ params }) => params.length > 0),
      { lr, betas: [0.9, 0.99], weightDecay: this.spec.weightDecay },
    )
  }

  schedule(steps: number): Schedule {
    const rise = Math.min(100, Math.ceil(steps / 10))
    return schedule.warmup(rise, schedule.cosine(Math.max(1, steps - rise)))
  }

  async examples({ name, text }: Source): Promise<ArrayDataset> {
    return this.windows(cleaned(text).text, name)
  }

  /**
   * Pieces of `context` tokens, and the same ones a token further: `[T]` and `[T]`.
   *
   * @param overlap windows that each token is in
   */
  windows(text: string, name: string, overlap = 1): ArrayDataset {
    const { context } = this.spec
    const tokens = this.#tokens.encode(text, name)
    if (tokens.length <= context) {
      throw new GliaError(`${name} has ${tokens.length} tokens; at least ${context + 1} are needed at this --context.`)
    }
    const all = windows(tokens, context, Math.ceil(context / overlap))
    const [x, y] = [new Int32Array(all.length * context), new Int32Array(all.length * context)]
    for (let i = 0; i < all.length; i++) {
      const window = all.get(i)
      x.set(window.x.data, i * context)
      y.set(window.y.data, i * context)
    }
    // Of a text in windows that overlap, they would be several times as much.
    const from = (i: number): string => this.#tokens.decode(x.subarray(i * context, (i + 1) * context))
    const origins = overlap === 1 ? { origins: Array.from({ length: all.length }, (_, i) => from(i)) } : {}
    return arrayDataset({ x: { data: x, shape: [context] }, y: { data: y, shape: [context] }, ...origins })
  }

  /** The text of the file, and as many characters more as are asked for. */
  async predict(model: Model, source: Source, options: AskOptions = {}): Promise<string> {
    const { length = 500, temperature = 0.8, seed = 0 } = options
    const { context } = this.spec
    const { size } = this.#tokens
    // Editors end files with a line break that is not meant.
    const prompt = cleaned(source.text).text.replace(/\n$/, '')
    const random = new Random(seed, 1)
    const tokens = [...this.#tokens.encode(prompt, source.name)]
    const begin = tokens.length
    for (let written = 0; written < length; written += this.#tokens.lengths[tokens[tokens.length - 1]]) {
      const seen = tokens.slice(-context)
      // What comes after the last token is not looked at, and must be something.
      const data = new Int32Array(context)
      data.set(seen)
      const outputs = await (await predict(model, { data, shape: [context] })).data()
      const start = (seen.length - 1) * size
      tokens.push(drawn(outputs.subarray(start, start + size), temperature, random.uniform()))
    }
    return `${prompt}${this.#tokens.decode(tokens.slice(begin))}\n`
  }

  /** How the model goes on from the first window. */
  async sample(model: Model, { x }: ArrayDataset): Promise<string> {
    const prompt = this.#tokens.decode(x.data.subarray(0, this.spec.context)).trimEnd()
    const text = await this.predict(model, { name: 'The text', text: prompt })
    return `The text begins:\n\n${prompt}\n\nThe model goes on:\n\n${text.slice(prompt.length)}`
  }
}

/** An index with probability softmax(logits / temperature), at `uniform` of the cumulative distribution. */
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
}

/** One of the words that an option knows. @throws GliaError naming them */
function oneOf<T extends string>(option: string, known: readonly T[], value: string): T {
  const found = known.find((word) => word === value)
  if (found !== undefined) return found
  throw new GliaError(`${NAME}: ${option} must be ${known.join(', ')}; received ${JSON.stringify(value)}.`)
}

function checkWidth(model: ModelKind, width: number): void {
  if (model !== 'transformer' || (width < 32 ? width % 2 === 0 : width % 32 === 0)) return
  throw new GliaError(`${NAME}: --width must be a multiple of 32, or even and less than 32; received ${width}.`)
}

/** A small language model of a text. */
export const textGenerator: FileRecipe = {
  name: NAME,
  description: 'Writes on in the manner of a text file, by characters or pieces of words',
  paper: 'Radford et al. 2019, Language models are unsupervised multitask learners',
  reads: 'text',
  async prepare(source: Source, options: FileOptions = {}): Promise<Prepared> {
    const { text, broken } = cleaned(source.text)
    const all = Array.from(text)
    const different = new Set(all).size
    const { context = Math.max(2, Math.min(256, Math.floor(all.length / 200))) } = options
    const model = oneOf('--model', MODELS, options.model ?? 'transformer')
    const { width = SIZES[model].width, layers = SIZES[model].layers } = options
    checkWidth(model, width)
    if (different < 2 || all.length < LEAST_WINDOWS * (context + 1)) {
      throw new GliaError(
        `${source.name} has ${all.length} characters, ${different} of them different; to learn from windows of ` +
          `${context}, at least ${LEAST_WINDOWS * (context + 1)} and 2 are needed. A smaller --context needs fewer.`,
      )
    }
    const simple = different <= MOST_CHARACTERS && all.length <= LONG
    const kind = oneOf('--tokens', ['char', 'bpe'], options.tokens ?? (simple ? 'char' : 'bpe'))
    const shares = runsOf(all, context, options)
    const own = shares.train
    const tokens = tokensFor(kind, text, own, options.vocabulary)
    const count = tokens.encode(own, source.name).length
    const plan = planFor(count, context)
    const { dropout = plan.dropout, weightDecay = 0.1 } = options
    const task = new TextTask({ tokens: tokens.toJSON(), model, context, width, layers, dropout, weightDecay })
    const train = task.windows(own, source.name, plan.overlap)
    const batchSize = Math.max(1, Math.min(BATCH, Math.floor(train.length / 10)))
    return {
      task,
      defaults: { ...defaultsFor(batchSize, plan), lr: SIZES[model].lr },
      train,
      validation: task.windows(shares.validation, source.name),
      test: task.windows(shares.test, source.name),
      choices: [
        ['text', `${number(all.length)} characters, ${number(different)} different`],
        ...(broken > 0 ? [['damage', brokenText(broken)] as const] : []),
        ['tokens', kind === 'char' ? 'characters (--tokens bpe: pieces)' : `${number(tokens.size)} pieces, of bytes`],
        ['windows', `${context} tokens${plan.overlap > 1 ? `; in training, each token is in ${plan.overlap}` : ''}`],
        ['split', shares.split],
        ['model', `${model} of ${layers} ${model === 'transformer' ? 'blocks' : 'layers'}, ${width} features`],
        ['dropout', String(dropout)],
        ['weight decay', String(weightDecay)],
      ],
    }
  },
  restore(spec: unknown): Task {
    return new TextTask(
      specOf<TextSpec>(NAME, spec, ['tokens', 'model', 'context', 'width', 'layers', 'dropout', 'weightDecay']),
    )
  },
}

/**
 * Runs of the text, in whole windows of characters: the first validates, the last tests, and what lies between trains, so
 * that the test follows on what is known. Windows at random would tell of their neighbours.
 */
function runsOf(
  all: readonly string[],
  context: number,
  options: FileOptions,
): { readonly validation: string; readonly train: string; readonly test: string; readonly split: string } {
  const { validation = 0.05, test = 0.1 } = options
  checkShares({ validation, test })
  const windows = Math.floor((all.length - 1) / context)
  const parts = splitIndices(windows, [validation, 1 - validation - test, test])
  const [first, middle, last] = parts.map((part) => {
    if (part.length > 0) return all.slice(part[0] * context, (part[part.length - 1] + 1) * context + 1).join('')
    throw new GliaError(
      `${NAME}: ${windows} windows of ${context} are too few to be divided so; take a smaller --context.`,
    )
  })
  const percent = (share: number): string => `${Number((100 * share).toPrecision(3))} %`
  const split = `first ${percent(validation)} of the text validation, last ${percent(test)} test, training between`
  return { validation: first, train: middle, test: last, split }
}

/** All characters of the text, or pieces learnt from its training share. */
function tokensFor(kind: TokenKind, text: string, train: string, size: number = PIECES): TextTokens {
  return new TextTokens(kind === 'char' ? CharTokenizer.train([text]) : BpeTokenizer.train([train], { size }))
}

interface Plan {
  /** Times that the text is gone through. */
  readonly passes: number
  /** Windows that each token is in. */
  readonly overlap: number
  readonly dropout: number
}

/** How often to go through a text of so many tokens, and what follows from that. */
function planFor(tokens: number, context: number): Plan {
  const passes = Math.min(MOST_PASSES, (STEPS * BATCH * context) / tokens)
  // Not always the same windows: what is first in one, and has nothing to go by, is in the middle of another.
  const overlap = passes >= 4 ? 2 : 1
  return { passes, overlap, dropout: passes > MANY_PASSES ? 0.2 : 0 }
}

function defaultsFor(batchSize: number, { passes, overlap }: Plan): Omit<FileDefaults, 'lr'> {
  return { epochs: Math.max(1, Math.round(passes / overlap)), batchSize, patience: 5 }
}

function number(n: number): string {
  return n.toLocaleString('en-US')
}
