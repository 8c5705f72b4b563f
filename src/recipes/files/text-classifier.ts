/** @file Which class a text belongs to: its mood, its topic. */

import { GliaError } from '../../core/errors.ts'
import { type ArrayDataset, arrayDataset } from '../../data/dataset.ts'
import { words as wordsOf } from '../../data/transforms/tokenizer.ts'
import { crossEntropy } from '../../loss/index.ts'
import { AdamW, type Optimizer, type Schedule, schedule } from '../../optim/index.ts'
import type { Parameter } from '../../tensor/parameter.ts'
import { type Loss, type Model, predict } from '../../train/evaluate.ts'
import { accuracy, type Metric } from '../../train/metrics.ts'
import { classColumns } from './classes.ts'
import { specOf } from './spec.ts'
import { type Table, writeTable } from './table.ts'
import type { FileOptions, FileRecipe, Prepared, RatedWord, Source, Task } from './task.ts'
import { divided, documentsOf, type Labelled, numbersOf, readTexts, textsOf } from './text-documents.ts'
import { BagOfTokens, SentimentLstm, tellingOf } from './text-models.ts'

const MODELS = ['bag', 'lstm'] as const
type ModelKind = (typeof MODELS)[number]

export interface TextClassSpec {
  /** Columns; of parsed sentences, the label's is null: their trees say it. */
  readonly text: string
  readonly label: string | null
  readonly header: boolean
  readonly model: ModelKind
  readonly classes: readonly string[]
  /** Most frequent first. */
  readonly tokens: readonly string[]
  /** Tokens of a text that are looked at. */
  readonly context: number
  readonly width: number
  readonly dropout: number
  readonly weightDecay: number
}

const NAME = 'text-classifier'
/** Words of which the model is asked what it thinks. */
const MOST_RATED = 2000
const DROPOUT = 0.5
/** Fewer texts make too few steps of the usual size. */
const FEW = 2000
const FEWER = { epochs: 20, batchSize: 16, lr: 3e-3 }

interface Kind {
  /** What a text is cut into. */
  readonly tokensOf: (text: string) => string[]
  /** How often a token must occur to be known. */
  readonly least: (token: string) => number
  /** Tokens to know, at most; special numbers included. */
  readonly vocabulary: number
  /** Numbers before those of the tokens: for no token, and for one that is not known. */
  readonly specials: 1 | 2
  readonly width: number
  readonly weightDecay: number
  readonly defaults: { readonly epochs: number; readonly lr: number; readonly patience: number }
}

