/** @file Ratings as MovieLens has them: user, item, rating and time, separated by commas, tabs or `::`. */

import { GliaError } from '../../core/errors.ts'
import { type ArrayDataset, arrayDataset } from '../dataset.ts'
import { linesOf } from './text.ts'

/** Ratings, one after the other. */
export interface Ratings {
  readonly length: number
  /** Users numbered from 0 in the order of their ids. */
  readonly users: Int32Array
  /** Items numbered from 0 in the order of their ids. */
  readonly items: Int32Array
  readonly ratings: Float32Array
  /** Seconds since 1970, or NaN. */
  readonly times: Float64Array
  /** The file's id of each user number. */
  readonly userIds: readonly number[]
  /** The file's id of each item number. */
  readonly itemIds: readonly number[]
}

/**
 * Reads `ratings.csv` (with its header), `ratings.dat` or `u.data`.
 *
 * @throws GliaError, naming the line, if it is not two ids, a finite rating and possibly a time; if there are none
 */
export function parseRatings(text: string, name = 'The ratings'): Ratings {
  const rows: number[][] = []
  linesOf(text).forEach((line, i) => {
    if (line.trim() === '' || (i === 0 && /^\s*user/i.test(line))) return
    const cells = line.split(/::|\t|,/).map((cell) => (cell.trim() === '' ? Number.NaN : Number(cell)))
    const [user, item, rating, time = Number.NaN] = cells
    if (cells.length > 4 || !Number.isSafeInteger(user) || !Number.isSafeInteger(item) || !Number.isFinite(rating)) {
      throw new GliaError(
        `${name}, line ${i + 1}: ${JSON.stringify(line.slice(0, 60))} is not user, item, rating and possibly time.`,
      )
    }
    rows.push([user, item, rating, time])
  })
  if (rows.length === 0) throw new GliaError(`${name} holds no ratings.`)
  const number = (column: number): { ids: number[]; numbers: Int32Array } => {
    const ids = [...new Set(rows.map((row) => row[column]))].sort((a, b) => a - b)
    const places = new Map(ids.map((id, i) => [id, i]))
    return { ids, numbers: Int32Array.from(rows, (row) => places.get(row[column]) ?? 0) }
  }
  const [users, items] = [number(0), number(1)]
  return {
    length: rows.length,
    users: users.numbers,
    items: items.numbers,
    ratings: Float32Array.from(rows, (row) => row[2]),
    times: Float64Array.from(rows, (row) => row[3]),
    userIds: users.ids,
    itemIds: items.ids,
  }
}

/** Ratings as a data set: `x` int32 `[2]`, user and item; `y` float32 `[]`, the rating. */
export function ratingsDataset({ length, users, items, ratings }: Ratings): ArrayDataset {
  const x = new Int32Array(2 * length)
  for (let i = 0; i < length; i++) x.set([users[i], items[i]], 2 * i)
  return arrayDataset({ x: { data: x, shape: [2] }, y: { data: ratings, shape: [] } })
}
