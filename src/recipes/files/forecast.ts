/** @file What a column of a table will be in the rows to come. */

import { GliaError } from '../../core/errors.ts'
import { type ArrayDataset, arrayDataset, type Column } from '../../data/dataset.ts'
import { TableEncoder } from '../../data/transforms/table.ts'
import { AdamW, type Optimizer, type Schedule, schedule } from '../../optim/index.ts'
import type { Parameter } from '../../tensor/parameter.ts'
import { type Loss, type Model, predict } from '../../train/evaluate.ts'
import type { EpochMetric } from '../../train/metrics.ts'
import { naiveForecasts } from './baselines.ts'
import { encodable, fitColumns } from './columns.ts'
import { Forecaster } from './forecaster.ts'
import { regressionMetrics, type Scale, scaledMse, scaleOf } from './regression.ts'
import { seasonOf } from './season.ts'
import { inOrder } from './shares.ts'
import { specOf } from './spec.ts'
import { cellsOf, columnIndex, numberIn, numbersOf, readTable, type Table } from './table.ts'
import type { FileOptions, FileRecipe, Prepared, Source, Task } from './task.ts'

export interface ForecastSpec {
  readonly header: boolean
  readonly target: string
  /** Of the target in the training rows. */
  readonly scale: Scale
  /** As `TableEncoder.toJSON` gives it: what is seen of each row, the target among it. */
  readonly encoder: unknown
  readonly window: number
  readonly horizon: number
  readonly width: number
  readonly dropout: number
  readonly weightDecay: number
}

const NAME = 'forecast'

class ForecastTask implements Task {
  readonly spec: ForecastSpec
  readonly classes: readonly string[] = []
  readonly loss: Loss
  readonly metrics: readonly EpochMetric[] = regressionMetrics
  readonly #encoder: TableEncoder

  constructor(spec: ForecastSpec) {
    this.spec = spec
    this.loss = scaledMse(spec.scale)
    this.#encoder = TableEncoder.fromJSON(spec.encoder)
  }

  build(): Model {
    const { features } = this.#encoder
    return new Forecaster({ ...this.spec, features: features.length, target: features.indexOf(this.spec.target) })
  }

  optimizer(parameters: readonly Parameter[], lr: number): Optimizer {
    return new AdamW(parameters, { lr, weightDecay: this.spec.weightDecay })
  }

  schedule(steps: number): Schedule {
    return schedule.cosine(steps)
  }

  async examples(source: Source): Promise<ArrayDataset> {
    return this.windows(await readTable(source, this.spec.header), 0)
  }

  /** Every window of rows `[window, F]` from row `from` on, and the target's values in the rows after it `[horizon]`. */
  windows(table: Table, from: number, to: number = table.rows.length): ArrayDataset {
    const { window, horizon, target } = this.spec
    const count = to - from - window - horizon + 1
    if (count < 1) {
      throw new GliaError(
        `${table.name}: ${to - from} rows are too few for a window of ${window} and a horizon of ${horizon}.`,
      )
    }
    const { data: rows, shape } = this.#rows(table)
    const targets = numbersOf(table, columnIndex(table, target, 'The target'))
    const size = window * shape[0]
    const x = new Float32Array(count * size)
    const y = new Float32Array(count * horizon)
    for (let i = 0; i < count; i++) {
      const start = (from + i) * shape[0]
      x.set(rows.subarray(start, start + size), i * size)
      y.set(targets.subarray(from + i + window, from + i + window + horizon), i * horizon)
    }
    return arrayDataset({
      x: { data: x, shape: [window, ...shape] },
      y: { data: y, shape: [horizon] },
      // A window's first row to be forecast.
      origins: Array.from(table.lines.subarray(from + window, from + window + count)),
    })
  }

  /** What is seen of each row, `[F]`. */
  #rows(table: Table): Column {
    return this.#encoder.inputs(encodable(table, this.#encoder))
  }

  /** The rows to come after the last one of the file. */
  async predict(model: Model, source: Source): Promise<string> {
    const { window, target, header } = this.spec
    const table = await readTable(source, header)
    if (table.rows.length < window) {
      throw new GliaError(`${table.name} has ${table.rows.length} rows; the model looks back on ${window}.`)
    }
    const { data, shape } = this.#rows(table)
    const last = { data: data.slice(-window * shape[0]), shape: [window, ...shape] }
    const values = await (await predict(model, last)).data()
    const lines = Array.from(values, (value, i) => `${i + 1},${Number(value.toPrecision(6))}`)
    return `${[`rows ahead,predicted ${target}`, ...lines].join('\n')}\n`
  }
}

