/** @file How well classes are told apart: accuracy, and what is read off a confusion matrix. */
import { GliaError } from '../core/errors.ts'
import { checkNumber } from '../core/ranges.ts'
import { tensor } from '../tensor/factories.ts'
import { checkScores, checkSeen, read, readClasses, StreamingMetric, type Values } from './metric.ts'

/** Share of examples whose class is among the k with the greatest scores; of equal scores the first come first. */
export class TopKAccuracy extends StreamingMetric<[scores: Values, target: Values], number> {
  readonly k: number
  #right = 0
  #count = 0

  constructor(k: number) {
    super()
    checkNumber('TopKAccuracy', 'k', k, { min: 1, whole: true })
    this.k = k
  }

  /** @param scores `[B, C, …]` @param target class numbers `[B, …]` */
  update(scores: Values, target: Values): void {
    const [s, t] = [read(scores), read(target)]
    const classes = s.shape[1] ?? 0
    const { batch, field } = checkScores('TopKAccuracy', s, t, classes)
    for (let i = 0; i < batch * field; i++) {
      const [b, f, own] = [Math.floor(i / field), i % field, t.data[i]]
      if (!(Number.isInteger(own) && own >= 0 && own < classes)) {
        throw new GliaError(`TopKAccuracy: class numbers must be whole, from 0 to ${classes - 1}; received ${own}.`)
      }
      const scoreOf = (c: number): number => s.data[(b * classes + c) * field + f]
      let before = 0
      for (let c = 0; c < classes; c++) {
        if (scoreOf(c) > scoreOf(own) || (scoreOf(c) === scoreOf(own) && c < own)) before++
      }
      // A score that is not a number is no success.
      if (before < this.k && !Number.isNaN(scoreOf(own))) this.#right++
      this.#count++
    }
  }

  compute(): number {
    checkSeen('TopKAccuracy', this.#count)
    return this.#right / this.#count
  }

  reset(): void {
    this.#right = 0
    this.#count = 0
  }

  merge(other: this): void {
    this.#right += other.#right
    this.#count += other.#count
  }
}

/** Share of examples that are classified right: `TopKAccuracy` for k = 1. */
export class Accuracy extends TopKAccuracy {
  constructor() {
    super(1)
  }
}

/** Counts of examples by actual (rows) and predicted (columns) class. */
export class ConfusionMatrix extends StreamingMetric<[prediction: Values, target: Values], number[][]> {
  readonly classes: number
  readonly #ignore: number | null
  #counts: Float64Array

  /** @param options.ignoreIndex targets that do not count */
  constructor(classes: number, options: { readonly ignoreIndex?: number } = {}) {
    super()
    checkNumber('ConfusionMatrix', 'classes', classes, { min: 2, whole: true })
    this.classes = classes
    this.#ignore = options.ignoreIndex ?? null
    this.#counts = new Float64Array(classes * classes)
  }

  /** @param prediction scores `[B, C, …]` or class numbers `[B, …]` @param target class numbers `[B, …]` */
  update(prediction: Values, target: Values): void {
    const { predicted, actual, skipped } = this.#read(prediction, target)
    for (let i = 0; i < actual.length; i++) {
      if (!skipped(i)) this.#counts[actual[i] * this.classes + predicted[i]]++
    }
  }

  #read(
    prediction: Values,
    target: Values,
  ): { predicted: ArrayLike<number>; actual: ArrayLike<number>; skipped: (i: number) => boolean } {
    if (this.#ignore === null) {
      return { ...readClasses('ConfusionMatrix', prediction, target, this.classes), skipped: () => false }
    }
    const { data } = read(target)
    const ignore = this.#ignore
    const kept = Int32Array.from(data, (v) => (v === ignore ? 0 : v))
    const shaped = reshaped(kept, read(target).shape)
    return {
      ...readClasses('ConfusionMatrix', prediction, shaped, this.classes),
      skipped: (i) => data[i] === ignore,
    }
  }