const KINDS: Readonly<Record<ModelKind, Kind>> = {
  bag: {
    tokensOf: pairsOf,
    // Pairs that occur once are too many.
    least: (token) => (token.includes(' ') ? 2 : 1),
    vocabulary: 50_000,
    specials: 1,
    width: 64,
    weightDecay: 1e-2,
    defaults: { epochs: 12, lr: 1e-3, patience: 3 },
  },
  lstm: {
    tokensOf: (text) => wordsOf(text),
    least: () => 1,
    vocabulary: 13_000,
    specials: 2,
    width: 64,
    weightDecay: 1e-2,
    defaults: { epochs: 12, lr: 2e-3, patience: 3 },
  },
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
    const { specials } = KINDS[spec.model]
    this.#numbers = new Map(spec.tokens.map((token, i) => [token, i + specials]))
  }

  build(train?: ArrayDataset): Model {
    const { model, tokens, width, dropout } = this.spec
    const classes = this.classes.length
    if (model === 'lstm') return new SentimentLstm(tokens.length + KINDS.lstm.specials, width, classes, dropout)
    const bag = new BagOfTokens(tokens.length, width, classes, dropout)
    if (train) bag.telling.set(tellingOf(Int32Array.from(train.x.data), train.y.data, tokens.length + 1, classes))
    return bag
  }

  optimizer(parameters: readonly Parameter[], lr: number): Optimizer {
    return new AdamW(parameters, { lr, weightDecay: this.spec.weightDecay })
  }

  schedule(steps: number): Schedule {
    return schedule.cosine(steps)
  }

  async examples(source: Source): Promise<ArrayDataset> {
    const table = await readTexts(source, this.spec.header)
    return this.of(documentsOf(table, this.spec, this.classes).sentences)
  }

  of(documents: readonly Labelled[]): ArrayDataset {
    const y = Int32Array.from(documents, ({ label }) => label)
    return arrayDataset({
      x: this.inputs(documents.map(({ text }) => text)),
      y: { data: y, shape: [] },
      classes: this.classes,
      origins: documents.map(({ line }) => line),
    })
  }

  /**
   * Token numbers of texts, `[T]` each. A bag has zeros behind them, and no number for tokens that are not known; a network
   * that reads to the end has the zeros before them, so that the last word is the last thing it sees.
   */
  inputs(texts: readonly string[]): { data: Int32Array; shape: number[] } {
    const { context, model } = this.spec
    const { tokensOf } = KINDS[model]
    const data = new Int32Array(texts.length * context)
    texts.forEach((text, i) => {
      const known = numbersOf(tokensOf(text), this.#numbers, model === 'bag' ? null : 1).slice(0, context)
      data.set(known, i * context + (model === 'bag' ? 0 : context - known.length))
    })
    return { data, shape: [context] }
  }

  async words(model: Model, { x }: ArrayDataset): Promise<RatedWord[]> {
    const { specials } = KINDS[this.spec.model]
    const counts = new Map<string, number>()
    for (const number of x.data) {
      const token = this.spec.tokens[number - specials]
      // Neither marks nor pairs.
      if (token !== undefined && /^\S*\p{L}\S*$/u.test(token)) counts.set(token, (counts.get(token) ?? 0) + 1)
    }
    const frequent = [...counts].sort(([, a], [, b]) => b - a).slice(0, MOST_RATED)
    if (frequent.length === 0) return []
    const inputs = this.inputs(frequent.map(([word]) => word))
    const logits = await (await predict(model, inputs, { batchSize: 256 })).data()
    const of = (i: number): number[] => Array.from(this.classes, (_, c) => logits[i * this.classes.length + c])
    return frequent.map(([word, count], i) => ({ word, count, probabilities: softmax(of(i)) }))
  }

  async predict(model: Model, source: Source): Promise<string> {
    const { header, label, text } = this.spec
    const table = await readTexts(source, header)
    const logits = await (await predict(model, this.inputs(textsOf(table, text)), { batchSize: 256 })).data()
    return writeTable(table, classColumns(logits, this.classes, label ?? 'class'))
  }
}

/** e^x / Σ e^x. */
function softmax(logits: readonly number[]): number[] {
  const most = Math.max(...logits)
  const powers = logits.map((logit) => Math.exp(logit - most))
  const sum = powers.reduce((a, b) => a + b, 0)
  return powers.map((power) => power / sum)
}

