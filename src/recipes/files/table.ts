/** @file A user's table: its cells as they stand in the file, to be written back, and the typed columns made of them. */

import { GliaError } from '../../core/errors.ts'
import { parseCsv } from '../../data/readers/csv.ts'
import { type Table as ColumnTable, cellAt, MISSING, parseNumber, tableOf } from '../../data/table.ts'
import type { Source } from './task.ts'

/** Cells as they stand in the file. */
export interface Table {
  /** For messages: the path. */
  readonly name: string
  readonly columns: readonly string[]
  /** As many cells each as there are columns. */
  readonly rows: readonly (readonly string[])[]
  /** The line that each row began on, from 1. */
  readonly lines: Int32Array
  /** Whether the first row of the file named the columns. */
  readonly header: boolean
}

/** What stands for a missing value in files of unknown origin. */
const GAPS = new Set([...MISSING, '-'])

/** Whether a cell says that there is no value. */
export function isMissing(cell: string): boolean {
  return GAPS.has(cell.trim().toLowerCase())
}

/** The number that a cell holds, NaN if none, or an infinite one. */
export function numberIn(cell: string): number {
  const value = parseNumber(cell)
  return value !== undefined && Number.isFinite(value) ? value : Number.NaN
}

/**
 * Reads a table. Columns of a file without a header are called `column 1`, `column 2` …
 *
 * @param header whether the first row names the columns; by default it does if none of its cells is a number
 * @throws GliaError if there are no rows, rows differ in length, or names come twice (naming the line)
 */
export async function readTable({ name, text }: Source, header?: boolean): Promise<Table> {
  // The first record tells the separator and how many cells there are; all are read as they stand.
  const line = firstRecord(text)
  const separator = /\.(tsv|tab)(\.gz)?$/i.test(name) ? '\t' : [',', ';', '\t'].find((mark) => line.includes(mark))
  const asText = { name, header: false, missing: [], ...(separator ? { delimiter: separator } : {}) }
  const first = await parseCsv(line, asText)
  const types = Object.fromEntries([...first.columns.keys()].map((column) => [column, 'text' as const]))
  const { columns: cells, length, lines: starts } = await parseCsv(text, { ...asText, types })
  const every = [...cells.values()]
  const all = Array.from({ length }, (_, i) => every.map((column) => String(cellAt(column, i) ?? '')))
  const named = header ?? looksNamed(all[0])
  const columns = all[0].map((cell, i) => (named && cell.trim() !== '' ? cell.trim() : `column ${i + 1}`))
  const twice = columns.find((column, i) => columns.indexOf(column) !== i)
  if (twice !== undefined) throw new GliaError(`${name} has two columns called ${JSON.stringify(twice)}; rename one.`)
  const rows = named ? all.slice(1) : all
  if (rows.length === 0) throw new GliaError(`${name} has column names but no rows.`)
  const lines = named ? starts.subarray(1) : starts
  return { name, columns, rows, lines, header: named }
}

/** Whether cells are names. The first may be empty: numbers of rows often stand below it. */
function looksNamed(cells: readonly string[]): boolean {
  const isName = (cell: string): boolean => Number.isNaN(numberIn(cell)) && !isMissing(cell)
  return cells.every((cell, i) => isName(cell) || (i === 0 && cells.length > 1 && cell.trim() === ''))
}

/** The first line that is not empty, with those that its quotation marks go on over. */
function firstRecord(text: string): string {
  const start = text.search(/\S/)
  if (start < 0) return ''
  let quotes = 0
  for (let i = start; i < text.length; i++) {
    if (text[i] === '"') quotes++
    else if (/[\r\n]/.test(text[i]) && quotes % 2 === 0) return text.slice(start, i)
  }
  return text.slice(start)
}

/**
 * Where a column stands.
 *
 * @param column its name, or its number from 1
 * @param option for the message: `--target`
 * @throws GliaError naming the columns there are
 */
export function columnIndex(table: Table, column: string, option: string): number {
  const named = table.columns.indexOf(column)
  if (named >= 0) return named
  const number = Number(column)
  if (Number.isInteger(number) && number >= 1 && number <= table.columns.length) return number - 1
  const known = table.columns.slice(0, 20).join(', ') + (table.columns.length > 20 ? ', …' : '')
  throw new GliaError(`${option}: ${table.name} has no column ${JSON.stringify(column)}; it has ${known}.`)
}

/**
 * Some of the columns as numbers and categories. Cells that say there is no value are gaps, and so are cells of columns of
 * numbers that hold none.
 *
 * @param types of the columns wanted, by name
 * @throws GliaError if the table lacks one of them
 */
export function typedColumns(table: Table, types: Readonly<Record<string, 'number' | 'category'>>): ColumnTable {
  const names = Object.keys(types)
  const absent = names.filter((name) => !table.columns.includes(name))
  if (absent.length > 0) {
    throw new GliaError(`${table.name} lacks ${absent.join(', ')}, which the model was trained with.`)
  }
  const columns = names.map((name) => ({ index: table.columns.indexOf(name), numeric: types[name] === 'number' }))
  const rows = table.rows.map((row) =>
    columns.map(({ index, numeric }) => {
      const cell = row[index].trim()
      return isMissing(cell) || (numeric && Number.isNaN(numberIn(cell))) ? null : cell
    }),
  )
  return tableOf(names, rows, { name: table.name, types, missing: [], lines: table.lines })
}

/** The cells of a column. */
export function cellsOf(table: Table, index: number): string[] {
  return table.rows.map((row) => row[index])
}

/** A column of numbers. @throws GliaError naming the first row without one */
export function numbersOf(table: Table, index: number): Float32Array {
  return Float32Array.from(cellsOf(table, index), (cell, i) => {
    const value = numberIn(cell)
    if (Number.isFinite(Math.fround(value))) return value
    const place = `${table.name}, line ${table.lines[i]}: the column ${table.columns[index]} holds ${JSON.stringify(cell)}`
    if (!Number.isNaN(value)) throw new GliaError(`${place}, which is too large to compute with; leave the row out.`)
    throw new GliaError(`${place}, no number. Leave out rows without a value, or learn classes instead of numbers.`)
  })
}

/** The table with further columns, as comma-separated text. Names that are taken get a number. */
export function writeTable(table: Table, added: Readonly<Record<string, readonly (string | number)[]>>): string {
  const taken = new Set(table.columns)
  const names = Object.keys(added).map((name) => {
    let free = name
    for (let n = 2; taken.has(free); n++) free = `${name}_${n}`
    return free
  })
  const columns = Object.values(added)
  const rows = table.rows.map((row, i) => [...row, ...columns.map((column) => column[i])])
  return [[...table.columns, ...names], ...rows].map((row) => `${row.map(quoted).join(',')}\n`).join('')
}

/** A cell, in quotation marks where it needs them (RFC 4180). */
function quoted(cell: string | number): string {
  const text = String(cell)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
