/** @file Which columns of a user's table are learnt from, and as what: decided from the training rows. */

import { GliaError } from '../../core/errors.ts'
import type { Table as ColumnTable } from '../../data/table.ts'
import { TableEncoder } from '../../data/transforms/table.ts'
import { cellsOf, isMissing, numberIn, type Table, typedColumns } from './table.ts'
import type { Choice } from './task.ts'

/** Share of the cells present that must be numbers; the others count as missing. */
const NUMERIC = 0.95
/** Categories beyond this many are told apart from each other no more. */
const MAX_CATEGORIES = 50
/** Values seen once teach nothing that holds for other rows. */
const RARE = 2

/** What columns become, and how that was decided. */
export interface Columns {
  readonly encoder: TableEncoder
  readonly choices: readonly Choice[]
}

/**
 * Decides how each column becomes numbers: columns of which nearly all cells are numbers are numbers, all others
 * categories; `TableEncoder` does the rest.
 *
 * @param train training rows
 * @param skip columns to leave out, by index
 * @param logarithms whether skewed numbers are replaced by their logarithms
 * @throws GliaError if no column is left
 */
export function fitColumns(
  table: Table,
  train: ArrayLike<number>,
  skip: ReadonlySet<number>,
  logarithms = true,
): Columns {
  const types: Record<string, 'number' | 'category'> = {}
  const odd: Choice[] = []
  table.columns.forEach((name, index) => {
    if (skip.has(index)) return
    const all = cellsOf(table, index)
    const present = Array.from(train, (row) => all[row]).filter((cell) => !isMissing(cell))
    const strange = present.filter((cell) => Number.isNaN(numberIn(cell))).length
    types[name] = present.length - strange >= NUMERIC * present.length ? 'number' : 'category'
    const missing = train.length - present.length
    const cells = [
      ...(missing > 0 ? [`${missing} empty`] : []),
      ...(types[name] === 'number' && strange > 0 ? [`${strange} that are no numbers`] : []),
    ]
    if (cells.length > 0) odd.push(['missing', `${name}: of ${train.length} training cells ${cells.join(', ')}`])
  })
  if (Object.keys(types).length === 0) throw new GliaError(`${table.name} has no column to predict from.`)
  const rows = { ...table, rows: Array.from(train, (row) => table.rows[row]), lines: linesOf(table, train) }
  const encoder = TableEncoder.fit(typedColumns(rows, types), {
    indicators: true,
    logarithms,
    rare: RARE,
    maxCategories: MAX_CATEGORIES,
  })
  const named = (kind: string): string =>
    encoder.columns.flatMap((column) => (column.kind === kind ? [column.column] : [])).join(', ')
  const choices: Choice[] = [
    ['numbers', named('number')],
    ['logarithms', named('logarithm')],
    ['categories', named('category')],
    ...odd,
    ...encoder.ignored.map(({ column, reason }) => ['ignored', `${column}: ${reason}`] as const),
  ]
  return { encoder, choices: choices.filter(([, value]) => value !== '') }
}

function linesOf(table: Table, rows: ArrayLike<number>): Int32Array {
  return Int32Array.from(rows, (row) => table.lines[row])
}

/** The columns that an encoder looks at, of all rows. @throws GliaError if the table lacks one */
export function encodable(table: Table, encoder: TableEncoder): ColumnTable {
  const types = encoder.columns.map(({ column, kind }) => [column, kind === 'category' ? kind : 'number'] as const)
  return typedColumns(table, Object.fromEntries(types))
}
