/** @file After how many rows a series repeats itself. */

/** Seasons are looked for up to so many rows, and up to a third of the series. */
const LONGEST = 400
/** Correlation with itself a season before, at least. */
const LEAST = 0.3
/** A season's multiples are as good as the season; the first within this much of the best is taken. */
const CLOSE = 0.9
/** Peaks up to so many times as far as the first belong to it. */
const WIDE = 1.25

/**
 * The lag of the first among the highest peaks of the autocorrelation, once a straight line is taken away; undefined if
 * there is no peak, or none that says much.
 */
export function seasonOf(values: ArrayLike<number>): number | undefined {
  const rest = withoutTrend(values)
  const n = rest.length
  const variance = rest.reduce((sum, value) => sum + value * value, 0) / n
  const longest = Math.min(LONGEST, Math.floor(n / 3))
  if (!(variance > 0)) return undefined
  // Divided by the number of products, not by n: longer lags are not put at a disadvantage.
  const correlation = Array.from({ length: longest + 2 }, (_, lag) => {
    let sum = 0
    for (let i = lag; i < n; i++) sum += rest[i] * rest[i - lag]
    return sum / (n - lag) / variance
  })
  const peaks: number[] = []
  for (let lag = 2; lag <= longest; lag++) {
    const at = correlation[lag]
    if (at >= LEAST && at > correlation[lag - 1] && at >= correlation[lag + 1]) peaks.push(lag)
  }
  const highest = (lags: readonly number[]): number => Math.max(...lags.map((lag) => correlation[lag]))
  const first = peaks.find((lag) => correlation[lag] >= CLOSE * highest(peaks))
  if (first === undefined) return undefined
  // Noise makes several peaks of a wide one.
  const about = peaks.filter((lag) => lag >= first && lag <= WIDE * first)
  return about.find((lag) => correlation[lag] === highest(about))
}

/** What is left over of values when the straight line nearest to them is taken away. */
function withoutTrend(values: ArrayLike<number>): Float64Array {
  const n = values.length
  const middle = (n - 1) / 2
  const own = Float64Array.from(values)
  const mean = own.reduce((sum, value) => sum + value, 0) / n
  const rise = own.reduce((sum, value, t) => sum + (t - middle) * (value - mean), 0)
  const slope = rise / own.reduce((sum, _, t) => sum + (t - middle) ** 2, 0)
  return own.map((value, t) => value - mean - slope * (t - middle))
}
