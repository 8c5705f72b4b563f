/** @file How well scores rank the positive examples before the others. */
import { GliaError } from '../core/errors.ts'
import { checkSeen, readPair, StreamingMetric, type Values } from './metric.ts'

/** Counts above a threshold: how many positives and how many others have at least that score. */
interface Step {
  readonly threshold: number
  readonly hits: number
  readonly extra: number
}

/** One step per distinct score, from the greatest down. */
function stepsOf(scores: readonly number[], labels: readonly number[]): Step[] {
  const order = scores.map((_, i) => i).sort((a, b) => scores[b] - scores[a])
  const steps: Step[] = []
  let [hits, extra] = [0, 0]
  order.forEach((i, k) => {
    if (labels[i] === 1) hits++
    else extra++
    if (k + 1 === order.length || scores[order[k + 1]] !== scores[i]) {
      steps.push({ threshold: scores[i], hits, extra })
    }
  })
  return steps
}

/** Keeps all scores and labels. */
abstract class RankingMetric extends StreamingMetric<[scores: Values, target: Values], number> {
  readonly #scores: number[] = []
  readonly #labels: number[] = []

  /** @param scores `[…]`, greater for what is more likely positive @param target 0 or 1, of the same shape */
  update(scores: Values, target: Values): void {
    const [s, t] = readPair(this.constructor.name, scores, target)
    for (let i = 0; i < s.data.length; i++) {
      if (Number.isNaN(s.data[i]) || (t.data[i] !== 0 && t.data[i] !== 1)) {
        throw new GliaError(
          `${this.constructor.name}: needs scores that are numbers, and targets 0 or 1; received ${s.data[i]} and ${t.data[i]}.`,
        )
      }
    }
    for (let i = 0; i < s.data.length; i++) {
      this.#scores.push(s.data[i])
      this.#labels.push(t.data[i])
    }
  }

  /** The steps, and how many positives and others there are. */
  protected steps(): { readonly steps: readonly Step[]; readonly positives: number; readonly others: number } {
    checkSeen(this.constructor.name, this.#scores.length)
    const positives = this.#labels.reduce((a, b) => a + b, 0)
    return { steps: stepsOf(this.#scores, this.#labels), positives, others: this.#labels.length - positives }
  }

  reset(): void {
    this.#scores.length = 0
    this.#labels.length = 0
  }

  merge(other: this): void {
    for (const score of other.#scores) this.#scores.push(score)
    for (const label of other.#labels) this.#labels.push(label)
  }
}

/** A curve, point by point. */
export interface Curve {
  readonly x: number[]
  readonly y: number[]
  /** The least score that counts as positive at each point; Infinity where none does. */
  readonly thresholds: number[]
}

/** Area under the receiver operating characteristic: how often a positive example outscores another, ties half. */
export class RocAuc extends RankingMetric {
  /** False positive rate (x) and true positive rate (y), from (0, 0) to (1, 1). @throws GliaError without both kinds */
  curve(): Curve {
    const { steps, positives, others } = this.steps()
    if (positives === 0 || others === 0) {
      throw new GliaError(
        `RocAuc: needs examples of both kinds; received ${positives} positive ones and ${others} others.`,
      )
    }
    return {
      x: [0, ...steps.map((s) => s.extra / others)],
      y: [0, ...steps.map((s) => s.hits / positives)],
      thresholds: [Infinity, ...steps.map((s) => s.threshold)],
    }
  }

  compute(): number {
    const { x, y } = this.curve()
    return x.reduce((area, _, i) => (i === 0 ? 0 : area + ((x[i] - x[i - 1]) * (y[i] + y[i - 1])) / 2), 0)
  }
}

/** Average precision, the area under the precision-recall curve as a sum of steps: Σ (Rₙ − Rₙ₋₁) Pₙ. */
export class AveragePrecision extends RankingMetric {
  /** Recall (x) and precision (y), from recall 0 (where precision is 1) up. @throws GliaError without positives */
  curve(): Curve {
    const { steps, positives } = this.steps()
    if (positives === 0) throw new GliaError('AveragePrecision: needs positive examples; received none.')
    return {
      x: [0, ...steps.map((s) => s.hits / positives)],
      y: [1, ...steps.map((s) => s.hits / (s.hits + s.extra))],
      thresholds: [Infinity, ...steps.map((s) => s.threshold)],
    }
  }

  compute(): number {
    const { x, y } = this.curve()
    return x.reduce((area, _, i) => (i === 0 ? 0 : area + (x[i] - x[i - 1]) * y[i]), 0)
  }
}