/** Words in lower case, marks by themselves, then pairs of neighbours. */
function pairsOf(text: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+(?:['’][\p{L}]+)?|[^\s\p{L}\p{N}]/gu) ?? []
  return [...words, ...words.slice(1).map((word, i) => `${words[i]} ${word}`)]
}

/** Means of vectors of words and pairs of words, or two layers of LSTM over words. */
export const textClassifier: FileRecipe = {
  name: NAME,
  description: 'Tells which class a text belongs to, from a CSV or TSV file of texts and classes, or parsed sentences',
  paper: 'Joulin, Grave, Bojanowski & Mikolov 2017, Bag of tricks for efficient text classification',
  reads: 'text',
  async prepare(source: Source, options: FileOptions = {}): Promise<Prepared> {
    const model = MODELS.find((kind) => kind === (options.model ?? 'bag'))
    if (!model) throw new GliaError(`${NAME}: --model must be bag or lstm; received ${JSON.stringify(options.model)}.`)
    const kind = KINDS[model]
    const table = await readTexts(source, options.header)
    const documents = documentsOf(table, columnsOf(table, options), null)
    const shares = divided(documents, table, options, (text) => kind.tokensOf(text).length > 0)
    const own = shares.train.map(({ text }) => kind.tokensOf(text))
    const tokens = frequent(own, kind.least, (options.vocabulary ?? kind.vocabulary) - kind.specials)
    if (tokens.length === 0) {
      throw new GliaError(`${table.name}: no word of ${documents.text} occurs twice; is it the column of texts?`)
    }
    const { context = typicalLength(own), width = kind.width } = options
    const { dropout = DROPOUT, weightDecay = kind.weightDecay } = options
    const { text, label, classes } = documents
    const sizes = { tokens, context, width, dropout, weightDecay }
    const task = new TextClassTask({ text, label, header: table.header, model, classes, ...sizes })
    return {
      task,
      defaults: { ...kind.defaults, ...(shares.train.length < FEW ? FEWER : { batchSize: 64 }) },
      train: task.of(shares.train),
      validation: task.of(shares.validation),
      test: task.of(shares.test),
      choices: [
        ['columns', `texts ${text}, classes ${label ?? 'of the trees'}: ${classes.length} classes`],
        ...shares.notes,
        ['vocabulary', vocabularyText(model, tokens.length)],
        ['length', `the first ${context} ${model === 'bag' ? 'words and pairs' : 'words'} of a text`],
        shares.choice,
        ['model', model === 'bag' ? `mean of vectors of ${width} features` : lstmText(tokens.length, width, classes)],
        ['dropout', String(dropout)],
        ['weight decay', String(weightDecay)],
      ],
    }
  },
  restore(spec: unknown): Task {
    const places = ['text', 'label', 'header', 'model', 'classes', 'tokens', 'context'] as const
    const keys = [...places, 'width', 'dropout', 'weightDecay'] as const
    return new TextClassTask(specOf<TextClassSpec>(NAME, spec, keys))
  },
}

/** The columns that the user named; parsed sentences need none. */
function columnsOf(table: Table, { text, label }: FileOptions): { text: string; label: string | null } {
  if (text !== undefined && label !== undefined) return { text, label }
  if (table.columns.length === 1) return { text: table.columns[0], label: null }
  throw new GliaError(`${NAME}: say with --text and --label which columns hold the texts and their classes.`)
}

/** Tokens that occur often enough, most frequent first, at most `most`; none if none occurs twice. */
function frequent(texts: readonly (readonly string[])[], least: Kind['least'], most: number): string[] {
  const counts = new Map<string, number>()
  for (const tokens of texts) for (const token of tokens) counts.set(token, (counts.get(token) ?? 0) + 1)
  // Names and numbers, say, of which each is another.
  if ([...counts.values()].every((n) => n < 2)) return []
  return [...counts]
    .filter(([token, n]) => n >= least(token))
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, Math.max(0, most))
    .map(([token]) => token)
}

/** All of nearly every text: the few longest would make all batches as long as them. */
function typicalLength(texts: readonly (readonly string[])[]): number {
  const lengths = texts.map(({ length }) => length).sort((a, b) => a - b)
  return Math.max(2, Math.min(512, lengths[Math.floor(0.98 * (lengths.length - 1))]))
}

function vocabularyText(model: ModelKind, count: number): string {
  const what = model === 'bag' ? 'words, and pairs that occur twice or more' : 'words; all others are one'
  return `${count.toLocaleString('en-US')} ${what}`
}

function lstmText(words: number, width: number, classes: readonly string[]): string {
  const known = (words + KINDS.lstm.specials).toLocaleString('en-US')
  return `Embedding ${known} × 100, LSTM ${width}, LSTM ${Math.ceil(width / 2)}, Linear ${classes.length}`
}
