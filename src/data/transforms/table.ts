/** @file From tables to numbers: gaps filled, numbers scaled, categories one-hot; all learnt from training rows alone. */

import { GliaError } from '../../core/errors.ts'
import { type ArrayDataset, arrayDataset, type Column } from '../dataset.ts'
import {
  type CategoryColumn,
  columnNamed,
  type NumberColumn,
  type Table,
  type TableColumn,
  tableRows,
} from '../table.ts'

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
  /**
   * Whether numbers over several orders of magnitude become `sign(x) log(1 + |x|)` before they are scaled: those whose
   * skewness is beyond 2, and is more than halved by it. False by default.
   */
  readonly logarithms?: boolean
  /** Categories in fewer training rows count as unknown; 1 by default, which keeps all. A column without others is left out. */
  readonly rare?: number
  /** Of more categories in a column, the most frequent are kept, the others count as unknown; all are kept by default. */
  readonly maxCategories?: number
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
  /** Whether fill, shift and scale are those of the logarithms. */
  readonly logarithm: boolean
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

/** A column that tells nothing, and why. */
export interface IgnoredColumn {
  readonly column: string
  readonly reason: 'never changes' | 'every value is missing' | 'every value is rare'
}

/** What becomes of a column: one feature, one after taking logarithms, or one for each category. */
export interface EncodedColumn {
  readonly column: string
  readonly kind: 'number' | 'logarithm' | 'category'
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
  readonly ignored: readonly IgnoredColumn[]
  readonly target: Target | null
}

/** Beyond this skewness, logarithms are tried. */
const SKEWED = 2

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
    const ignored: IgnoredColumn[] = []
    for (const [name, column] of table.columns) {
      if (name === target || drop.includes(name)) continue
      const feature = featureOf(table, name, column, options)
      if (typeof feature === 'string') ignored.push({ column: name, reason: feature })
      else features.push(feature)
    }
    if (features.length === 0) throw new GliaError(`TableEncoder: ${table.name} has no column left that varies.`)
    const learnt = target === undefined ? null : targetOf(table, target, options)
    return new TableEncoder({ options, features, ignored, target: learnt })
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

  /** The columns that features are made of, in the order of the table. */
  get columns(): EncodedColumn[] {
    return this.#state.features.map((feature) => {
      const kind = feature.type === 'number' && feature.logarithm ? 'logarithm' : feature.type
      return { column: feature.column, kind }
    })
  }

  /** Columns that were left out, since nothing can be learnt from them, and why. */
  get ignored(): readonly IgnoredColumn[] {
    return this.#state.ignored
  }

  /** Columns that were left out because they had one value only, or none. */
  get constant(): readonly string[] {
    return this.#state.ignored.flatMap(({ column, reason }) => (reason === 'every value is rare' ? [] : [column]))
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
          const value = feature.logarithm ? signedLog(values[row]) : values[row]
          data[row * width + at] = ((gap ? feature.fill : value) - feature.shift) / feature.scale
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
  options: TableEncoderOptions,
): NumberFeature | CategoryFeature | IgnoredColumn['reason'] {
  if (column.type === 'text') {
    throw new GliaError(
      `TableEncoder: column ${JSON.stringify(name)} of ${table.name} is text; leave it out with drop, or read it as ` +
        "categories: types: { … : 'category' }.",
    )
  }
  if (column.type === 'category') return categoryFeature(name, column, options)
  return numberFeature(name, numbersOf(table, name, column).values, options)
}

function categoryFeature(
  name: string,
  { values, categories }: CategoryColumn,
  { rare = 1, maxCategories = Number.POSITIVE_INFINITY }: TableEncoderOptions,
): CategoryFeature | IgnoredColumn['reason'] {
  const counts = new Int32Array(categories.length)
  let gaps = 0
  for (const value of values) {
    if (value < 0) gaps++
    else counts[value]++
  }
  const present = categories.flatMap((_, i) => (counts[i] > 0 ? [i] : []))
  if (present.length === 0) return 'every value is missing'
  if (present.length < 2 && gaps === 0) return 'never changes'
  const kept = present.filter((i) => counts[i] >= rare)
  const most = kept.sort((a, b) => counts[b] - counts[a] || a - b).slice(0, maxCategories)
  if (most.length === 0) return 'every value is rare'
  return { column: name, type: 'category', categories: most.sort((a, b) => a - b).map((i) => categories[i]) }
}

function numberFeature(
  name: string,
  values: Float64Array,
  { scale = 'standard', impute = 'mean', indicators = false, logarithms = false }: TableEncoderOptions,
): NumberFeature | IgnoredColumn['reason'] {
  const known = values.filter((value) => !Number.isNaN(value))
  const gaps = known.length < values.length
  if (known.length === 0) return 'every value is missing'
  const logs = known.map(signedLog)
  const logarithm = logarithms && isSkewed(known, logs)
  const taken = logarithm ? logs : known
  const statistics = spreadOf(taken, scale)
  if (statistics.scale === 0) {
    if (!(gaps && indicators)) return 'never changes'
    statistics.scale = 1
  }
  const fill = impute === 'median' ? median(taken) : impute === 'zero' ? 0 : meanOf(taken)
  return { column: name, type: 'number', logarithm, fill, ...statistics, indicator: indicators && gaps }
}

function signedLog(x: number): number {
  return Math.sign(x) * Math.log1p(Math.abs(x))
}

/** Whether logarithms lie much more evenly about their mean than the values themselves. */
function isSkewed(values: Float64Array, logs: Float64Array): boolean {
  const skew = Math.abs(skewness(values))
  return skew > SKEWED && Math.abs(skewness(logs)) < skew / 2
}

/** Third standardised moment; 0 where all are equal. */
function skewness(values: Float64Array): number {
  const { shift, scale } = spreadOf(values, 'standard')
  return scale > 0 ? meanOf(values.map((value) => ((value - shift) / scale) ** 3)) : 0
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** What is subtracted and divided by; a scale of 0 means that all are equal. */
function spreadOf(values: Float64Array, kind: 'standard' | 'minmax' | 'none'): { shift: number; scale: number } {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const value of values) {
    least = Math.min(least, value)
    most = Math.max(most, value)
  }
  if (!(most > least)) return { shift: 0, scale: 0 }
  if (kind === 'none') return { shift: 0, scale: 1 }
  if (kind === 'minmax') return { shift: least, scale: most - least }
  const mean = meanOf(values)
  return { shift: mean, scale: Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2))) }
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
