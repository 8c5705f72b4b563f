/** @file What recipes that tell classes apart share. */

import { GliaError } from '../../core/errors.ts'
import { cellsOf, type Table } from './table.ts'

/** Beyond this many, a column is surely something else. */
const MOST = 1000

/**
 * The different values of a column, in order.
 *
 * @throws GliaError unless there are from 2 to 1000
 */
export function classNames(table: Table, index: number): string[] {
  const names = [...new Set(cellsOf(table, index).map((cell) => cell.trim()))].sort((a, b) =>
    a.localeCompare(b, 'en', { numeric: true }),
  )
  const column = `${table.name}: the column ${table.columns[index]}`
  if (names.includes('')) {
    const row = cellsOf(table, index).findIndex((cell) => cell.trim() === '')
    throw new GliaError(`${column} is empty in line ${table.lines[row]}; leave out rows without a class.`)
  }
  if (names.length < 2)
    throw new GliaError(`${column} holds one class only, ${names[0]}; there is nothing to tell apart.`)
  if (names.length > MOST)
    throw new GliaError(`${column} holds ${names.length} classes; at most ${MOST} can be learned.`)
  return names
}

/** Class numbers of all rows. @throws GliaError naming the first row of an unknown class */
export function classNumbers(table: Table, index: number, classes: readonly string[]): Int32Array {
  const numbers = new Map(classes.map((name, i) => [name, i]))
  return Int32Array.from(cellsOf(table, index), (cell, i) => {
    const number = numbers.get(cell.trim())
    if (number !== undefined) return number
    throw new GliaError(
      `${table.name}, line ${table.lines[i]}: the class ${JSON.stringify(cell)} is none of those learned: ` +
        `${classes.slice(0, 10).join(', ')}${classes.length > 10 ? ' …' : ''}.`,
    )
  })
}

/** Predicted classes and their probabilities, as columns of a table. */
export function classColumns(
  logits: ArrayLike<number>,
  classes: readonly string[],
  target: string,
): Record<string, (string | number)[]> {
  const count = logits.length / classes.length
  const best = Array.from({ length: count }, (_, i) => mostLikely(logits, i * classes.length, classes.length))
  return {
    [`predicted ${target}`]: best.map(({ index }) => classes[index]),
    probability: best.map(({ probability }) => Number(probability.toFixed(4))),
  }
}

function mostLikely(logits: ArrayLike<number>, start: number, count: number): { index: number; probability: number } {
  let best = 0
  for (let c = 1; c < count; c++) if (logits[start + c] > logits[start + best]) best = c
  // 1 / Σ e^(x − max): the softmax of the greatest.
  let sum = 0
  for (let c = 0; c < count; c++) sum += Math.exp(logits[start + c] - logits[start + best])
  return { index: best, probability: 1 / sum }
}
