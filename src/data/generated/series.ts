/** @file Time series with trend, seasons and noise, and the windows that forecasting learns from. */

import { GliaError } from '../../core/errors.ts'
import { type ArrayDataset, arrayDataset } from '../dataset.ts'
import { Random } from '../random.ts'
import { checkCount } from './points.ts'

export interface SeriesOptions {
  /** Number of values, 1,000 by default. */
  readonly length?: number
  /** Rise per step, 0.002 by default. */
  readonly trend?: number
  /** Sine waves: steps per period, and height; by default a week in days and a longer wave. */
  readonly seasons?: readonly { readonly period: number; readonly amplitude: number }[]
  /** Standard deviation of the noise, 0.1 by default. */
  readonly noise?: number
  /** Part of the last step's noise that stays, 0.5 by default. */
  readonly memory?: number
  /** 0 by default. */
  readonly seed?: number
}

/**
 * `trend · t + Σ amplitude · sin(2π t / period) + e(t)` with `e(t) = memory · e(t − 1) + noise`.
 *
 * @throws GliaError if a period is not above 0, or `memory` not between 0 and 1
 */
export function timeSeries(options: SeriesOptions = {}): Float32Array {
  const { length = 1000, trend = 0.002, noise = 0.1, memory = 0.5, seed = 0 } = options
  const seasons = options.seasons ?? [
    { period: 7, amplitude: 0.5 },
    { period: 90, amplitude: 1 },
  ]
  checkCount('timeSeries', 'length', length)
  const wrong = seasons.find(({ period }) => !(period > 0))
  if (wrong) throw new GliaError(`timeSeries: a period must be above 0; received ${wrong.period}.`)
  if (!(memory >= 0 && memory < 1)) throw new GliaError(`timeSeries: memory must lie in [0, 1); received ${memory}.`)
  const random = new Random(seed)
  let rest = 0
  return Float32Array.from({ length }, (_, t) => {
    rest = memory * rest + noise * random.bell()
    return seasons.reduce(
      (sum, { period, amplitude }) => sum + amplitude * Math.sin((2 * Math.PI * t) / period),
      trend * t + rest,
    )
  })
}

/**
 * Every window of a series and what comes after it. To keep the future out of training, cut the series first.
 *
 * @param window values that the model sees
 * @param horizon values that it foretells, 1 by default
 * @returns `x` float32 `[window, 1]`, `y` float32 `[horizon]`
 * @throws GliaError if the series is too short or holds a value that is not finite, naming its place
 */
export function forecasting(series: ArrayLike<number>, window: number, horizon = 1): ArrayDataset {
  checkCount('forecasting', 'window', window)
  checkCount('forecasting', 'horizon', horizon)
  const count = series.length - window - horizon + 1
  if (count < 1) {
    throw new GliaError(`forecasting: ${series.length} values hold no window of ${window} and the ${horizon} after it.`)
  }
  const values = Float32Array.from(series)
  const wrong = values.findIndex((value) => !Number.isFinite(value))
  if (wrong >= 0)
    throw new GliaError(`forecasting: value ${wrong} of the series is ${values[wrong]}; fill or remove gaps first.`)
  const x = new Float32Array(count * window)
  const y = new Float32Array(count * horizon)
  for (let i = 0; i < count; i++) {
    x.set(values.subarray(i, i + window), i * window)
    y.set(values.subarray(i + window, i + window + horizon), i * horizon)
  }
  return arrayDataset({ x: { data: x, shape: [window, 1] }, y: { data: y, shape: [horizon] } })
}
