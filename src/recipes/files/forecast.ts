/** @file What a column of a table will be in the rows to come. */

import { GliaError } from '../../core/errors.ts'
import { type ArrayDataset, arrayDataset } from '../../data/dataset.ts'
import { GRU, Linear, Module } from '../../nn/index.ts'
import { AdamW, type Optimizer, type Schedule, schedule } from '../../optim/index.ts'
import type { Parameter } from '../../tensor/parameter.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { type Loss, type Model, predict } from '../../train/evaluate.ts'
import type { EpochMetric } from '../../train/metrics.ts'
import { regressionMetrics, type Scale, scaledMse, scaleOf } from './regression.ts'
import { Rescale } from './rescale.ts'
import { inOrder } from './shares.ts'
import { specOf } from './spec.ts'
import { cellsOf, columnIndex, isMissing, numberIn, numbersOf, readTable, type Table } from './table.ts'
import type { FileOptions, FileRecipe, Prepared, Source, Task } from './task.ts'

interface ForecastSpec {
  readonly header: boolean
  /** What is seen of each row, the target first, with scales of the training rows. */
  readonly columns: readonly (Scale & { readonly name: string })[]
  readonly window: number
  readonly horizon: number
  readonly width: number
}

const NAME = 'forecast'

/**
 * A GRU (Cho et al. 2014) reads the window; its last state tells how far the next values are from the last one seen:
 * standardised rows `[B, window, C]`, the target first, → `[B, horizon]` in the target's units.
 */
export class Forecaster extends Module {
  readonly gru: GRU
  readonly head: Linear
  readonly rescale: Rescale

  constructor(columns: number, width: number, horizon: number, { mean, std }: Scale) {
    super()
    this.gru = new GRU(columns, width, { batchFirst: true })
    // Starts from the forecast that nothing changes.
    this.head = new Linear(width, horizon, { init: 'zeros' })
    this.rescale = new Rescale(mean, std)
  }

  forward(x: Tensor): Tensor {
    const [states] = this.gru.call(x)
    const last = x.select(1, -1).narrow(1, 0, 1)
    return this.rescale.call(last.add(this.head.call(states.select(1, -1))))
  }
}

class ForecastTask implements Task {
  readonly spec: ForecastSpec
  readonly classes: readonly string[] = []
  readonly loss: Loss
  readonly metrics: readonly EpochMetric[] = regressionMetrics

  constructor(spec: ForecastSpec) {
    this.spec = spec
    this.loss = scaledMse(spec.columns[0])
  }

  build(): Model {
    const { columns, width, horizon } = this.spec
    return new Forecaster(columns.length, width, horizon, columns[0])
  }

  optimizer(parameters: readonly Parameter[], lr: number): Optimizer {
    return new AdamW(parameters, { lr, weightDecay: 1e-2 })
  }

  schedule(steps: number): Schedule {
    return schedule.cosine(steps)
  }

  async examples(source: Source): Promise<ArrayDataset> {
    return this.windows(await readTable(source, this.spec.header), 0)
  }

  /** Every window of rows `[window, C]` from row `from` on, and the target's values in the rows after it `[horizon]`. */
  windows(table: Table, from: number, to: number = table.rows.length): ArrayDataset {
    const { window, horizon, columns } = this.spec
    const count = to - from - window - horizon + 1
    if (count < 1) {
      throw new GliaError(
        `${table.name}: ${to - from} rows are too few for a window of ${window} and a horizon of ${horizon}.`,
      )
    }
    const rows = this.rows(table)
    const target = numbersOf(table, columnIndex(table, columns[0].name, 'The target'))
    const size = window * columns.length
    const x = new Float32Array(count * size)
    const y = new Float32Array(count * horizon)
    for (let i = 0; i < count; i++) {
      const start = (from + i) * columns.length
      x.set(rows.subarray(start, start + size), i * size)
      y.set(target.subarray(from + i + window, from + i + window + horizon), i * horizon)
    }
    return arrayDataset({
      x: { data: x, shape: [window, columns.length] },
      y: { data: y, shape: [horizon] },
      // A window's first row to be forecast.
      origins: Array.from(table.lines.subarray(from + window, from + window + count)),
    })
  }

  /** All rows, standardised, `[rows, C]`. */
  rows(table: Table): Float32Array {
    const { columns } = this.spec
    const out = new Float32Array(table.rows.length * columns.length)
    columns.forEach(({ name, mean, std }, c) => {
      const values = numbersOf(table, columnIndex(table, name, 'The model'))
      values.forEach((value, i) => {
        out[i * columns.length + c] = (value - mean) / std
      })
    })
    return out
  }

  /** The rows to come after the last one of the file. */
  async predict(model: Model, source: Source): Promise<string> {
    const { window, columns, header } = this.spec
    const table = await readTable(source, header)
    if (table.rows.length < window) {
      throw new GliaError(`${table.name} has ${table.rows.length} rows; the model looks back on ${window}.`)
    }
    const data = this.rows(table).slice(-window * columns.length)
    const values = await (await predict(model, { data, shape: [window, columns.length] })).data()
    const lines = Array.from(values, (value, i) => `${i + 1},${Number(value.toPrecision(6))}`)
    return `${[`rows ahead,predicted ${columns[0].name}`, ...lines].join('\n')}\n`
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
    numbersOf(table, target)
    const ignored = new Set(options.ignore?.split(',').map((name) => columnIndex(table, name.trim(), '--ignore')))
    const { length } = table.rows
    const { window = Math.max(2, Math.min(24, Math.floor(length / 30))), horizon = 1, width = 64 } = options
    const { train, validation, test } = inOrder(length, options)
    const others = table.columns.flatMap((_, i) => (i === target || ignored.has(i) || !isNumeric(table, i) ? [] : [i]))
    const columns = [target, ...others].flatMap((index) => {
      const values = numbersOf(table, index)
      const { mean, std } = scaleOf(Array.from(train, (row) => values[row]))
      return std > 0 ? [{ name: table.columns[index], mean, std }] : []
    })
    if (columns[0]?.name !== table.columns[target]) {
      throw new GliaError(`${table.name}: ${table.columns[target]} never changes in the training rows.`)
    }
    const task = new ForecastTask({ header: table.header, columns, window, horizon, width })
    // Windows of a later share may begin in the rows of the one before it: what they look at is no secret.
    const share = (rows: Int32Array, before: number): ArrayDataset =>
      task.windows(table, rows[0] - before, rows[rows.length - 1] + 1)
    const count = (n: number): string => n.toLocaleString('en-US')
    return {
      task,
      defaults: { epochs: 100, batchSize: train.length < 2000 ? 16 : 64, lr: 3e-3, patience: 15 },
      train: share(train, 0),
      validation: share(validation, window),
      test: share(test, window),
      choices: [
        ['target', `${table.columns[target]}, ${horizon === 1 ? 'the next row' : `the next ${horizon} rows`}`],
        ['looks at', `${columns.map(({ name }) => name).join(', ')} of the last ${window} rows`],
        [
          'split',
          `${count(train.length)} training, ${count(validation.length)} validation, ${count(test.length)} test rows, in order`,
        ],
        ['model', `GRU of ${width} units`],
      ],
    }
  },
  restore(spec: unknown): Task {
    return new ForecastTask(specOf<ForecastSpec>(NAME, spec, ['header', 'columns', 'window', 'horizon', 'width']))
  },
}

function isNumeric(table: Table, index: number): boolean {
  return cellsOf(table, index).every((cell) => !isMissing(cell) && !Number.isNaN(numberIn(cell)))
}