  compute(): number[][] {
    checkSeen('ConfusionMatrix', this.total)
    const n = this.classes
    return Array.from({ length: n }, (_, i) => [...this.#counts.subarray(i * n, (i + 1) * n)])
  }

  /** Number of examples. */
  get total(): number {
    return this.#counts.reduce((a, b) => a + b, 0)
  }

  /** How many examples of class `actual` were taken for `predicted`. */
  at(actual: number, predicted: number): number {
    return this.#counts[actual * this.classes + predicted]
  }

  /** Right ones, wrongly found and missed ones of each class. */
  outcomes(): readonly { readonly hits: number; readonly extra: number; readonly missed: number }[] {
    const n = this.classes
    return Array.from({ length: n }, (_, c) => {
      let [extra, missed] = [0, 0]
      for (let k = 0; k < n; k++) {
        if (k === c) continue
        extra += this.at(k, c)
        missed += this.at(c, k)
      }
      return { hits: this.at(c, c), extra, missed }
    })
  }

  reset(): void {
    this.#counts.fill(0)
  }

  merge(other: this): void {
    if (other.classes !== this.classes) {
      throw new GliaError(`merge: metrics of ${this.classes} and of ${other.classes} classes cannot be joined.`)
    }
    this.#counts = this.#counts.map((v, i) => v + other.#counts[i])
  }
}

function reshaped(data: Int32Array, shape: readonly number[]): Values {
  return tensor(data, { shape })
}

/** How figures of classes become one: their mean, that weighted by frequency, from all counts together, or class 1's. */
export type Average = 'macro' | 'weighted' | 'micro' | 'binary'

export interface ClassMetricOptions {
  /** Default `macro`; `binary` for two classes, of which 1 is the one that is looked for. */
  readonly average?: Average
  /** What a figure is where it would be 0 / 0 (default 0). */
  readonly zeroDivision?: number
  /** Targets that do not count. */
  readonly ignoreIndex?: number
}

type Counts = { readonly hits: number; readonly extra: number; readonly missed: number }

/** A figure of the counts of each class. */
abstract class ClassMetric extends StreamingMetric<[prediction: Values, target: Values], number> {
  readonly matrix: ConfusionMatrix
  readonly #average: Average
  readonly #zero: number

  constructor(classes: number, options: ClassMetricOptions = {}) {
    super()
    const { average = 'macro', zeroDivision = 0, ignoreIndex } = options
    this.matrix = new ConfusionMatrix(classes, ignoreIndex === undefined ? {} : { ignoreIndex })
    if (!['macro', 'weighted', 'micro', 'binary'].includes(average) || (average === 'binary' && classes !== 2)) {
      throw new GliaError(
        `${this.constructor.name}: average must be 'macro', 'weighted', 'micro' or, for two classes, 'binary'; received ` +
          `${String(average)} for ${classes} classes.`,
      )
    }
    this.#average = average
    this.#zero = zeroDivision
  }

  /** Numerator and denominator. */
  protected abstract ratio(counts: Counts): readonly [number, number]

  #of(counts: Counts): number {
    const [a, b] = this.ratio(counts)
    return b === 0 ? this.#zero : a / b
  }

  /** @param prediction scores `[B, C, …]` or class numbers `[B, …]` @param target class numbers `[B, …]` */
  update(prediction: Values, target: Values): void {
    this.matrix.update(prediction, target)
  }

  /** The figure of each class. */
  perClass(): number[] {
    checkSeen(this.constructor.name, this.matrix.total)
    return this.matrix.outcomes().map((counts) => this.#of(counts))
  }

  compute(): number {
    const each = this.perClass()
    const outcomes = this.matrix.outcomes()
    if (this.#average === 'binary') return each[1]
    if (this.#average === 'macro') return each.reduce((a, b) => a + b, 0) / each.length
    if (this.#average === 'weighted') {
      return each.reduce((sum, v, c) => sum + v * (outcomes[c].hits + outcomes[c].missed), 0) / this.matrix.total
    }
    const sum = (key: keyof Counts): number => outcomes.reduce((n, o) => n + o[key], 0)
    return this.#of({ hits: sum('hits'), extra: sum('extra'), missed: sum('missed') })
  }

  reset(): void {
    this.matrix.reset()
  }

  merge(other: this): void {
    this.matrix.merge(other.matrix)
  }
}

/** Share of what was found that is right: hits / (hits + extra). */
export class Precision extends ClassMetric {
  protected ratio({ hits, extra }: Counts): readonly [number, number] {
    return [hits, hits + extra]
  }
}

/** Share of what is there that was found: hits / (hits + missed). */
export class Recall extends ClassMetric {
  protected ratio({ hits, missed }: Counts): readonly [number, number] {
    return [hits, hits + missed]
  }
}

/** Weighted harmonic mean of precision and recall: (1 + β²) hits / ((1 + β²) hits + β² missed + extra). */
export class FBeta extends ClassMetric {
  readonly beta: number

  constructor(classes: number, beta: number, options: ClassMetricOptions = {}) {
    super(classes, options)
    checkNumber('FBeta', 'beta', beta, { above: 0 })
    this.beta = beta
  }

  protected ratio({ hits, extra, missed }: Counts): readonly [number, number] {
    const square = this.beta ** 2
    return [(1 + square) * hits, (1 + square) * hits + square * missed + extra]
  }
}

/** Harmonic mean of precision and recall. */
export class F1 extends FBeta {
  constructor(classes: number, options: ClassMetricOptions = {}) {
    super(classes, 1, options)
  }
}

/** Intersection over union (Jaccard index), averaged over classes: hits / (hits + extra + missed). */
export class MeanIoU extends ClassMetric {
  protected ratio({ hits, extra, missed }: Counts): readonly [number, number] {
    return [hits, hits + extra + missed]
  }
}

/** A figure of the whole confusion matrix. */
abstract class MatrixMetric extends StreamingMetric<[prediction: Values, target: Values], number> {
  readonly matrix: ConfusionMatrix

  constructor(classes: number) {
    super()
    this.matrix = new ConfusionMatrix(classes)
  }

  /** @param prediction scores `[B, C, …]` or class numbers `[B, …]` @param target class numbers `[B, …]` */
  update(prediction: Values, target: Values): void {
    this.matrix.update(prediction, target)
  }

  /** Share of examples of each class, actual and predicted. */
  protected shares(): { readonly actual: number[]; readonly predicted: number[] } {
    const { total } = this.matrix
    checkSeen(this.constructor.name, total)
    const outcomes = this.matrix.outcomes()
    return {
      actual: outcomes.map(({ hits, missed }) => (hits + missed) / total),
      predicted: outcomes.map(({ hits, extra }) => (hits + extra) / total),
    }
  }

  reset(): void {
    this.matrix.reset()
  }

  merge(other: this): void {
    this.matrix.merge(other.matrix)
  }
}

/** How much disagreement of two classes counts: all alike, by their distance, or by its square. */
export type KappaWeights = 'none' | 'linear' | 'quadratic'

/** Cohen's kappa (1960): agreement beyond chance, 1 − Σ w p / Σ w e, with e what chance would give. */
export class CohenKappa extends MatrixMetric {
  readonly #weights: KappaWeights

  constructor(classes: number, weights: KappaWeights = 'none') {
    super(classes)
    this.#weights = weights
  }

  compute(): number {
    const { actual, predicted } = this.shares()
    const { total } = this.matrix
    let [found, chance] = [0, 0]
    for (let i = 0; i < actual.length; i++) {
      for (let j = 0; j < actual.length; j++) {
        const distance = Math.abs(i - j)
        const w = this.#weights === 'none' ? Math.sign(distance) : this.#weights === 'linear' ? distance : distance ** 2
        found += (w * this.matrix.at(i, j)) / total
        chance += w * actual[i] * predicted[j]
      }
    }
    return 1 - found / chance
  }
}

/** Matthews's correlation of actual and predicted classes (Gorodkin 2004 for several); 0 where one is constant. */
export class MatthewsCorrelation extends MatrixMetric {
  compute(): number {
    const { actual, predicted } = this.shares()
    const right = this.matrix.outcomes().reduce((n, { hits }) => n + hits, 0) / this.matrix.total
    const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((s, v, i) => s + v * b[i], 0)
    const spread = (1 - dot(actual, actual)) * (1 - dot(predicted, predicted))
    return spread === 0 ? 0 : (right - dot(actual, predicted)) / Math.sqrt(spread)
  }
}
