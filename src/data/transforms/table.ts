/** @file From tables to numbers: gaps filled, numbers scaled, categories one-hot; all learnt from training rows alone. */

import { GliaError } from '../../core/errors.ts'
import { type ArrayDataset, arrayDataset, type Column } from '../dataset.ts'
import { columnNamed, type NumberColumn, type Table, type TableColumn, tableRows } from '../table.ts'

export interface TableEncoderOptions {
  /** The column to predict: classes if it is categories, a real number if it is numbers. */
  readonly target?: string
  /** Columns to leave out, such as names and ids. */
  readonly drop?: readonly string[]
  /** Numbers to mean 0 and standard deviation 1 (default), to [0, 1], or as they are. */
  readonly scale?: 'standard' | 'minmax' | 'none'
  /** What stands for a gap in numbers: the mean (default), the median, 0, or an error that names the line. */
  readonly impute?: 'mean' | 'median' | 'zero' | 'error'
  /** Whether a column of numbers with gaps brings a second feature that is 1 at gaps; false by default. */
  readonly indicators?: boolean
  /** What stands for a category that was not there in training, or a gap: zeros (default), or an error. */
  readonly unknown?: 'zero' | 'error'
  /** Whether real targets are scaled to mean 0 and standard deviation 1; false by default. See `targetsOf`. */
  readonly scaleTarget?: boolean
  /** What to do with rows without a target: an error (default), or leave them out. */
  readonly missingTarget?: 'error' | 'drop'
}

interface NumberFeature {
  readonly column: string
  readonly type: 'number'
  readonly fill: number
  readonly shift: number
  readonly scale: number
  readonly indicator: boolean
}

interface CategoryFeature {
  readonly column: string
  readonly type: 'category'
  readonly categories: readonly string[]
}

interface Target {
  readonly column: string
  /** Class names; null for real targets. */
  readonly classes: readonly string[] | null
  readonly shift: number
  readonly scale: number
}

interface State {
  readonly options: TableEncoderOptions
  readonly features: readonly (NumberFeature | CategoryFeature)[]
  readonly constant: readonly string[]
  readonly target: Target | null
}

/**
 * What was learnt from the training rows, applied to any rows with the same columns.
 *
 * @example
 * const encoder = TableEncoder.fit(trainRows, { target: 'mpg', scaleTarget: true })
 * const train = encoder.dataset(trainRows)
 * const test = encoder.dataset(testRows)
 */
export class TableEncoder {
  readonly #state: State

  private constructor(state: State) {
    this.#state = state
  }

  /**
   * Learns means, scales and categories.
   *
   * @param table training rows only: what is learnt from others leaks into training
   * @throws GliaError if there are no rows or no features, a column is text, a number is infinite, or the target is missing,
   * constant or of one class only
   */
  static fit(table: Table, options: TableEncoderOptions = {}): TableEncoder {
    const { target, drop = [] } = options
    if (table.length === 0) throw new GliaError(`TableEncoder: ${table.name} has no rows to learn from.`)
    for (const column of target === undefined ? drop : [...drop, target]) columnNamed(table, column)
    const features: (NumberFeature | CategoryFeature)[] = []
    const constant: string[] = []
    for (const [name, column] of table.columns) {
      if (name === target || drop.includes(name)) continue
      const feature = featureOf(table, name, column, options)
      if (feature === undefined) constant.push(name)
      else features.push(feature)
    }
    if (features.length === 0) throw new GliaError(`TableEncoder: ${table.name} has no column left that varies.`)
    const learnt = target === undefined ? null : targetOf(table, target, options)
    return new TableEncoder({ options, features, constant, target: learnt })
  }

  /** The encoder that was saved with `JSON.stringify`. */
  static fromJSON(json: unknown): TableEncoder {
    if (typeof json === 'object' && json !== null && 'features' in json && 'options' in json && 'target' in json) {
      return new TableEncoder(json as State)
    }
    throw new GliaError('TableEncoder.fromJSON: this is not what TableEncoder.toJSON returned.')
  }

  toJSON(): unknown {
    return this.#state
  }

