/** @file Pictures of predictions on the test set: the confusion of classes, numbers against the truth, a series and its forecast. */

import type { ArrayDataset } from '../../data/dataset.ts'
import type { Chart, Figure, Mark, Matrix, Numbers } from '../../lessons/figure.ts'

/** Side of a cell by the number of classes: as large as goes on a page. */
const CELLS = { most: 44, least: 4, page: 900 }
/** Cells that are smaller hold no legible number. */
const LEGIBLE = 20

/** Rows are what the examples are, columns what they were taken for; colour tells the share of the row. */
export function confusionFigure(matrix: readonly (readonly number[])[], classes: readonly string[]): Figure {
  const side = Math.max(CELLS.least, Math.min(CELLS.most, Math.floor(CELLS.page / classes.length)))
  // Rare mistakes would hardly be seen: roots of shares spread them.
  const entries = matrix.map((row) => {
    const total = row.reduce((a, b) => a + b, 0)
    return row.map((n) => (total === 0 ? 0 : Math.sqrt(n / total)))
  })
  const texts = matrix.map((row) => row.map((n) => (n === 0 || side < LEGIBLE ? '' : String(n))))
  const right = matrix.reduce((sum, row, i) => sum + row[i], 0)
  const all = matrix.reduce((sum, row) => sum + row.reduce((a, b) => a + b, 0), 0)
  const part: Matrix = {
    title: `Test examples by class: ${right.toLocaleString('en-US')} of ${all.toLocaleString('en-US')} right`,
    entries,
    texts,
    side,
    rows: { title: 'true class', names: classes },
    columns: { title: 'taken for', names: classes },
  }
  return { parts: [part] }
}

/** More points than this hide each other: their density is drawn instead. */
const MOST_POINTS = 1000
const BINS = 48

/** Predicted against true values, and what is left over against what was predicted. */
export function numbersFigure(actual: Numbers, predicted: Numbers): Figure {
  const [low, high] = extent([actual, predicted])
  const left = Array.from(actual, (value, i) => value - predicted[i])
  const error = Math.sqrt(left.reduce((sum, e) => sum + e * e, 0) / left.length)
  const side = { width: 340, height: 340 }
  const truth: Chart = {
    title: 'Predicted and true values of the test examples',
    x: { title: 'true' },
    y: { title: 'predicted' },
    ...side,
    marks: [
      cloud({ x: actual, y: predicted }, [low, high], [low, high]),
      { mark: 'line', name: 'if exact', x: [low, high], y: [low, high], dashed: true },
    ],
  }
  const reach = Math.max(...left.map(Math.abs))
  const span = extent([predicted])
  const rest: Chart = {
    title: `Left over: true − predicted, root mean square ${Number(error.toPrecision(4))}`,
    x: { title: 'predicted' },
    y: { title: 'true − predicted' },
    ...side,
    marks: [
      cloud({ x: predicted, y: left }, span, [-reach, reach]),
      { mark: 'line', name: 'if exact', x: span, y: [0, 0], dashed: true },
    ],
  }
  return { parts: [truth, rest] }
}

function extent(all: readonly Numbers[]): [low: number, high: number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const values of all) {
    for (let i = 0; i < values.length; i++) {
      low = Math.min(low, values[i])
      high = Math.max(high, values[i])
    }
  }
  return low < high ? [low, high] : [low - 1, high + 1]
}

/** Few points as points, many as how many there are in each small square. */
function cloud(
  { x, y }: { x: Numbers; y: Numbers },
  across: readonly [number, number],
  up: readonly [number, number],
): Mark {
  if (x.length <= MOST_POINTS) return { mark: 'points', name: 'test examples', x, y, size: 26 }
  const rows = Array.from({ length: BINS }, () => new Array<number>(BINS).fill(0))
  const bin = (value: number, [low, high]: readonly [number, number]): number =>
    Math.min(BINS - 1, Math.floor((BINS * (value - low)) / (high - low)))
  for (let i = 0; i < x.length; i++) rows[bin(y[i], up)][bin(x[i], across)]++
  // From none, which stays white, to many: magnitudes, since a few squares hold most of them.
  return { mark: 'heat', x: across, y: up, rows: rows.map((row) => row.map((n) => -Math.log1p(n))) }
}

/** Rows of a series that are shown. */
const SHOWN = 240

/**
 * The last rows of a series, and what was forecast for each of them from the rows before; and how far forecasts of more
 * rows are from the truth.
 *
 * @param data windows in order, each one row further; `y` `[horizon]`
 */
export function forecastFigure({ y, length, origins }: ArrayDataset, predicted: Numbers): Figure {
  const [horizon = 1] = y.shape
  const first = origins?.[0]
  const row = (i: number, ahead: number): number => (typeof first === 'number' ? first : 1) + i + ahead
  // Windows that follow each other without overlap, up to the last.
  const from = Math.max(0, length - 1 - (Math.ceil(SHOWN / horizon) - 1) * horizon)
  const starts = Array.from({ length: length - from }, (_, k) => from + k).filter(
    (i) => (length - 1 - i) % horizon === 0,
  )
  const ahead = Array.from({ length: horizon }, (_, k) => k)
  const line = (name: string, values: Numbers, windows: readonly number[]): Mark => {
    const points = windows.flatMap((i) => ahead.map((k) => [i, k] as const))
    return {
      mark: 'line',
      name,
      x: points.map(([i, k]) => row(i, k)),
      y: points.map(([i, k]) => values[i * horizon + k]),
    }
  }
  // Forecasts of several rows begin anew each time.
  const forecasts = horizon === 1 ? [starts] : starts.map((i) => [i])
  const series: Chart = {
    title:
      horizon === 1
        ? 'The last test rows, each forecast from those before'
        : `The last test rows, forecast ${horizon} at a time`,
    x: { title: typeof first === 'number' ? 'line of the file' : 'row of the test set' },
    y: { title: 'value' },
    width: 820,
    marks: [line('true', y.data, starts), ...forecasts.map((windows) => line('forecast', predicted, windows))],
  }
  if (horizon === 1) return { parts: [series] }
  const errors = ahead.map((k) => {
    let sum = 0
    for (let i = 0; i < length; i++) sum += Math.abs(predicted[i * horizon + k] - y.data[i * horizon + k])
    return sum / length
  })
  const growth: Chart = {
    title: 'Mean absolute error by rows ahead',
    x: { title: 'rows ahead' },
    y: { title: 'error' },
    width: 820,
    height: 160,
    marks: [{ mark: 'bars', labels: ahead.map((k) => String(k + 1)), values: errors }],
  }
  return { parts: [series, growth], columns: 1 }
}
