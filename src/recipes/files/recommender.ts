/** @file How users will rate items, from ratings of other items by other users. */

import { GliaError } from '../../core/errors.ts'
import { type ArrayDataset, arrayDataset, subset } from '../../data/dataset.ts'
import { Dropout, Embedding, init, Module } from '../../nn/index.ts'
import { AdamW, type Optimizer, type Schedule, schedule } from '../../optim/index.ts'
import type { Parameter } from '../../tensor/parameter.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { type Loss, type Model, predict } from '../../train/evaluate.ts'
import type { EpochMetric } from '../../train/metrics.ts'
import { regressionMetrics, type Scale, scaledMse, scaleOf } from './regression.ts'
import { Rescale } from './rescale.ts'
import { shareOut } from './shares.ts'
import { specOf } from './spec.ts'
import { cellsOf, columnIndex, numbersOf, readTable, type Table, writeTable } from './table.ts'
import type { FileOptions, FileRecipe, Prepared, Source, Task } from './task.ts'

interface RecommenderSpec {
  readonly user: string
  readonly item: string
  readonly rating: string
  readonly header: boolean
  /** Those of the training ratings, in order of appearance; number 0 stands for all others. */
  readonly users: readonly string[]
  readonly items: readonly string[]
  readonly scale: Scale
  readonly width: number
}

const NAME = 'recommender'
const DROPOUT = 0.3

/**
 * mean + bᵤ + bᵢ + pᵤ · qᵢ (Koren, Bell & Volinsky 2009): user and item numbers int32 `[B, 2] → [B]`. Users and items
 * never seen have number 0, whose bias and vector stay about 0.
 */
export class Factors extends Module {
  readonly userBias: Embedding
  readonly itemBias: Embedding
  readonly userFactors: Embedding
  readonly itemFactors: Embedding
  readonly dropout: Dropout
  readonly rescale: Rescale

  constructor(users: number, items: number, width: number, { mean, std }: Scale) {
    super()
    this.userBias = new Embedding(users + 1, 1, { init: 'zeros', paddingIdx: 0 })
    this.itemBias = new Embedding(items + 1, 1, { init: 'zeros', paddingIdx: 0 })
    this.userFactors = new Embedding(users + 1, width, { init: init.normal(0.1), paddingIdx: 0 })
    this.itemFactors = new Embedding(items + 1, width, { init: init.normal(0.1), paddingIdx: 0 })
    this.dropout = new Dropout(DROPOUT)
    this.rescale = new Rescale(mean, std)
  }

  forward(x: Tensor): Tensor {
    const [user, item] = [x.select(1, 0), x.select(1, 1)]
    const biases = this.userBias.call(user).add(this.itemBias.call(item)).squeeze(-1)
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

  build(): Model {
    const { users, items, width, scale } = this.spec
    return new Factors(users.length, items.length, width, scale)
  }

  optimizer(parameters: readonly Parameter[], lr: number): Optimizer {
    return new AdamW(parameters, { lr, weightDecay: 0.1 })
  }

  schedule(steps: number): Schedule {
    return schedule.cosine(steps)
  }

  async examples(source: Source): Promise<ArrayDataset> {
    const table = await readTable(source, this.spec.header)
    return this.of(table, columnIndex(table, this.spec.rating, 'Ratings'))
  }

  of(table: Table, rating: number): ArrayDataset {
    return arrayDataset({ x: this.pairs(table), y: { data: numbersOf(table, rating), shape: [] } })
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
    const shares = shareOut(table, options)
    const known = (column: number): string[] => {
      const cells = cellsOf(table, column)
      return [...new Set(Array.from(shares.train, (row) => cells[row].trim()))]
    }
    const { mean, std } = scaleOf(Array.from(shares.train, (row) => ratings[row]))
    if (std === 0) throw new GliaError(`${table.name}: every training rating is ${mean}; there is nothing to learn.`)
    const { width = 16 } = options
    const [users, items] = [known(user), known(item)]
    const names = { user: table.columns[user], item: table.columns[item], rating: table.columns[rating] }
    const task = new RecommenderTask({ ...names, header: table.header, users, items, scale: { mean, std }, width })
    const all = task.of(table, rating)
    const count = (n: number): string => n.toLocaleString('en-US')
    return {
      task,
      defaults: { epochs: 20, batchSize: shares.train.length < 10_000 ? 32 : 256, lr: 5e-3, patience: 3 },
      train: subset(all, shares.train),
      validation: subset(all, shares.validation),
      test: subset(all, shares.test),
      choices: [
        ['columns', `users ${names.user}, items ${names.item}, ratings ${names.rating}`],
        ['ratings', `${count(table.rows.length)} of ${count(items.length)} items by ${count(users.length)} users`],
        shares.choice,
        ['model', `biases, and vectors of ${width} features`],
      ],
    }
  },
  restore(spec: unknown): Task {
    const keys = ['user', 'item', 'rating', 'header', 'users', 'items', 'scale', 'width'] as const
    return new RecommenderTask(specOf<RecommenderSpec>(NAME, spec, keys))
  },
}
