/** @file Predicting a column of a table from the others. */

import { GliaError } from '../../core/errors.ts'
import { type ArrayDataset, arrayDataset, type Column, subset } from '../../data/dataset.ts'
import { TableEncoder } from '../../data/transforms/table.ts'
import { crossEntropy } from '../../loss/index.ts'
import { Dropout, Flatten, Linear, Sequential, SiLU } from '../../nn/index.ts'
import { AdamW, type Optimizer, type Schedule, schedule } from '../../optim/index.ts'
import type { Parameter } from '../../tensor/parameter.ts'
import { type Loss, type Model, predict } from '../../train/evaluate.ts'
import { accuracy, type EpochMetric, type Metric } from '../../train/metrics.ts'
import { classColumns, classNames, classNumbers } from './classes.ts'
import { encodable, fitColumns } from './columns.ts'
import { regressionMetrics, type Scale, scaledMse, scaleOf } from './regression.ts'
import { Rescale } from './rescale.ts'
import { shareOut } from './shares.ts'
import { specOf } from './spec.ts'
import { cellsOf, columnIndex, isMissing, numberIn, numbersOf, readTable, type Table, writeTable } from './table.ts'
import type { Choice, FileDefaults, FileOptions, FileRecipe, Prepared, Source, Task } from './task.ts'

export interface TabularSpec {
  readonly target: string
  readonly header: boolean
  /** As `TableEncoder.toJSON` gives it. */
  readonly encoder: unknown
  /** Class names, for classification. */
  readonly classes: readonly string[] | null
  /** Of the training targets, for regression. */
  readonly scale: Scale | null
  readonly width: number
  readonly layers: number
  readonly dropout: number
  readonly weightDecay: number
  /** For classification: few examples would soon make the network too sure of itself. */
  readonly labelSmoothing: number
}

const NAME = 'tabular'
/** Numbers with no more than so many different values, all whole, are taken for classes. */
const FEW = 10

class TabularTask implements Task {
  readonly spec: TabularSpec
  readonly classes: readonly string[]
  readonly loss: Loss
  readonly objective: Loss
  readonly metrics: readonly (Metric | EpochMetric)[]
  readonly #encoder: TableEncoder

  constructor(spec: TabularSpec) {
    this.spec = spec
    this.classes = spec.classes ?? []
    this.#encoder = TableEncoder.fromJSON(spec.encoder)
    this.loss = spec.scale ? scaledMse(spec.scale) : crossEntropy
    this.objective = spec.scale
      ? this.loss
      : (logits, target) => crossEntropy(logits, target, { labelSmoothing: spec.labelSmoothing })
    this.metrics = spec.scale ? regressionMetrics : [accuracy]
  }

