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
  /** Applied to the mean over all batches, which is reported as it is by default: `Math.exp` makes a perplexity. */
  readonly after?: (mean: number) => number
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

/** The same for targets that come as a batch: class numbers `[B]`. */
export function defaultsOf(target: Tensor): readonly Metric[] {
  return target.rank === 1 && !isFloat(target.dtype) ? [accuracy] : []
}

/** Loss and metrics by name. */
export type Scores = { readonly loss: number } & { readonly [metric: string]: number }

/** Sums of a meter, as plain numbers. */
export interface MeterState {
  readonly sums: Readonly<Record<string, number>>
  readonly examples: number
}

/** Loss and means over the batches seen, each batch counting by its size, and metrics of all their outputs. */
export class Meter {
  readonly #sums = new Map<string, number>()
  readonly #after: ReadonlyMap<string, (mean: number) => number>
  readonly #whole: readonly { readonly name: string; readonly metric: ReturnType<EpochMetric['make']> }[]
  #seen = false
  examples = 0

  constructor(metrics: readonly (Metric | EpochMetric)[], state?: MeterState) {
    const { means, whole } = divided(metrics)
    this.#after = new Map(means.flatMap(({ name, after }) => (after ? [[name, after]] : [])))
    this.#whole = whole.map(({ name, make }) => ({ name, metric: make() }))
    if (!state) return
    this.examples = state.examples
    for (const [name, sum] of Object.entries(state.sums)) this.#sums.set(name, sum)
  }

  /** Takes the loss and the means of a batch, and its output and target if there are metrics that want to see them. */
  add(values: Readonly<Record<string, number>>, examples: number, seen: readonly Tensor[] = []): void {
    this.examples += examples
    for (const [name, value] of Object.entries(values)) {
      this.#sums.set(name, (this.#sums.get(name) ?? 0) + value * examples)
    }
    const [output, target] = seen
    if (!output || !target) return
    this.#seen = true
    for (const { metric } of this.#whole) metric.update(output, target)
  }

  /** Loss and means so far. */
  means(): Scores {
    const mean = ([name, sum]: readonly [string, number]): [string, number] => {
      const value = sum / this.examples
      return [name, this.#after.get(name)?.(value) ?? value]
    }
    return Object.fromEntries([...this.#sums].map(mean)) as Scores
  }

  /** Everything. */
  scores(): Scores {
    // A run resumed at the very end of an epoch has seen no outputs of it.
    const known = this.#seen ? this.#whole : []
    const entries = known.map(({ name, metric }) => [name, metric.compute()])
    return { ...this.means(), ...Object.fromEntries(entries) }
  }

  /** The sums; metrics of whole epochs are not among them. */
  get state(): MeterState {
    return { sums: Object.fromEntries(this.#sums), examples: this.examples }
  }
}
