/** @file Tables: named columns of numbers, categories or texts, with gaps. */

import { GliaError } from '../core/errors.ts'

/** Numbers; a gap is NaN. */
export interface NumberColumn {
  readonly type: 'number'
  readonly values: Float64Array
}

/** One of a few strings, as its number in `categories` (sorted); a gap is −1. */
export interface CategoryColumn {
  readonly type: 'category'
  readonly values: Int32Array
  readonly categories: readonly string[]
}

/** Strings; a gap is null. */
export interface TextColumn {
  readonly type: 'text'
  readonly values: readonly (string | null)[]
}

export type TableColumn = NumberColumn | CategoryColumn | TextColumn

/** A row that was left out when a table was read. */
export interface SkippedRow {
  /** Counted from 1, as editors do. */
  readonly line: number
  readonly reason: string
}

/** Rows and columns. */
export interface Table {
  /** Where it came from, for messages. */
  readonly name: string
  readonly length: number
  /** In the order of the file. */
  readonly columns: ReadonlyMap<string, TableColumn>
  /** The line that each row began on, counted from 1; without a file, the number of the row. */
  readonly lines: Int32Array
  /** What was left out. */
  readonly skipped: readonly SkippedRow[]
}

export interface TableOptions {
  /**
   * Kinds of columns by name. By default a column is numbers if all its cells are, else categories if they are few (at
   * most 20, or at most 256 and half the rows), else text.
   */
  readonly types?: Readonly<Record<string, TableColumn['type']>>
  /** Cells that mean a gap; by default empty ones and NA, N/A, NaN, null, none and ?, in any case. */
  readonly missing?: readonly string[]
  /** For messages. */
  readonly name?: string
}

/** Cells that mean a gap unless the user says otherwise, in lower case. */
export const MISSING: readonly string[] = ['', 'na', 'n/a', 'nan', 'null', 'none', '?']
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+|inf(inity)?)(e[+-]?\d+)?$/i

/** A number as people write it; undefined if it is none. */
export function parseNumber(text: string): number | undefined {
  const trimmed = text.trim()
  if (!NUMBER.test(trimmed)) return undefined
  const infinite = /inf/i.test(trimmed)
  return infinite ? (trimmed.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY) : Number(trimmed)
}

/**
 * Makes a table of rows of strings.
 *
 * @param names of the columns
 * @param rows each as long as `names`; null is a gap
 * @param lines see `Table.lines`
 * @throws GliaError if a name occurs twice, `types` names a column that is not there, or a cell of a column of numbers is none
 */
export function tableOf(
  names: readonly string[],
  rows: readonly (readonly (string | null)[])[],
  options: TableOptions & { readonly lines?: ArrayLike<number>; readonly skipped?: readonly SkippedRow[] } = {},
): Table {
  const { name = 'The table', types = {}, missing = MISSING, skipped = [] } = options
  const twice = names.find((column, i) => names.indexOf(column) !== i)
  if (twice !== undefined)
    throw new GliaError(`${name} has two columns called ${JSON.stringify(twice)}; rename one of them.`)
  for (const column of Object.keys(types)) checkColumn(name, names, column)
  const lines = options.lines ? Int32Array.from(options.lines) : Int32Array.from(rows, (_, i) => i + 1)
  const gaps = new Set(missing.map((cell) => cell.toLowerCase()))
  const columns = new Map(
    names.map((column, i) => {
      const cells = rows.map((row) => {
        const cell = row[i]
        return cell === null || gaps.has(cell.trim().toLowerCase()) ? null : cell
      })
      return [column, columnOf(cells, types[column], `${name}: column ${JSON.stringify(column)}`, lines)]
    }),
  )
  return { name, length: rows.length, columns, lines, skipped }
}

/** A table of objects, such as those of JSON lines or Parquet; numbers and booleans keep their meaning. */
export function tableOfObjects(
  objects: readonly Readonly<Record<string, unknown>>[],
  options: TableOptions = {},
): Table {
  const names = new Set<string>()
  for (const object of objects) for (const key of Object.keys(object)) names.add(key)
  const rows = objects.map((object) => [...names].map((key) => cellOf(object[key])))
  return tableOf([...names], rows, options)
}

function cellOf(value: unknown): string | null {
  if (value === undefined || value === null) return null
  return typeof value === 'object' && !(value instanceof Date)
    ? JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? Number(part) : part))
    : String(value)
}

function columnOf(
  cells: readonly (string | null)[],
  type: TableColumn['type'] | undefined,
  where: string,
  lines: Int32Array,
): TableColumn {
  if (type === undefined || type === 'number') {
    const values = new Float64Array(cells.length)
    const wrong = cells.findIndex((cell, i) => {
      const value = cell === null ? Number.NaN : parseNumber(cell)
      if (value !== undefined) values[i] = value
      return value === undefined
    })
    if (wrong < 0) return { type: 'number', values }
    if (type === 'number') {
      throw new GliaError(`${where}, line ${lines[wrong]}: ${JSON.stringify(cells[wrong])} is not a number.`)
    }
  }
  const categories = [...new Set(cells.filter((cell) => cell !== null))].sort()
  const few = categories.length <= 20 || (categories.length <= 256 && categories.length <= cells.length / 2)
  if (type === 'text' || (type === undefined && !few)) return { type: 'text', values: cells }
  const numbers = new Map(categories.map((category, i) => [category, i]))
  return {
    type: 'category',
    categories,
    values: Int32Array.from(cells, (cell) => (cell === null ? -1 : (numbers.get(cell) ?? -1))),
  }
}

/** @throws GliaError if there is no such column, naming those that there are */
export function columnNamed(table: Table, column: string): TableColumn {
  checkColumn(table.name, [...table.columns.keys()], column)
  return table.columns.get(column) as TableColumn
}

function checkColumn(name: string, names: readonly string[], column: string): void {
  if (names.includes(column)) return
  const known = names.slice(0, 20).join(', ')
  throw new GliaError(
    `${name} has no column ${JSON.stringify(column)}; it has ${known}${names.length > 20 ? ' …' : ''}.`,
  )
}

/** The rows at `indices`, in that order. */
export function tableRows(table: Table, indices: ArrayLike<number>): Table {
  const picked = Array.from(indices)
  const wrong = picked.find((i) => !(Number.isInteger(i) && i >= 0 && i < table.length))
  if (wrong !== undefined) throw new GliaError(`tableRows: index ${wrong} is not in a table of ${table.length} rows.`)
  const pick = (column: TableColumn): TableColumn => {
    if (column.type === 'number') return { ...column, values: Float64Array.from(picked, (i) => column.values[i]) }
    if (column.type === 'category') return { ...column, values: Int32Array.from(picked, (i) => column.values[i]) }
    return { ...column, values: picked.map((i) => column.values[i]) }
  }
  return {
    ...table,
    length: picked.length,
    columns: new Map([...table.columns].map(([name, column]) => [name, pick(column)])),
    lines: Int32Array.from(picked, (i) => table.lines[i]),
  }
}

/** What stands in a cell: a number, a string, or null for a gap. */
export function cellAt(column: TableColumn, row: number): number | string | null {
  if (column.type === 'number') return Number.isNaN(column.values[row]) ? null : column.values[row]
  if (column.type === 'text') return column.values[row]
  return column.values[row] < 0 ? null : column.categories[column.values[row]]
}
