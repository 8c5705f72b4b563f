/**
 * @file Metrics: what is measured beside the loss. Most are means over a batch, which `fit` and `evaluate` weight by the
 * batch's size; those that are no mean (F1, AUC …) are kept up over the epoch by a metric of `glia/metrics`.
 */

import { isFloat } from '../core/dtype.ts'
import { GliaError } from '../core/errors.ts'
import { sameShape, showShape } from '../core/shape.ts'
import type { ArrayDataset } from '../data/dataset.ts'
import type { StreamingMetric } from '../metrics/metric.ts'
import type { Tensor } from '../tensor/tensor.ts'

export interface Metric {
  /** Under which the value is reported, such as `accuracy`. */
  readonly name: string
  /** The mean over the batch, one number. */
  readonly of: (output: Tensor, target: Tensor) => Tensor
}

/** What is no mean over batches: a metric that sees every output and target of an epoch. */
export interface EpochMetric {
  /** Under which the value is reported, such as `f1`. */
  readonly name: string
  /** Makes a metric that has seen nothing. */
  readonly make: () => StreamingMetric<readonly [output: Tensor, target: Tensor], number>
}

/**
 * A metric of `glia/metrics` for `fit` and `evaluate`: `overEpoch('f1', () => new F1(10))`. Outputs and targets leave the
 * compiled step for it; its value is reported once an epoch is over.
 */
export function overEpoch(name: string, make: EpochMetric['make']): EpochMetric {
  return { name, make }
}

/** The metrics that are means over batches, and those that see the whole epoch. */
export function divided(metrics: readonly (Metric | EpochMetric)[]): {
  readonly means: readonly Metric[]
  readonly whole: readonly EpochMetric[]
} {
  return {
    means: metrics.flatMap((m) => ('of' in m ? [m] : [])),
    whole: metrics.flatMap((m) => ('make' in m ? [m] : [])),
  }
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

/** Loss and means over the batches seen, each batch counting by its size, and metrics of all their outputs. */
export class Meter {
  readonly #names: readonly string[]
  readonly #sums: number[]
  readonly #whole: readonly { readonly name: string; readonly metric: ReturnType<EpochMetric['make']> }[]
  examples = 0

  constructor(metrics: readonly (Metric | EpochMetric)[]) {
    const { means, whole } = divided(metrics)
    this.#names = ['loss', ...means.map((m) => m.name)]
    this.#sums = this.#names.map(() => 0)
    this.#whole = whole.map(({ name, make }) => ({ name, metric: make() }))
  }

  /** Takes the loss and the means of a batch, and its output and target if there are metrics that want to see them. */
  add(values: readonly number[], examples: number, seen: readonly Tensor[] = []): void {
    this.examples += examples
    values.forEach((value, i) => {
      this.#sums[i] += value * examples
    })
    const [output, target] = seen
    if (output && target) for (const { metric } of this.#whole) metric.update(output, target)
  }

  /** Loss and means so far. */
  means(): Scores {
    const entries = this.#names.map((name, i) => [name, this.#sums[i] / this.examples])
    return Object.fromEntries(entries) as Scores
  }

  /** Everything. */
  scores(): Scores {
    const entries = this.#whole.map(({ name, metric }) => [name, metric.compute()])
    return { ...this.means(), ...Object.fromEntries(entries) }
  }
}
