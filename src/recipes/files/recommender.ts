/** @file How users will rate items, from ratings of other items by other users. */

import { GliaError } from '../../core/errors.ts'
import { type ArrayDataset, arrayDataset, subset } from '../../data/dataset.ts'
import { Buffer, Dropout, Embedding, init, Module } from '../../nn/index.ts'
import { AdamW, type Optimizer, type Schedule, schedule } from '../../optim/index.ts'
import { zeros } from '../../tensor/factories.ts'
import type { Parameter } from '../../tensor/parameter.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { type Loss, type Model, predict } from '../../train/evaluate.ts'
import type { EpochMetric } from '../../train/metrics.ts'
import { type Biases, biasBaseline, solveBiases } from './baselines.ts'
import { regressionMetrics, type Scale, scaledMse, scaleOf } from './regression.ts'
import { Rescale } from './rescale.ts'
import { shareOut } from './shares.ts'
import { specOf } from './spec.ts'
import { cellsOf, columnIndex, numbersOf, readTable, type Table, writeTable } from './table.ts'
import type { FileOptions, FileRecipe, Prepared, Source, Task } from './task.ts'

export interface RecommenderSpec {
  readonly user: string
  readonly item: string
  readonly rating: string
  readonly header: boolean
  /** Those of the training ratings, in order of appearance; number 0 stands for all others. */
  readonly users: readonly string[]
  readonly items: readonly string[]
  readonly scale: Scale
  /** On the squares of biases. */
  readonly penalty: number
  readonly width: number
  readonly dropout: number
  readonly weightDecay: number
}

const NAME = 'recommender'

export interface FactorOptions {
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

/**
 * mean + bᵤ + bᵢ + pᵤ · qᵢ (Koren, Bell & Volinsky 2009): user and item numbers int32 `[B, 2] → [B]`. The biases are
 * solved for beforehand and stay; what they leave over is what the vectors learn. Users and items never seen have number 0,
 * without bias, and a vector that stays about 0.
 */
export class Factors extends Module {
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
}

class RecommenderTask implements Task {
  readonly spec: RecommenderSpec
  readonly classes: readonly string[] = []
  readonly loss: Loss
  readonly metrics: readonly EpochMetric[] = regressionMetrics
  readonly #users: ReadonlyMap<string, number>
  readonly #items: ReadonlyMap<string, number>

  constructor(spec: RecommenderSpec) {
    this.spec = spec
    this.loss = scaledMse(spec.scale)
    this.#users = new Map(spec.users.map((name, i) => [name, i + 1]))
    this.#items = new Map(spec.items.map((name, i) => [name, i + 1]))
  }

  build(train?: ArrayDataset): Model {
    const { users, items, penalty, ...options } = this.spec
    const biases = train && solveBiases(train, penalty)
    return new Factors({ ...options, users: users.length, items: items.length }, biases)
  }

  optimizer(parameters: readonly Parameter[], lr: number): Optimizer {
    return new AdamW(parameters, { lr, weightDecay: this.spec.weightDecay })
  }

  schedule(steps: number): Schedule {
    return schedule.cosine(steps)
  }

  async examples(source: Source): Promise<ArrayDataset> {
    const table = await readTable(source, this.spec.header)
    return this.of(table, columnIndex(table, this.spec.rating, 'Ratings'))
  }

  of(table: Table, rating: number): ArrayDataset {
    const y = { data: numbersOf(table, rating), shape: [] }
    return arrayDataset({ x: this.pairs(table), y, origins: Array.from(table.lines) })
  }

  /** User and item numbers of all rows, `[2]` each. */
  pairs(table: Table): { data: Int32Array; shape: number[] } {
    const users = cellsOf(table, columnIndex(table, this.spec.user, 'Users'))
    const items = cellsOf(table, columnIndex(table, this.spec.item, 'Items'))
    const numbers = users.flatMap((user, i) => [
      this.#users.get(user.trim()) ?? 0,
      this.#items.get(items[i].trim()) ?? 0,
    ])
    return { data: Int32Array.from(numbers), shape: [2] }
  }

