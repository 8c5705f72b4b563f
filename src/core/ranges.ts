/** @file Checks of numbers that users give as options. */
import { GliaError } from './errors.ts'

export interface NumberRange {
  /** At least this. */
  readonly min?: number
  /** At most this. */
  readonly max?: number
  /** More than this. */
  readonly above?: number
  /** Less than this. */
  readonly below?: number
  /** Whole numbers only. */
  readonly whole?: boolean
}

/** @throws GliaError unless `value` is a finite number in the range */
export function checkNumber(operation: string, name: string, value: number, range: NumberRange = {}): void {
  const { min = -Infinity, max = Infinity, above = -Infinity, below = Infinity, whole = false } = range
  const fits = Number.isFinite(value) && value >= min && value <= max && value > above && value < below
  if (fits && (!whole || Number.isInteger(value))) return
  const rules = [
    min > -Infinity ? `at least ${min}` : '',
    above > -Infinity ? (above === 0 ? 'positive' : `above ${above}`) : '',
    max < Infinity ? `at most ${max}` : '',
    below < Infinity ? `below ${below}` : '',
  ].filter((rule) => rule !== '')
  if (rules.length === 0 || !Number.isFinite(value)) rules.unshift(whole ? 'a whole number' : 'a finite number')
  else if (whole) rules.unshift('a whole number')
  throw new GliaError(`${operation}: ${name} must be ${rules.join(', ')}; received ${value}.`)
}
