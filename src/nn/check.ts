/** @file Checks of the numbers that layers are made with. */
import { GliaError } from '../core/errors.ts'

/** @throws GliaError unless every value is a whole number of at least `least` (default 1) */
export function checkCounts(operation: string, values: Readonly<Record<string, number>>, least = 1): void {
  for (const [name, value] of Object.entries(values)) {
    if (!Number.isInteger(value) || value < least) {
      throw new GliaError(`${operation}: ${name} must be a whole number of at least ${least}; received ${value}.`)
    }
  }
}

/** @throws GliaError unless `p` is a probability */
export function checkProbability(operation: string, p: number): void {
  if (!(p >= 0 && p <= 1)) throw new GliaError(`${operation}: dropout must lie in [0, 1]; received ${p}.`)
}

/** @throws GliaError unless `eps`, which is added to what is divided by, is a number of at least 0 */
export function checkEps(operation: string, eps: number): void {
  if (!(eps >= 0 && eps < Infinity)) throw new GliaError(`${operation}: eps must be at least 0; received ${eps}.`)
}
