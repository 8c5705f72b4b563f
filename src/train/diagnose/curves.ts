/** @file Loss curves as numbers: levels, trends and unrest. */

/** Mean of each value and its neighbours, which takes the edge off chance. */
export function smooth(values: readonly number[]): number[] {
  return values.map((_, i) => mean(values.slice(Math.max(0, i - 1), i + 2)))
}

export function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length
}

export function median(values: readonly number[]): number {
  if (values.length === 0) return 0
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** How far values typically lie from the middle of their neighbours: 0 for straight lines, little for smooth curves. */
export function unrest(values: readonly number[]): number {
  return median(values.slice(1, -1).map((v, i) => Math.abs(v - (values[i] + values[i + 2]) / 2)))
}

/** The values, of which the one farthest from the middle of its neighbours lies there. */
export function withoutSpike(values: readonly number[]): number[] {
  const middles = values.map((v, i) => (i > 0 && i < values.length - 1 ? (values[i - 1] + values[i + 1]) / 2 : v))
  const distances = values.map((v, i) => Math.abs(v - middles[i]))
  const at = distances.indexOf(Math.max(...distances))
  return values.map((v, i) => (i === at ? middles[i] : v))
}

/** By how much the straight line through the last `count` values falls (least squares); negative where it rises. */
export function fall(values: readonly number[], count: number): number {
  const last = values.slice(-count)
  const n = last.length
  if (n < 2) return 0
  const [middle, level] = [(n - 1) / 2, mean(last)]
  let [covariance, variance] = [0, 0]
  last.forEach((v, i) => {
    covariance += (i - middle) * (v - level)
    variance += (i - middle) ** 2
  })
  return (-covariance / variance) * (n - 1)
}

/** Position of the least value. */
export function least(values: readonly number[]): number {
  return values.indexOf(Math.min(...values))
}

/** `0.0421`, `12.3`, `1.5e-7`. */
export function figure(value: number): string {
  return String(Number(value.toPrecision(3)))
}