/** A recurrent network on the last rows. */
export const forecast: FileRecipe = {
  name: NAME,
  description: 'Predicts what a column of a CSV file, whose rows follow each other in time, will be next',
  paper: 'Cho et al. 2014, Learning phrase representations using RNN encoder-decoder',
  reads: 'text',
  async prepare(source: Source, options: FileOptions = {}): Promise<Prepared> {
    if (options.target === undefined) throw new GliaError(`${NAME}: say with --target which column is to be predicted.`)
    const table = await readTable(source, options.header)
    const target = columnIndex(table, options.target, '--target')
    const values = numbersOf(table, target)
    const name = table.columns[target]
    const { train, validation, test } = inOrder(table.rows.length, options, table.name)
    const past = Array.from(train, (row) => values[row])
    const scale = scaleOf(past)
    if (scale.std === 0) throw new GliaError(`${table.name}: ${name} never changes in the training rows.`)
    const ignored = new Set(options.ignore?.split(',').map((column) => columnIndex(table, column.trim(), '--ignore')))
    const clocks = table.columns.flatMap((_, i) => (i !== target && !ignored.has(i) && isClock(table, i) ? [i] : []))
    const { encoder, choices } = fitColumns(table, train, new Set([...ignored, ...clocks]), false)
    const season = options.season ?? seasonOf(past)
    if (season !== undefined && season > test[0]) {
      throw new GliaError(`--season must be at most ${test[0]}, the rows before the test rows; received ${season}.`)
    }
    const { window = usualWindow(table.rows.length, season), horizon = 1, width = 64 } = options
    const { dropout = 0.1, weightDecay = 0.1 } = options
    const model = { window, horizon, width, dropout, weightDecay }
    const task = new ForecastTask({ header: table.header, target: name, scale, encoder: encoder.toJSON(), ...model })
    // Windows of a later share may begin in the rows of the one before it: what they look at is no secret.
    const share = (rows: Int32Array, before: number): ArrayDataset =>
      task.windows(table, rows[0] - before, rows[rows.length - 1] + 1)
    const tested = share(test, window)
    const count = (n: number): string => n.toLocaleString('en-US')
    return {
      task,
      defaults: { epochs: 100, batchSize: train.length < 2000 ? 16 : 64, lr: 3e-3, patience: 15 },
      train: share(train, 0),
      validation: share(validation, window),
      test: tested,
      baselines: naiveForecasts(values, test[0], tested.length, horizon, season),
      choices: [
        ['target', `${name}, ${horizon === 1 ? 'the next row' : `the next ${horizon} rows`}`],
        ...choices,
        ...clocks.map((i) => ['ignored', `${table.columns[i]}: only ever rises or falls, as a clock`] as const),
        ['season', season === undefined ? 'none found' : `${count(season)} rows`],
        ['window', `the last ${count(window)} rows`],
        [
          'split',
          `${count(train.length)} training, ${count(validation.length)} validation, ${count(test.length)} test rows, in order`,
        ],
        ['model', `GRU of ${width} units, beside a linear forecast`],
        ['dropout', String(dropout)],
        ['weight decay', String(weightDecay)],
      ],
    }
  },
  restore(spec: unknown): Task {
    const keys = [
      'header',
      'target',
      'scale',
      'encoder',
      'window',
      'horizon',
      'width',
      'dropout',
      'weightDecay',
    ] as const
    return new ForecastTask(specOf<ForecastSpec>(NAME, spec, keys))
  },
}

/** Long enough for a season, but not so long that few windows are left; 24 rows where there is no season. */
function usualWindow(rows: number, season = 0): number {
  return Math.max(2, Math.min(Math.max(24, season + 1), Math.floor(rows / 10)))
}

/** Whether a column holds numbers each of which is greater than the one before, or each smaller: it tells the row, no more. */
function isClock(table: Table, index: number): boolean {
  const values = cellsOf(table, index).map(numberIn)
  const steps = values.slice(1).map((value, i) => value - values[i])
  return steps.length > 1 && (steps.every((step) => step > 0) || steps.every((step) => step < 0))
}
