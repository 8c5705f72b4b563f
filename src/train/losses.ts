/** @file Several losses in one, and classes that count as much as each other. */

import { GliaError } from '../core/errors.ts'
import type { ArrayDataset } from '../data/dataset.ts'
import { tensor } from '../tensor/factories.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { Loss } from './evaluate.ts'
import type { Metric } from './metrics.ts'

/** One of several losses. */
export interface Term {
  /** Under which its value is reported. */
  readonly name: string
  readonly of: Loss
  /** Factor in the sum (default 1). */
  readonly weight?: number
}

/** Several losses as one, `Σ weight · of`, and metrics that report each by itself: `fit(…, { loss, metrics: [...terms] })`. */
export function combine(terms: readonly Term[]): { readonly loss: Loss; readonly metrics: readonly Metric[] } {
  if (terms.length === 0) throw new GliaError('combine: received no losses; pass at least one { name, of }.')
  const loss: Loss = (output, target) =>
    terms.map(({ of, weight = 1 }) => of(output, target).mul(weight)).reduce((a, b) => a.add(b))
  return { loss, metrics: terms.map(({ name, of }) => ({ name, of })) }
}

/**
 * Weights of classes for losses that take them, such as `crossEntropy(o, y, { weight })`: `n / (classes · count)`, so that
 * every class counts as much as any other, and examples 1 on average. float32 `[classes]`.
 *
 * @param classes how many there are (default: those that the data set names, or that occur)
 * @throws GliaError if targets are no class numbers, or a class does not occur
 */
export function classWeights({ length, y, classes: names }: ArrayDataset, classes?: number): Tensor {
  if (y.shape.length > 0 || y.data instanceof Float32Array) {
    throw new GliaError('classWeights: the targets are no class numbers; it needs one whole number per example.')
  }
  const n = classes ?? names?.length ?? [...new Set(y.data)].reduce((most, c) => Math.max(most, c + 1), 0)
  const counts = new Array<number>(n).fill(0)
  for (const c of y.data) {
    if (c < 0 || c >= n)
      throw new GliaError(`classWeights: received the class number ${c}; they go from 0 to ${n - 1}.`)
    counts[c]++
  }
  const missing = counts.indexOf(0)
  if (missing >= 0) {
    throw new GliaError(
      `classWeights: no example is of class ${missing}, which would weigh infinitely. Leave the class out, or add examples.`,
    )
  }
  return tensor(Float32Array.from(counts, (count) => length / (n * count)))
}
