/** @file From table cells to numbers that a network takes: scales and categories are those of the training rows. */

import { GliaError } from '../../core/errors.ts'
import { cellsOf, isMissing, numberIn, type Table } from './table.ts'
import type { Choice } from './task.ts'

/** `(f(x) − mean) / std` with f the identity or a logarithm; missing values become 0, the mean. */
export interface NumberColumn {
  readonly kind: 'number'
  readonly name: string
  /** f(x) = sign(x) log(1 + |x|), for values over several orders of magnitude. */
  readonly log: boolean
  readonly mean: number
  readonly std: number
  /** Whether a second feature says 1 where the value is missing. */
  readonly flag: boolean
}

/** One feature for each value, 1 where it is that one; values never seen are 0 everywhere. */
export interface CategoryColumn {
  readonly kind: 'category'
  readonly name: string
  readonly values: readonly string[]
}

export type EncodedColumn = NumberColumn | CategoryColumn

/** Categories beyond this many are rare, and told apart from each other no more. */
const MAX_CATEGORIES = 50
/** Share of cells that must be numbers; the others count as missing. */
const NUMERIC = 0.95
/** Beyond this skewness, logarithms are tried. */
const SKEWED = 2

export interface Encoder {
  readonly columns: readonly EncodedColumn[]
  readonly choices: readonly Choice[]
}

/**
 * Decides from the training rows how each column becomes numbers.
 *
 * @param skip columns to leave out, by index
 * @throws GliaError if no column is left
 */
export function fitEncoder(table: Table, train: ArrayLike<number>, skip: ReadonlySet<number>): Encoder {
  const columns: EncodedColumn[] = []
  const notes: Choice[] = []
  table.columns.forEach((name, index) => {
    if (skip.has(index)) return
    const all = cellsOf(table, index)
    const cells = Array.from(train, (row) => all[row])
    const present = cells.filter((cell) => !isMissing(cell))
    const numbers = present.map(numberIn).filter((value) => !Number.isNaN(value))
    if (new Set(present).size < 2 && present.length === cells.length) notes.push(['ignored', `${name}: never changes`])
    else if (present.length === 0) notes.push(['ignored', `${name}: every value is missing`])
    else if (numbers.length >= NUMERIC * present.length) {
      const odd = present.length - numbers.length
      if (odd > 0) notes.push(['missing', `${name}: ${odd} cells that are no numbers`])
      columns.push(numberColumn(name, numbers, numbers.length < cells.length))
    } else {
      const column = categoryColumn(name, present)
      if (column.values.length > 0) columns.push(column)
      else notes.push(['ignored', `${name}: nearly every row has another text`])
    }
  })
  if (columns.length === 0) throw new GliaError(`${table.name} has no column to predict from.`)
  const named = (which: (column: EncodedColumn) => boolean): string =>
    columns
      .filter(which)
      .map((c) => c.name)
      .join(', ')
  const rows: Choice[] = [
    ['numbers', named((c) => c.kind === 'number' && !c.log)],
    ['logarithms', named((c) => c.kind === 'number' && c.log)],
    ['categories', named((c) => c.kind === 'category')],
    ...notes,
  ]
  return { columns, choices: rows.filter(([, value]) => value !== '') }
}

function numberColumn(name: string, values: readonly number[], flag: boolean): NumberColumn {
  const logs = values.map(signedLog)
  const [plain, logged] = [moments(values), moments(logs)]
  const log = Math.abs(plain.skew) > SKEWED && Math.abs(logged.skew) < Math.abs(plain.skew) / 2
  const { mean, std } = log ? logged : plain
  return { kind: 'number', name, log, mean, std: std > 0 ? std : 1, flag }
}

function categoryColumn(name: string, cells: readonly string[]): CategoryColumn {
  const counts = new Map<string, number>()
  for (const cell of cells) counts.set(cell.trim(), (counts.get(cell.trim()) ?? 0) + 1)
  // Values seen once teach nothing that holds for other rows.
  const values = [...counts].filter(([, n]) => n > 1).sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
  return { kind: 'category', name, values: values.slice(0, MAX_CATEGORIES).map(([value]) => value) }
}

function signedLog(x: number): number {
  return Math.sign(x) * Math.log1p(Math.abs(x))
}

/** Mean, standard deviation and skewness (third standardised moment). */
export function moments(values: ArrayLike<number>): { mean: number; std: number; skew: number } {
  const n = values.length
  const average = (f: (x: number) => number): number => {
    let sum = 0
    for (let i = 0; i < n; i++) sum += f(values[i])
    return sum / n
  }
  const mean = average((x) => x)
  const std = Math.sqrt(average((x) => (x - mean) ** 2))
  return { mean, std, skew: std > 0 ? average((x) => ((x - mean) / std) ** 3) : 0 }
}

/** Number of features that the columns become. */
export function featuresOf(columns: readonly EncodedColumn[]): number {
  return columns.reduce((n, c) => n + (c.kind === 'number' ? (c.flag ? 2 : 1) : c.values.length), 0)
}

/**
 * All rows as features, `[rows, features]`, row-major.
 *
 * @throws GliaError if the table lacks a column
 */
export function encode(table: Table, columns: readonly EncodedColumn[]): Float32Array {
  const indices = columns.map(({ name }) => table.columns.indexOf(name))
  const absent = columns.filter((_, i) => indices[i] < 0).map(({ name }) => name)
  if (absent.length > 0) {
    throw new GliaError(`${table.name} lacks ${absent.join(', ')}, which the model was trained with.`)
  }
  const out = new Float32Array(table.rows.length * featuresOf(columns))
  let at = 0
  for (const row of table.rows) {
    columns.forEach((column, i) => {
      const cell = row[indices[i]]
      if (column.kind === 'category') {
        const value = column.values.indexOf(cell.trim())
        if (value >= 0) out[at + value] = 1
        at += column.values.length
        return
      }
      const x = isMissing(cell) ? Number.NaN : numberIn(cell)
      if (!Number.isNaN(x)) out[at] = ((column.log ? signedLog(x) : x) - column.mean) / column.std
      else if (column.flag) out[at + 1] = 1
      at += column.flag ? 2 : 1
    })
  }
  return out
}