  async predict(model: Model, source: Source): Promise<string> {
    const table = await readTable(source, this.spec.header)
    const outputs = await (await predict(model, this.pairs(table), { batchSize: 1024 })).data()
    return writeTable(table, {
      [`predicted ${this.spec.rating}`]: Array.from(outputs, (v) => Number(v.toPrecision(5))),
    })
  }
}

/** A factorisation of the matrix of ratings. */
export const recommender: FileRecipe = {
  name: NAME,
  description: 'Predicts how users will rate items, from a CSV file of users, items and ratings',
  paper: 'Koren, Bell & Volinsky 2009, Matrix factorization techniques for recommender systems',
  reads: 'text',
  async prepare(source: Source, options: FileOptions = {}): Promise<Prepared> {
    const table = await readTable(source, options.header)
    if (table.columns.length < 3) {
      throw new GliaError(`${table.name} has ${table.columns.length} columns; users, items and ratings take three.`)
    }
    const user = columnIndex(table, options.user ?? '1', '--user')
    const item = columnIndex(table, options.item ?? '2', '--item')
    const rating = columnIndex(table, options.rating ?? '3', '--rating')
    const ratings = numbersOf(table, rating)
    for (const column of [user, item]) {
      const row = cellsOf(table, column).findIndex((cell) => cell.trim() === '')
      if (row < 0) continue
      throw new GliaError(
        `${table.name}, line ${table.lines[row]}: the column ${table.columns[column]} is empty; leave out such rows.`,
      )
    }
    const shares = shareOut(table, options)
    const known = (column: number): string[] => {
      const cells = cellsOf(table, column)
      return [...new Set(Array.from(shares.train, (row) => cells[row].trim()))]
    }
    const { mean, std } = scaleOf(Array.from(shares.train, (row) => ratings[row]))
    if (std === 0) throw new GliaError(`${table.name}: every training rating is ${mean}; there is nothing to learn.`)
    const { width = 64, dropout = 0.15, weightDecay = 1 } = options
    const [users, items] = [known(user), known(item)]
    const names = { user: table.columns[user], item: table.columns[item], rating: table.columns[rating] }
    const spec = { ...names, header: table.header, users, items, scale: { mean, std }, width, dropout, weightDecay }
    // Which penalty is best can only be told with the numbers of users and items.
    const all = new RecommenderTask({ ...spec, penalty: 0 }).of(table, rating)
    const [train, validation, test] = [shares.train, shares.validation, shares.test].map((rows) => subset(all, rows))
    const { penalty, baseline } = biasBaseline(
      { train, validation, test },
      options.penalty === undefined ? undefined : [options.penalty],
    )
    const count = (n: number): string => n.toLocaleString('en-US')
    return {
      task: new RecommenderTask({ ...spec, penalty }),
      defaults: { epochs: 15, batchSize: train.length < 10_000 ? 32 : 256, lr: 4e-3, patience: 3 },
      train,
      validation,
      test,
      baselines: [baseline],
      choices: [
        ['columns', `users ${names.user}, items ${names.item}, ratings ${names.rating}`],
        ['ratings', `${count(table.rows.length)} of ${count(items.length)} items by ${count(users.length)} users`],
        shares.choice,
        ['model', `biases (penalty ${penalty}), and vectors of ${width} features`],
        ['dropout', String(dropout)],
        ['weight decay', String(weightDecay)],
      ],
    }
  },
  restore(spec: unknown): Task {
    const keys = [
      'user',
      'item',
      'rating',
      'header',
      'users',
      'items',
      'scale',
      'penalty',
      'width',
      'dropout',
      'weightDecay',
    ] as const
    return new RecommenderTask(specOf<RecommenderSpec>(NAME, spec, keys))
  },
}