  /** Names of the features, in the order of `x`: `age`, `age is missing`, `colour=red` …. */
  get features(): string[] {
    return this.#state.features.flatMap((feature) => {
      if (feature.type === 'category') return feature.categories.map((category) => `${feature.column}=${category}`)
      return feature.indicator ? [feature.column, `${feature.column} is missing`] : [feature.column]
    })
  }

  /** Columns that were left out because they had one value only. */
  get constant(): readonly string[] {
    return this.#state.constant
  }

  /** Class names, if the target has classes. */
  get classes(): readonly string[] | undefined {
    return this.#state.target?.classes ?? undefined
  }

  /**
   * The features of rows, float32, one example `[F]`.
   *
   * @throws GliaError if a column is missing or of another kind, or, where options say so, at a gap or unknown category
   */
  inputs(table: Table): Column {
    const { features, options } = this.#state
    const width = this.features.length
    const data = new Float32Array(table.length * width)
    let at = 0
    for (const feature of features) {
      const column = columnNamed(table, feature.column)
      if (feature.type === 'number') {
        const { values } = numbersOf(table, feature.column, column)
        for (let row = 0; row < table.length; row++) {
          const gap = Number.isNaN(values[row])
          if (gap && options.impute === 'error') throw gapAt(table, feature.column, row)
          data[row * width + at] = ((gap ? feature.fill : values[row]) - feature.shift) / feature.scale
          if (feature.indicator) data[row * width + at + 1] = gap ? 1 : 0
        }
        at += feature.indicator ? 2 : 1
        continue
      }
      const places = new Map(feature.categories.map((category, i) => [category, i]))
      for (let row = 0; row < table.length; row++) {
        const cell = textAt(column, row)
        const place = cell === null ? undefined : places.get(cell)
        if (place !== undefined) data[row * width + at + place] = 1
        else if (options.unknown === 'error') {
          if (cell === null) throw gapAt(table, feature.column, row)
          throw new GliaError(
            `${table.name}, line ${table.lines[row]}: column ${feature.column} has the category ${JSON.stringify(cell)}, ` +
              'which the training rows lack.',
          )
        }
      }
      at += feature.categories.length
    }
    return { data, shape: [width] }
  }

  /**
   * Features and targets as `fit` takes them: `x` float32 `[F]`; `y` int32 `[]` for classes, float32 `[]` for numbers.
   *
   * @throws GliaError as `inputs` does, if the encoder has no target, or at a row without one (see `missingTarget`)
   */
  dataset(table: Table): ArrayDataset {
    const { target, options } = this.#state
    if (target === null) throw new GliaError('TableEncoder.dataset: the encoder was fitted without a target.')
    const rows = rowsWithTarget(table, target.column, options)
    const column = columnNamed(rows, target.column)
    const x = this.inputs(rows)
    if (target.classes === null) {
      const { values } = numbersOf(rows, target.column, column)
      const data = Float32Array.from(values, (value) => (value - target.shift) / target.scale)
      return arrayDataset({ x, y: { data, shape: [] } })
    }
    const numbers = new Map(target.classes.map((name, i) => [name, i]))
    const data = Int32Array.from({ length: rows.length }, (_, row) => {
      const number = numbers.get(textAt(column, row) ?? '')
      if (number !== undefined) return number
      throw new GliaError(
        `${rows.name}, line ${rows.lines[row]}: the class ${JSON.stringify(textAt(column, row))} is not among those of the training rows.`,
      )
    })
    return arrayDataset({ x, y: { data, shape: [] }, classes: target.classes })
  }

  /** Real targets in the table's units, from those that a model predicts. */
  targetsOf(values: ArrayLike<number>): Float64Array {
    const { shift, scale } = this.#state.target ?? { shift: 0, scale: 1 }
    return Float64Array.from(values, (value) => value * scale + shift)
  }
}

