/** @file Writing on in the manner of a text, character by character. */

import { GliaError } from '../../core/errors.ts'
import { type ArrayDataset, arrayDataset } from '../../data/dataset.ts'
import { Random } from '../../data/random.ts'
import { crossEntropy } from '../../loss/index.ts'
import { AdamW, type Optimizer, type Schedule, schedule } from '../../optim/index.ts'
import type { Parameter } from '../../tensor/parameter.ts'
import { type Loss, type Model, predict } from '../../train/evaluate.ts'
import type { Metric } from '../../train/metrics.ts'
import { Gpt } from './gpt.ts'
import { inOrder } from './shares.ts'
import { specOf } from './spec.ts'
import type { AskOptions, FileOptions, FileRecipe, Prepared, Source, Task } from './task.ts'

interface TextSpec {
  /** All characters of the training text, in order: a character's number is its place. */
  readonly characters: readonly string[]
  readonly context: number
  readonly width: number
  readonly layers: number
}

const NAME = 'text-generator'
const DROPOUT = 0.1
/** Fewer windows than this teach nothing and measure nothing. */
const LEAST_WINDOWS = 10
/** More different characters than this: the text is in a script of words, or is no text. */
const MOST_CHARACTERS = 10_000

/** Cross-entropy of each position's next character: logits `[B, T, V]`, characters `[B, T]`; in nats. */
const nextCharacter: Loss = (logits, target) =>
  crossEntropy(logits.reshape([-1, logits.shape[2]]), target.reshape([-1]))

/** Share of positions whose likeliest next character is the right one. */
const nextAccuracy: Metric = {
  name: 'accuracy',
  of: (logits, target) => logits.argmax(2).eq(target).float().mean(),
}

/** What a text takes per character under the model. */
const bits: Metric = {
  name: 'bits per character',
  of: (logits, target) => nextCharacter(logits, target).div(Math.LN2),
}

class TextTask implements Task {
  readonly spec: TextSpec
  readonly classes: readonly string[] = []
  readonly loss: Loss = nextCharacter
  readonly metrics: readonly Metric[] = [bits, nextAccuracy]
  readonly #numbers: ReadonlyMap<string, number>

  constructor(spec: TextSpec) {
    this.spec = spec
    this.#numbers = new Map(spec.characters.map((character, i) => [character, i]))
  }

  build(): Model {
    const { characters, context, width, layers } = this.spec
    return new Gpt({ vocabulary: characters.length, context, width, layers, dropout: DROPOUT })
  }

  optimizer(parameters: readonly Parameter[], lr: number): Optimizer {
    return new AdamW(parameters, { lr, betas: [0.9, 0.99], weightDecay: 0.1 })
  }

  schedule(steps: number): Schedule {
    const rise = Math.min(100, Math.ceil(steps / 10))
    return schedule.warmup(rise, schedule.cosine(Math.max(1, steps - rise), 0.1))
  }

  async examples(source: Source): Promise<ArrayDataset> {
    return this.windows(this.encode(source), source.name)
  }

  /** Numbers of a text's characters; those that are not known are left out. */
  encode({ name, text }: Source): Int32Array {
    const numbers = Array.from(lines(text), (character) => this.#numbers.get(character) ?? -1)
    const known = numbers.filter((n) => n >= 0)
    if (known.length === 0) throw new GliaError(`${name} has no character that the model knows.`)
    return Int32Array.from(known)
  }

  /** Pieces of `context` characters, and the same one further: `[T]` and `[T]`. */
  windows(text: Int32Array, name: string): ArrayDataset {
    const { context } = this.spec
    const count = Math.floor((text.length - 1) / context)
    if (count < 1) {
      throw new GliaError(
        `${name} has ${text.length} characters; at least ${context + 1} are needed at this --context.`,
      )
    }
    const x = text.subarray(0, count * context)
    const y = text.subarray(1, count * context + 1)
    return arrayDataset({ x: { data: x, shape: [context] }, y: { data: y, shape: [context] } })
  }

  /** The text of the file, and as many characters more as are asked for. */
  async predict(model: Model, source: Source, options: AskOptions = {}): Promise<string> {
    const { length = 500, temperature = 0.8, seed = 0 } = options
    const { characters, context } = this.spec
    // Editors end files with a line break that is not meant.
    const prompt = lines(source.text).replace(/\n$/, '')
    const random = new Random(seed, 1)
    const text = [...this.encode({ name: source.name, text: prompt })]
    let written = ''
    for (let i = 0; i < length; i++) {
      const seen = text.slice(-context)
      // What comes after the last character is not looked at, and must be something.
      const data = new Int32Array(context)
      data.set(seen)
      const outputs = await (await predict(model, { data, shape: [context] })).data()
      const start = (seen.length - 1) * characters.length
      const next = drawn(outputs.subarray(start, start + characters.length), temperature, random.uniform())
      text.push(next)
      written += characters[next]
    }
    return `${prompt}${written}\n`
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

/** Line breaks as \n alone. */
function lines(text: string): string {
  return text.replace(/\r\n?/g, '\n')
}

/** A small GPT over the characters of a text. */
export const textGenerator: FileRecipe = {
  name: NAME,
  description: 'Writes on in the manner of a text file, character by character',
  paper: 'Radford et al. 2019, Language models are unsupervised multitask learners',
  reads: 'text',
  async prepare(source: Source, options: FileOptions = {}): Promise<Prepared> {
    const text = lines(source.text)
    const characters = [...new Set(text)].sort()
    const length = Array.from(text).length
    const { context = Math.max(2, Math.min(128, Math.floor(length / 100))), width = 128, layers = 4 } = options
    if (characters.length < 2 || length < LEAST_WINDOWS * (context + 1)) {
      throw new GliaError(
        `${source.name} has ${length} characters, ${characters.length} of them different; to learn from windows of ` +
          `${context}, at least ${LEAST_WINDOWS * (context + 1)} and 2 are needed. A smaller --context needs fewer.`,
      )
    }
    if (characters.length > MOST_CHARACTERS) {
      throw new GliaError(
        `${source.name} has ${characters.length} different characters; at most 10,000 can be learned.`,
      )
    }
    if (width > 32 && width % 32 !== 0) {
      throw new GliaError(`${NAME}: --width must be a multiple of 32, or less than 32; received ${width}.`)
    }
    const task = new TextTask({ characters, context, width, layers })
    const numbers = task.encode({ name: source.name, text })
    const windows = Math.floor((length - 1) / context)
    const shares = inOrder(windows, options)
    // Shares are runs of windows: neighbours would tell each other's text.
    const run = (indices: Int32Array): ArrayDataset =>
      task.windows(numbers.subarray(indices[0] * context, (indices[indices.length - 1] + 1) * context + 1), source.name)
    const batchSize = Math.max(1, Math.min(32, Math.floor(shares.train.length / 10)))
    return {
      task,
      // About 5,000 steps, as many as a text of a million characters needs.
      defaults: {
        epochs: Math.max(3, Math.min(100, Math.ceil((5000 * batchSize) / shares.train.length))),
        batchSize,
        lr: 1e-3,
        patience: 5,
      },
      train: run(shares.train),
      validation: run(shares.validation),
      test: run(shares.test),
      choices: [
        ['text', `${length.toLocaleString('en-US')} characters, ${characters.length} different`],
        ['windows', `${context} characters`],
        shares.choice,
        ['model', `transformer of ${layers} blocks, ${width} features`],
      ],
    }
  },
  restore(spec: unknown): Task {
    return new TextTask(specOf<TextSpec>(NAME, spec, ['characters', 'context', 'width', 'layers']))
  },
}
