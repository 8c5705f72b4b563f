/** @file CSV and TSV (RFC 4180), whole as a table or as a stream of records. */

import type { ParseResult } from 'papaparse'
import { GliaError } from '../../core/errors.ts'
import { type SkippedRow, type Table, type TableOptions, tableOf } from '../table.ts'
import type { Line } from './text.ts'

export interface CsvOptions extends TableOptions {
  /** A comma by default; `'\t'` for TSV. */
  readonly delimiter?: string
  /** Whether the first row names the columns (default), or the names; false calls them `c0`, `c1` … */
  readonly header?: boolean | readonly string[]
  /** What to do with a row of another length than the first: stop (default), or leave it out and list it. */
  readonly onRagged?: 'throw' | 'skip'
}

/** A record of a stream: cells by column name, empty ones as they stand. */
export interface CsvRecord {
  readonly cells: Readonly<Record<string, string>>
  readonly line: number
}

/** Lines that a stream holds while a quoted cell is open. */
const LONGEST = 50_000

interface Row {
  readonly cells: readonly string[]
  readonly line: number
}

/**
 * Reads a table. Empty lines are passed over; what cells mean is decided by column, see `TableOptions.types`.
 *
 * @throws GliaError, naming the line, if a row has too few or too many cells or a quote is not closed; if there are no rows
 */
export async function parseCsv(text: string, options: CsvOptions = {}): Promise<Table> {
  const { name = 'The table', onRagged = 'throw' } = options
  const rows = await split(text, options, 1)
  if (rows.length === 0) throw new GliaError(`${name} is empty: it has no rows.`)
  const { names, body } = withNames(rows, options)
  if (body.length === 0) throw new GliaError(`${name} has column names but no rows.`)
  const skipped: SkippedRow[] = []
  const kept = body.filter((row) => {
    const reason = raggedness(row, names)
    if (reason === undefined) return true
    if (onRagged === 'throw') throw new GliaError(`${name}, line ${row.line}: ${reason}.`)
    skipped.push({ line: row.line, reason })
    return false
  })
  const cells = kept.map((row) => row.cells)
  return tableOf(names, cells, { ...options, lines: kept.map((row) => row.line), skipped })
}

/**
 * The records of a large file, one after the other. Lines come from `streamLines`; quoted cells may go over several.
 *
 * @throws GliaError as `parseCsv` does; with `onRagged: 'skip'` rows of another length are passed over
 */
export async function* streamCsv(
  lines: AsyncIterable<Line>,
  options: CsvOptions = {},
): AsyncGenerator<CsvRecord, void, undefined> {
  const { name = 'The stream', onRagged = 'throw' } = options
  let names: readonly string[] | undefined
  let block: string[] = []
  let start = 1
  let quotes = 0
  const flush = async function* (): AsyncGenerator<CsvRecord> {
    let rows = await split(block.join('\n'), { ...options, name }, start)
    if (rows.length === 0) return
    if (names === undefined) {
      const first = withNames(rows, options)
      names = first.names
      rows = [...first.body]
    }
    for (const row of rows) {
      const reason = raggedness(row, names)
      if (reason !== undefined && onRagged === 'throw') throw new GliaError(`${name}, line ${row.line}: ${reason}.`)
      if (reason !== undefined) continue
      yield { cells: Object.fromEntries(names.map((column, i) => [column, row.cells[i]])), line: row.line }
    }
  }
  for await (const { text, line } of lines) {
    if (block.length === 0) start = line
    block.push(text)
    // An even number of quotes so far: no cell is open, so this is the end of a record.
    for (let i = text.indexOf('"'); i >= 0; i = text.indexOf('"', i + 1)) quotes++
    if (quotes % 2 === 1 && block.length > LONGEST) {
      throw new GliaError(`${name}: a quote opened between lines ${start} and ${line} is not closed.`)
    }
    if (block.length < 500 || quotes % 2 === 1) continue
    yield* flush()
    block = []
    quotes = 0
  }
  if (block.length > 0) yield* flush()
}

async function split(
  text: string,
  { delimiter = ',', name = 'The table' }: CsvOptions,
  firstLine: number,
): Promise<Row[]> {
  // A namespace in some environments, the thing itself in others.
  const loaded = await import('papaparse')
  const parse = (loaded.default ?? loaded).parse as (
    text: string,
    config: { delimiter: string; skipEmptyLines: false },
  ) => ParseResult<string[]>
  const { data, errors } = parse(text, { delimiter, skipEmptyLines: false })
  let line = firstLine
  const starts = data.map((cells) => {
    const at = line
    line += 1
    for (const cell of cells) line += cell.split(/\r\n|\n|\r/).length - 1
    return at
  })
  const [error] = errors.filter(({ type }) => type === 'Quotes')
  if (error) {
    const at = starts[Math.min(error.row ?? 0, starts.length - 1)] ?? firstLine
    throw new GliaError(
      `${name}, line ${at}: a quote is not closed or stands within a cell. Double a quote that belongs to the text.`,
    )
  }
  return data
    .map((cells, i) => ({ cells, line: starts[i] }))
    .filter(({ cells }) => cells.length > 1 || cells[0].trim() !== '')
}

function withNames(
  rows: readonly Row[],
  { header = true }: CsvOptions,
): { names: readonly string[]; body: readonly Row[] } {
  if (header === true) return { names: rows[0].cells.map((cell) => cell.trim()), body: rows.slice(1) }
  return { names: header || rows[0].cells.map((_, i) => `c${i}`), body: rows }
}

function raggedness({ cells }: Row, names: readonly string[]): string | undefined {
  if (cells.length === names.length) return undefined
  return `the row has ${cells.length} cells, but there are ${names.length} columns`
}
