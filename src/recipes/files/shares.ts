/** @file Which examples train, which stop the training, and which measure the trained model. */

import { GliaError } from '../../core/errors.ts'
import { permutation } from '../../data/random.ts'
import { kFoldIndices, splitIndices } from '../../data/split.ts'
import { cellsOf, columnIndex, type Table } from './table.ts'
import type { Choice, FileOptions } from './task.ts'

/** Indices of examples. */
export interface Shares {
  readonly train: Int32Array
  readonly validation: Int32Array
  readonly test: Int32Array
  readonly choice: Choice
}

const WORDS: Readonly<Record<string, 'train' | 'validation' | 'test'>> = {
  train: 'train',
  training: 'train',
  val: 'validation',
  valid: 'validation',
  validation: 'validation',
  dev: 'validation',
  test: 'test',
  testing: 'test',
}

/**
 * At random, or as a column of the table says; a column that names no validation rows lends them from training.
 *
 * @param labels class of each example: every share gets its part of every class
 * @throws GliaError if a share would be empty, or the column says something else
 */
export function shareOut(table: Table, options: FileOptions, labels?: ArrayLike<number>): Shares {
  const { seed = 0, validation = 0.1 } = options
  checkShares(options)
  if (options.splitColumn === undefined || options.fold) return atRandom(table.rows.length, options, labels, table.name)
  const index = columnIndex(table, options.splitColumn, '--split-column')
  const rows = { train: [] as number[], validation: [] as number[], test: [] as number[] }
  cellsOf(table, index).forEach((cell, i) => {
    const share = WORDS[cell.trim().toLowerCase()]
    if (share) rows[share].push(i)
    else {
      throw new GliaError(
        `--split-column: ${table.name} says ${JSON.stringify(cell)} in line ${table.lines[i]}; ` +
          'known are train, validation and test.',
      )
    }
  })
  let from = `column ${table.columns[index]}`
  if (rows.validation.length === 0) {
    const order = permutation(rows.train.length, seed)
    const count = Math.round(validation * rows.train.length)
    const { train } = rows
    rows.validation = Array.from(order.subarray(0, count), (i) => train[i])
    rows.train = Array.from(order.subarray(count), (i) => train[i])
    from += `, ${percent(validation)} of train for validation, seed ${seed}`
  }
  if (rows.test.length === 0) throw new GliaError(`--split-column: no row of ${table.name} says test.`)
  const [train, val, test] = [rows.train, rows.validation, rows.test].map((list) => Int32Array.from(list))
  return named(table.name, train, val, test, from)
}

/** Shares of `count` examples at random. */
export function atRandom(
  count: number,
  options: FileOptions,
  labels?: ArrayLike<number>,
  name: string = 'The data',
): Shares {
  const { seed = 0, validation = 0.1, test = 0.1 } = options
  if (options.fold) {
    const [part, folds] = options.fold
    const own = { seed, ...(labels ? { labels } : {}) }
    const { train: rest, validation: held } = kFoldIndices(count, folds, own)[part]
    const strata = labels ? { labels: rest.map((i) => labels[i]) } : {}
    const parts = splitIndices(rest.length, [1 - validation, validation], { seed, ...strata })
    const [train, stop] = parts.map((list) => list.map((i) => rest[i]))
    return named(name, train, stop, held, `part ${part + 1} of ${folds}, seed ${seed}`)
  }
  const fractions = [1 - validation - test, validation, test]
  const parts = splitIndices(count, fractions, { seed, ...(labels ? { labels } : {}) })
  const how = `at random, seed ${seed}${labels ? ', each with its part of every class' : ''}`
  return named(name, parts[0], parts[1], parts[2], how)
}

/** Shares of `count` examples in their order: the first train, the last test. */
export function inOrder(count: number, options: FileOptions, name: string = 'The data'): Shares {
  const { validation = 0.1, test = 0.1 } = options
  checkShares(options)
  const [a, b, c] = splitIndices(count, [1 - validation - test, validation, test])
  return named(name, a, b, c, 'in order: the first train, the last test')
}

/** @throws GliaError unless something is left to train on */
export function checkShares({ validation = 0.1, test = 0.1 }: FileOptions): void {
  if (validation > 0 && test > 0 && validation + test < 1) return
  throw new GliaError(
    `--validation and --test must be greater than 0 and leave something to train on; received ${validation} and ${test}.`,
  )
}

function named(name: string, train: Int32Array, validation: Int32Array, test: Int32Array, how: string): Shares {
  for (const [share, { length }] of Object.entries({ train, validation, test })) {
    if (length > 0) continue
    const all = train.length + validation.length + test.length
    throw new GliaError(
      `${name}: of ${all} examples none is left for ${share}; there must be more of them, or other shares.`,
    )
  }
  const count = (n: number): string => n.toLocaleString('en-US')
  const sizes = `${count(train.length)} training, ${count(validation.length)} validation, ${count(test.length)} test`
  return { train, validation, test, choice: ['split', `${sizes} (${how})`] }
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`
}