  /** Hidden layers with SiLU; logits of the classes `[B, C]`, or numbers in the target's units `[B]`. */
  build(): Model {
    const { width, layers, dropout, scale, classes } = this.spec
    const hidden = Array.from({ length: layers }, (_, i) => [
      new Linear(i === 0 ? this.#encoder.features.length : width, width, { init: 'heNormal' }),
      new SiLU(),
      new Dropout(dropout),
    ]).flat()
    if (!scale) return new Sequential(...hidden, new Linear(width, classes?.length ?? 0))
    return new Sequential(...hidden, new Linear(width, 1), new Flatten(0), new Rescale(scale.mean, scale.std))
  }

  optimizer(parameters: readonly Parameter[], lr: number): Optimizer {
    return new AdamW(parameters, { lr, weightDecay: this.spec.weightDecay })
  }

  schedule(steps: number): Schedule {
    return schedule.cosine(steps)
  }

  async examples(source: Source): Promise<ArrayDataset> {
    const { target, header } = this.spec
    const table = await readTable(source, header)
    return this.of(table, columnIndex(table, target, 'The target'))
  }

  /** Inputs `[F]` and targets `[]` of all rows. */
  of(table: Table, target: number): ArrayDataset {
    const x = this.#inputs(table)
    const origins = Array.from(table.lines)
    if (!this.spec.classes) return arrayDataset({ x, y: { data: numbersOf(table, target), shape: [] }, origins })
    const y = { data: classNumbers(table, target, this.spec.classes), shape: [] }
    return arrayDataset({ x, y, classes: this.spec.classes, origins })
  }

  async predict(model: Model, source: Source): Promise<string> {
    const { target, classes, header } = this.spec
    const table = await readTable(source, header)
    const outputs = await (await predict(model, this.#inputs(table), { batchSize: 256 })).data()
    if (classes) return writeTable(table, classColumns(outputs, classes, target))
    return writeTable(table, { [`predicted ${target}`]: Array.from(outputs, (v) => Number(v.toPrecision(6))) })
  }

  /** Features of all rows, `[F]` each. */
  #inputs(table: Table): Column {
    return this.#encoder.inputs(encodable(table, this.#encoder))
  }
}

/** A perceptron on a table's columns, for regression and classification. */
export const tabular: FileRecipe = {
  name: NAME,
  description: 'Predicts a column of a CSV or TSV file from the others: a number or a class',
  paper: 'Rumelhart, Hinton & Williams 1986, Learning representations by back-propagating errors',
  reads: 'text',
  async prepare(source: Source, options: FileOptions = {}): Promise<Prepared> {
    if (options.target === undefined) {
      throw new GliaError('tabular: say with --target which column is to be predicted.')
    }
    const table = await readTable(source, options.header)
    const target = columnIndex(table, options.target, '--target')
    const { classification, why } = kindOf(table, target, options.task)
    const classes = classification ? classNames(table, target) : null
    const labels = classes ? classNumbers(table, target, classes) : undefined
    const shares = shareOut(table, options, labels)
    const skip = skipped(table, target, options)
    const { encoder, choices } = fitColumns(table, shares.train, skip)
    const count = shares.train.length
    const {
      width = count < 2000 ? 64 : 256,
      layers = count < 2000 ? 2 : 3,
      dropout = 0.1,
      weightDecay = 1e-2,
    } = options
    const scale = classes ? null : targetScale(table, target, numbersOf(table, target), shares.train)
    const name = table.columns[target]
    const { labelSmoothing = 0.1 } = options
    const model = { width, layers, dropout, weightDecay, labelSmoothing }
    const spec = { target: name, header: table.header, encoder: encoder.toJSON(), classes, scale, ...model }
    const task = new TabularTask(spec)
    const all = task.of(table, target)
    const rows: Choice[] = [
      ['target', `${spec.target}: ${why}`],
      ...choices,
      shares.choice,
      ['model', `${layers} hidden layers of ${width} units`],
      ['dropout', String(dropout)],
      ['weight decay', String(weightDecay)],
      ...(classes ? [['label smoothing', String(labelSmoothing)] as const] : []),
    ]
    if (!table.header) rows.unshift(['header', 'none: columns are called column 1, column 2 …'])
    return {
      task,
      defaults: defaultsFor(count),
      train: subset(all, shares.train),
      validation: subset(all, shares.validation),
      test: subset(all, shares.test),
      choices: rows,
    }
  },
  restore(spec: unknown): Task {
    const keys = [
      'target',
      'header',
      'encoder',
      'classes',
      'scale',
      'width',
      'layers',
      'dropout',
      'weightDecay',
      'labelSmoothing',
    ] as const
    return new TabularTask(specOf<TabularSpec>(NAME, spec, keys))
  },
}

/** Small tables need more epochs for as many steps, and smaller batches. */
function defaultsFor(count: number): FileDefaults {
  return count < 2000
    ? { epochs: 100, batchSize: 16, lr: 5e-3, patience: 50 }
    : { epochs: 60, batchSize: 128, lr: 2e-3, patience: 15 }
}

function kindOf(table: Table, target: number, task?: string): { classification: boolean; why: string } {
  const present = cellsOf(table, target).filter((cell) => !isMissing(cell))
  const different = new Set(present.map((cell) => cell.trim())).size
  const numeric = present.every((cell) => !Number.isNaN(numberIn(cell)))
  const whole = numeric && present.every((cell) => Number.isInteger(numberIn(cell)))
  if (task === 'classification') return { classification: true, why: `classification, ${different} classes` }
  if (task === 'regression') return { classification: false, why: 'regression' }
  if (task !== undefined) {
    throw new GliaError(`--task must be regression or classification; received ${JSON.stringify(task)}.`)
  }
  if (!numeric) return { classification: true, why: `classification, since it holds words: ${different} classes` }
  const few = whole && different <= FEW
  return few
    ? { classification: true, why: `classification, since it holds only ${different} whole numbers` }
    : { classification: false, why: 'regression, since it holds numbers' }
}

/** Columns that are not to be learned from: the target, the split's, and those the user names. */
function skipped(table: Table, target: number, { ignore, splitColumn }: FileOptions): ReadonlySet<number> {
  const names = ignore?.split(',').map((name) => columnIndex(table, name.trim(), '--ignore')) ?? []
  const split = splitColumn === undefined ? [] : [columnIndex(table, splitColumn, '--split-column')]
  return new Set([target, ...split, ...names])
}

function targetScale(table: Table, target: number, values: Float32Array, train: Int32Array): Scale {
  const { mean, std } = scaleOf(Array.from(train, (row) => values[row]))
  if (std > 0) return { mean, std }
  throw new GliaError(
    `${table.name}: the target ${table.columns[target]} is ${mean} in every training row; there is nothing to learn.`,
  )
}
