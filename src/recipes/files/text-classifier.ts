/** @file Which class a text belongs to: its mood, its topic. */

import { GliaError } from '../../core/errors.ts'
import { type ArrayDataset, arrayDataset, subset } from '../../data/dataset.ts'
import { crossEntropy } from '../../loss/index.ts'
import { Dropout, Embedding, init, Linear, Module } from '../../nn/index.ts'
import { AdamW, type Optimizer, type Schedule, schedule } from '../../optim/index.ts'
import type { Parameter } from '../../tensor/parameter.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { type Loss, type Model, predict } from '../../train/evaluate.ts'
import { accuracy, type Metric } from '../../train/metrics.ts'
import { classColumns, classNames, classNumbers } from './classes.ts'
import { shareOut } from './shares.ts'
import { specOf } from './spec.ts'
import { cellsOf, columnIndex, readTable, type Table, writeTable } from './table.ts'
import type { FileOptions, FileRecipe, Prepared, Source, Task } from './task.ts'

interface TextClassSpec {
  readonly text: string
  readonly label: string
  readonly header: boolean
  readonly classes: readonly string[]
  /** Words, and pairs of neighbours, most frequent first; number 0 is none. */
  readonly tokens: readonly string[]
  /** Tokens of a text that are looked at. */
  readonly context: number
  readonly width: number
}

const NAME = 'text-classifier'
const DROPOUT = 0.5
const MOST_TOKENS = 50_000

/** The mean of the vectors of words and pairs (Joulin et al. 2017), and logits of it: int32 `[B, T] → [B, classes]`. */
export class BagOfTokens extends Module {
  readonly embedding: Embedding
  readonly dropout: Dropout
  readonly head: Linear

  constructor(tokens: number, width: number, classes: number) {
    super()
    this.embedding = new Embedding(tokens + 1, width, { init: init.normal(0.1), paddingIdx: 0 })
    this.dropout = new Dropout(DROPOUT)
    this.head = new Linear(width, classes)
  }

  forward(x: Tensor): Tensor {
    const there = x.ne(0).float().unsqueeze(-1)
    const sum = this.embedding.call(x).mul(there).sum(1)
    return this.head.call(this.dropout.call(sum.div(there.sum(1).clamp(1))))
  }
}

class TextClassTask implements Task {
  readonly spec: TextClassSpec
  readonly classes: readonly string[]
  readonly loss: Loss = crossEntropy
  readonly metrics: readonly Metric[] = [accuracy]
  readonly #numbers: ReadonlyMap<string, number>

  constructor(spec: TextClassSpec) {
    this.spec = spec
    this.classes = spec.classes
    this.#numbers = new Map(spec.tokens.map((token, i) => [token, i + 1]))
  }

  build(): Model {
    return new BagOfTokens(this.spec.tokens.length, this.spec.width, this.classes.length)
  }

  optimizer(parameters: readonly Parameter[], lr: number): Optimizer {
    return new AdamW(parameters, { lr, weightDecay: 1e-2 })
  }

  schedule(steps: number): Schedule {
    return schedule.cosine(steps)
  }

  async examples(source: Source): Promise<ArrayDataset> {
    const table = await readTable(source, this.spec.header)
    return this.of(table, columnIndex(table, this.spec.label, 'Classes'))
  }

  of(table: Table, label: number): ArrayDataset {
    const y = { data: classNumbers(table, label, this.classes), shape: [] }
    return arrayDataset({ x: this.inputs(table), y, classes: this.classes, origins: Array.from(table.lines) })
  }

  /** Token numbers of all rows' texts, `[T]` each, with zeros after their ends. */
  inputs(table: Table): { data: Int32Array; shape: number[] } {
    const { context, text } = this.spec
    const texts = cellsOf(table, columnIndex(table, text, 'Texts'))
    const data = new Int32Array(texts.length * context)
    texts.forEach((cell, i) => {
      const known = tokensOf(cell).flatMap((token) => this.#numbers.get(token) ?? [])
      data.set(known.slice(0, context), i * context)
    })
    return { data, shape: [context] }
  }

  async predict(model: Model, source: Source): Promise<string> {
    const table = await readTable(source, this.spec.header)
    const logits = await (await predict(model, this.inputs(table), { batchSize: 256 })).data()
    return writeTable(table, classColumns(logits, this.classes, this.spec.label))
  }
}

/** Words in lower case, marks by themselves, then pairs of neighbours. */
function tokensOf(text: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+(?:['’][\p{L}]+)?|[^\s\p{L}\p{N}]/gu) ?? []
  return [...words, ...words.slice(1).map((word, i) => `${words[i]} ${word}`)]
}

/** Means of vectors of words and pairs of words. */
export const textClassifier: FileRecipe = {
  name: NAME,
  description: 'Tells which class a text belongs to, from a CSV or TSV file of texts and classes',
  paper: 'Joulin, Grave, Bojanowski & Mikolov 2017, Bag of tricks for efficient text classification',
  reads: 'text',
  async prepare(source: Source, options: FileOptions = {}): Promise<Prepared> {
    if (options.text === undefined || options.label === undefined) {
      throw new GliaError(`${NAME}: say with --text and --label which columns hold the texts and their classes.`)
    }
    const table = await readTable(source, options.header)
    const [text, label] = [columnIndex(table, options.text, '--text'), columnIndex(table, options.label, '--label')]
    const classes = classNames(table, label)
    const shares = shareOut(table, options, classNumbers(table, label, classes))
    const texts = cellsOf(table, text)
    const own = Array.from(shares.train, (row) => tokensOf(texts[row]))
    const tokens = frequent(own)
    if (tokens.length === 0) {
      throw new GliaError(`${table.name}: no word of ${table.columns[text]} occurs twice; is it the column of texts?`)
    }
    const lengths = own.map(({ length }) => length).sort((a, b) => a - b)
    // All of nearly every text: the few longest would make all batches as long as them.
    const typical = lengths[Math.floor(0.98 * (lengths.length - 1))]
    const { context = Math.max(2, Math.min(512, typical)), width = 64 } = options
    const names = { text: table.columns[text], label: table.columns[label] }
    const task = new TextClassTask({ ...names, header: table.header, classes, tokens, context, width })
    const all = task.of(table, label)
    return {
      task,
      defaults: { epochs: 20, batchSize: shares.train.length < 2000 ? 16 : 64, lr: 3e-3, patience: 3 },
      train: subset(all, shares.train),
      validation: subset(all, shares.validation),
      test: subset(all, shares.test),
      choices: [
        ['columns', `texts ${names.text}, classes ${names.label}: ${classes.length} classes`],
        ['vocabulary', `${tokens.length.toLocaleString('en-US')} words and pairs that occur twice or more`],
        ['length', `the first ${context} words and pairs of a text`],
        shares.choice,
        ['model', `mean of vectors of ${width} features`],
      ],
    }
  },
  restore(spec: unknown): Task {
    const keys = ['text', 'label', 'header', 'classes', 'tokens', 'context', 'width'] as const
    return new TextClassTask(specOf<TextClassSpec>(NAME, spec, keys))
  },
}

/** Tokens that occur twice or more, most frequent first. */
function frequent(texts: readonly (readonly string[])[]): string[] {
  const counts = new Map<string, number>()
  for (const tokens of texts) for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1)
  return [...counts]
    .filter(([, n]) => n > 1)
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, MOST_TOKENS)
    .map(([token]) => token)
}
