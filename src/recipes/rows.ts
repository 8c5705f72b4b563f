/** @file Rows of users' tables as objects, for programs that predict with a trained model. */

import { GliaError } from '../core/errors.ts'
import { classColumns } from './files/classes.ts'
import type { Table } from './files/table.ts'

/** A cell that a program gives: a number, a text as it would stand in a file, or a gap. */
export type Cell = string | number | null

/**
 * Rows as `readTable` would have read them: numbers as texts, gaps as empty ones. Rows are numbered from 1 in messages.
 *
 * @param columns those that are taken
 * @throws GliaError if a row lacks one
 */
export function cellTable<C extends string>(
  columns: readonly C[],
  rows: readonly { readonly [column in C]: Cell }[],
): Table {
  const cells = rows.map((row, i) =>
    columns.map((column) => {
      const cell: Cell | undefined = row[column]
      if (cell === undefined) throw new GliaError(`Row ${i + 1} lacks ${JSON.stringify(column)}.`)
      return cell === null ? '' : String(cell)
    }),
  )
  return { name: 'The rows', columns, rows: cells, lines: Int32Array.from(rows, (_, i) => i + 1), header: true }
}

/**
 * Some columns of a table, row by row.
 *
 * @throws GliaError if it lacks one
 */
export function tableCells<C extends string>(table: Table, columns: readonly C[]): Record<C, string>[] {
  const absent = columns.filter((column) => !table.columns.includes(column))
  if (absent.length > 0) {
    throw new GliaError(`${table.name} lacks ${absent.join(', ')}, which the model was trained with.`)
  }
  const places = columns.map((column) => [column, table.columns.indexOf(column)] as const)
  return table.rows.map((row) => {
    const cells = places.map(([column, place]) => [column, row[place]] as const)
    return Object.fromEntries(cells) as Record<C, string>
  })
}

/** The likeliest class, and its probability to four places, of each row of logits `[N, classes]`, row-major. */
export function likeliest<C extends string>(
  logits: ArrayLike<number>,
  classes: readonly C[],
): { readonly class: C; readonly probability: number }[] {
  const { 'predicted class': names, probability } = classColumns(logits, classes, 'class')
  return names.map((name, i) => ({ class: name as C, probability: Number(probability[i]) }))
}
