/** @file What needs no network: the figures that a trained model is to be better than, measured on the same examples. */

import type { ArrayDataset } from '../../data/dataset.ts'
import { scaleOf } from './regression.ts'

/** How well a rule without a network does. */
export interface Baseline {
  /** What it predicts. */
  readonly name: string
  /** On the test examples, named as the task's metrics are. */
  readonly scores: Readonly<Record<string, number>>
}

/** Root mean squared and mean absolute error. */
export function errorsOf(predicted: ArrayLike<number>, actual: ArrayLike<number>): { rmse: number; mae: number } {
  let [squares, sizes] = [0, 0]
  for (let i = 0; i < actual.length; i++) {
    const error = predicted[i] - actual[i]
    squares += error ** 2
    sizes += Math.abs(error)
  }
  return { rmse: Math.sqrt(squares / actual.length), mae: sizes / actual.length }
}

/** Weights of the penalty among which the validation ratings choose. */
const PENALTIES = [1, 2, 3, 4, 6, 8, 12, 16]
/** Times that all biases are solved for; the errors no longer change then. */
const ROUNDS = 15

/** How far users and items lie from the mean rating; what `x` numbers 0 has no bias. */
export interface Biases {
  readonly mean: number
  readonly users: Float64Array
  readonly items: Float64Array
}

/**
 * The biases that minimise `Σ (r − mean − bᵤ − bᵢ)² + λ (Σ bᵤ² + Σ bᵢ²)` over ratings (Koren, Bell & Volinsky 2009), solved
 * for items and users in turn.
 *
 * @param ratings `x` int32 numbers of user and item `[2]`, `y` ratings `[]`
 * @param penalty λ
 */
export function solveBiases({ x, y, length }: ArrayDataset, penalty: number): Biases {
  const { mean } = scaleOf(y.data)
  const count = (side: number): number => {
    let most = 0
    for (let i = 0; i < length; i++) most = Math.max(most, x.data[2 * i + side])
    return most + 1
  }
  const [users, items] = [new Float64Array(count(0)), new Float64Array(count(1))]
  const solve = (own: Float64Array, other: Float64Array, side: number): void => {
    const [sums, counts] = [new Float64Array(own.length), new Float64Array(own.length)]
    for (let i = 0; i < length; i++) {
      const at = x.data[2 * i + side]
      sums[at] += y.data[i] - mean - other[x.data[2 * i + 1 - side]]
      counts[at]++
    }
    for (let at = 1; at < own.length; at++) own[at] = counts[at] > 0 ? sums[at] / (counts[at] + penalty) : 0
  }
  for (let round = 0; round < ROUNDS; round++) {
    solve(items, users, 1)
    solve(users, items, 0)
  }
  return { mean, users, items }
}

/**
 * Ratings by biases alone.
 *
 * @param penalties of these, the one that does best on the validation ratings is taken
 * @returns the penalty, and what the biases come to on the test ratings
 */
export function biasBaseline(
  { train, validation, test }: Sets,
  penalties: readonly number[] = PENALTIES,
): { penalty: number; baseline: Baseline } {
  const fits = penalties.map((penalty) => {
    const biases = solveBiases(train, penalty)
    return { penalty, biases, error: errorsOf(estimates(validation, biases), validation.y.data).rmse }
  })
  const { penalty, biases } = fits.reduce((a, b) => (b.error < a.error ? b : a))
  return {
    penalty,
    baseline: { name: 'biases of users and items alone', scores: errorsOf(estimates(test, biases), test.y.data) },
  }
}

interface Sets {
  readonly train: ArrayDataset
  readonly validation: ArrayDataset
  readonly test: ArrayDataset
}

function estimates({ x, length }: ArrayDataset, { mean, users, items }: Biases): Float64Array {
  return Float64Array.from({ length }, (_, i) => mean + (users[x.data[2 * i]] ?? 0) + (items[x.data[2 * i + 1]] ?? 0))
}

/**
 * Forecasts that look at one row: the last value, and the value of a season before.
 *
 * @param values of the whole series
 * @param from first row to be forecast
 * @param count windows, each beginning a row later
 * @param season rows; without one, only the last value is a forecast
 */
export function naiveForecasts(
  values: ArrayLike<number>,
  from: number,
  count: number,
  horizon: number,
  season?: number,
): Baseline[] {
  const rows = Array.from({ length: count * horizon }, (_, i) => {
    const first = from + Math.floor(i / horizon)
    return { first, row: first + (i % horizon) }
  })
  const actual = rows.map(({ row }) => values[row])
  const last = {
    name: 'the last value',
    scores: errorsOf(
      rows.map(({ first }) => values[first - 1]),
      actual,
    ),
  }
  if (season === undefined) return [last]
  const before = rows.map(({ first, row }) => values[row - season * Math.ceil((row - first + 1) / season)])
  return [last, { name: `the value ${season} rows before`, scores: errorsOf(before, actual) }]
}
