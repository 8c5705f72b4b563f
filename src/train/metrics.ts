/** @file Metrics: what is measured beside the loss. Each is the mean over a batch; `fit` and `evaluate` weight batches by size. */

import { isFloat } from '../core/dtype.ts'
import { GliaError } from '../core/errors.ts'
import { sameShape, showShape } from '../core/shape.ts'
import type { ArrayDataset } from '../data/dataset.ts'
import type { Tensor } from '../tensor/tensor.ts'

export interface Metric {
  /** Under which the value is reported, such as `accuracy`. */
  readonly name: string
  /** The mean over the batch, one number. */
  readonly of: (output: Tensor, target: Tensor) => Tensor
}

/** Share of examples whose greatest logit is the target's class: logits `[B, C]` (or `[B, C, …]`), classes `[B, …]`. */
export const accuracy: Metric = {
  name: 'accuracy',
  of: (logits, target) => {
    const best = logits.argmax(1)
    if (isFloat(target.dtype) || !sameShape(best.shape, target.shape)) {
      throw new GliaError(
        `accuracy: needs logits [B, C, …] and class numbers [B, …]; received ${showShape(logits.shape)} and ` +
          `${target.dtype} ${showShape(target.shape)}. Name other metrics, or none: { metrics: [] }.`,
      )
    }
    return best.eq(target).float().mean()
  },
}

/** Accuracy where targets are class numbers, nothing otherwise. */
export function defaultMetrics({ y }: ArrayDataset): readonly Metric[] {
  return y.shape.length === 0 && !(y.data instanceof Float32Array) ? [accuracy] : []
}

/** Loss and metrics by name. */
export type Scores = { readonly loss: number } & { readonly [metric: string]: number }

/** Means over the batches seen, each batch counting by its size. */
export class Meter {
  readonly #names: readonly string[]
  readonly #sums: number[]
  examples = 0

  constructor(names: readonly string[]) {
    this.#names = names
    this.#sums = names.map(() => 0)
  }

  add(values: readonly number[], examples: number): void {
    this.examples += examples
    values.forEach((value, i) => {
      this.#sums[i] += value * examples
    })
  }

  scores(): Scores {
    const entries = this.#names.map((name, i) => [name, this.#sums[i] / this.examples])
    return Object.fromEntries(entries) as Scores
  }
}
