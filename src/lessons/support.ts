/** @file Small things that several lessons need. */
import { type Tensor, tensor } from '../tensor/index.ts'

export type Interval = readonly [from: number, to: number]

/** A number as a slide prints it: so many decimals, and no minus before a zero. */
export function printed(value: number, decimals: number): string {
  const text = value.toFixed(decimals)
  return Number(text) === 0 ? text.replace('-', '') : text
}

/** `count` numbers from `from` to `to`, both included. */
export function steps([from, to]: Interval, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + ((to - from) * i) / (count - 1))
}

/** Centres of the cells of an n × n grid over the area, `[n², 2]`, from the lower left, row by row: what `Heat` takes. */
export function gridOf(x: Interval, y: Interval, n: number): Tensor {
  const centre = ([from, to]: Interval, i: number): number => from + ((to - from) * (i + 0.5)) / n
  return tensor(Array.from({ length: n * n }, (_, k) => [centre(x, k % n), centre(y, Math.floor(k / n))]))
}

/** The values of a tensor in rows of `n`. */
export function rowsOf(values: Tensor, n: number): number[][] {
  const flat = Array.from(values.dataSync())
  return Array.from({ length: flat.length / n }, (_, j) => flat.slice(j * n, (j + 1) * n))
}

/** The values of a tensor as plain numbers. */
export function numbers(values: Tensor): number[] {
  return Array.from(values.dataSync())
}

/** Entries of a list at which `keep` holds for the label of the same place. */
export function pick<T>(list: ArrayLike<T>, labels: ArrayLike<number>, label: number): T[] {
  return Array.from(list).filter((_, i) => labels[i] === label)
}

/** Arithmetic mean. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, v) => sum + v, 0) / values.length
}