function featureOf(
  table: Table,
  name: string,
  column: TableColumn,
  { scale = 'standard', impute = 'mean', indicators = false }: TableEncoderOptions,
): NumberFeature | CategoryFeature | undefined {
  if (column.type === 'text') {
    throw new GliaError(
      `TableEncoder: column ${JSON.stringify(name)} of ${table.name} is text; leave it out with drop, or read it as ` +
        "categories: types: { … : 'category' }.",
    )
  }
  if (column.type === 'category') {
    const present = new Set(column.values)
    const categories = column.categories.filter((_, i) => present.has(i))
    return categories.length < 2 && !present.has(-1) ? undefined : { column: name, type: 'category', categories }
  }
  const { values } = numbersOf(table, name, column)
  const known = values.filter((value) => !Number.isNaN(value))
  const gaps = known.length < values.length
  const statistics = spreadOf(known, scale)
  if (statistics.scale === 0 || known.length === 0) {
    if (!(gaps && indicators && known.length > 0)) return undefined
    statistics.scale = 1
  }
  const fill =
    impute === 'median' ? median(known) : impute === 'zero' ? 0 : known.reduce((a, b) => a + b, 0) / known.length
  return { column: name, type: 'number', fill, ...statistics, indicator: indicators && gaps }
}

/** What is subtracted and divided by; a scale of 0 means that all are equal. */
function spreadOf(values: Float64Array, kind: 'standard' | 'minmax' | 'none'): { shift: number; scale: number } {
  let [least, most, sum] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]
  for (const value of values) {
    least = Math.min(least, value)
    most = Math.max(most, value)
    sum += value
  }
  if (!(most > least)) return { shift: 0, scale: 0 }
  if (kind === 'none') return { shift: 0, scale: 1 }
  if (kind === 'minmax') return { shift: least, scale: most - least }
  const mean = sum / values.length
  const variance = values.reduce((total, value) => total + (value - mean) ** 2, 0) / values.length
  return { shift: mean, scale: Math.sqrt(variance) }
}

function median(values: Float64Array): number {
  const sorted = values.slice().sort()
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

function targetOf(table: Table, name: string, options: TableEncoderOptions): Target {
  const rows = rowsWithTarget(table, name, options)
  const column = columnNamed(rows, name)
  if (column.type === 'number') {
    const { shift, scale } = spreadOf(numbersOf(rows, name, column).values, 'standard')
    if (scale === 0)
      throw new GliaError(`TableEncoder: the target ${name} of ${table.name} is constant; there is nothing to learn.`)
    return { column: name, classes: null, ...(options.scaleTarget ? { shift, scale } : { shift: 0, scale: 1 }) }
  }
  const present = new Set(Array.from({ length: rows.length }, (_, row) => textAt(column, row) ?? ''))
  if (present.size < 2) {
    throw new GliaError(`TableEncoder: the target ${name} of ${table.name} has one class only (${[...present]}).`)
  }
  return { column: name, classes: [...present].sort(), shift: 0, scale: 1 }
}

function rowsWithTarget(table: Table, name: string, { missingTarget = 'error' }: TableEncoderOptions): Table {
  const column = columnNamed(table, name)
  const missing = (row: number): boolean => {
    return column.type === 'number' ? Number.isNaN(column.values[row]) : textAt(column, row) === null
  }
  const kept = Array.from({ length: table.length }, (_, row) => row).filter((row) => !missing(row))
  if (kept.length === table.length) return table
  if (missingTarget === 'drop' && kept.length > 0) return tableRows(table, kept)
  const first = Array.from({ length: table.length }, (_, row) => row).find(missing) ?? 0
  throw new GliaError(
    `${table.name}: the target ${name} is missing in ${table.length - kept.length} of ${table.length} rows, first in line ` +
      `${table.lines[first]}. Leave them out with missingTarget: 'drop'.`,
  )
}

function numbersOf(table: Table, name: string, column: TableColumn): NumberColumn {
  if (column.type !== 'number') {
    throw new GliaError(
      `${table.name}: column ${name} must be numbers, as in the training rows, but is ${column.type}.`,
    )
  }
  const wrong = column.values.findIndex((value) => Math.abs(value) === Number.POSITIVE_INFINITY)
  if (wrong < 0) return column
  throw new GliaError(
    `${table.name}, line ${table.lines[wrong]}: column ${name} is ${column.values[wrong]}; remove the row.`,
  )
}

function textAt(column: TableColumn, row: number): string | null {
  if (column.type === 'text') return column.values[row]
  if (column.type === 'number') return Number.isNaN(column.values[row]) ? null : String(column.values[row])
  return column.values[row] < 0 ? null : column.categories[column.values[row]]
}

function gapAt(table: Table, column: string, row: number): GliaError {
  return new GliaError(`${table.name}, line ${table.lines[row]}: column ${column} is empty.`)
}
