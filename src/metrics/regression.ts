/** @file How far predictions of real numbers are off. */
import { GliaError } from '../core/errors.ts'
import { showShape, sizeOf } from '../core/shape.ts'
import { readPair, StreamingMean, StreamingMetric, type Values } from './metric.ts'

/** The mean of a term over all elements. */
abstract class MeanOfTerms extends StreamingMean<[prediction: Values, target: Values]> {
  /** What each element adds. */
  protected abstract term(prediction: number, target: number): number

  /** Prediction and target `[…]` of one shape. */
  update(prediction: Values, target: Values): void {
    const [p, t] = readPair(this.constructor.name, prediction, target)
    for (let i = 0; i < p.data.length; i++) this.add(this.term(p.data[i], t.data[i]))
  }
}

/** Mean of |p − t|. */
export class MeanAbsoluteError extends MeanOfTerms {
  protected term(p: number, t: number): number {
    return Math.abs(p - t)
  }
}

/** Mean of (p − t)². */
export class MeanSquaredError extends MeanOfTerms {
  protected term(p: number, t: number): number {
    return (p - t) ** 2
  }
}

/** Root of the mean of (p − t)². */
export class RootMeanSquaredError extends MeanSquaredError {
  override compute(): number {
    return Math.sqrt(super.compute())
  }
}

/** Mean of |p − t| / |t|, as a share (not per cent); targets of 0 count as 2.2e-16. */
export class MeanAbsolutePercentageError extends MeanOfTerms {
  protected term(p: number, t: number): number {
    return Math.abs(p - t) / Math.max(Math.abs(t), Number.EPSILON)
  }
}

/** Mean and squares of one output's targets, and squares of its errors. */
interface Moments {
  mean: number
  squares: number
  errors: number
}

/** Coefficient of determination: 1 − Σ (p − t)² / Σ (t − mean t)², averaged over outputs. */
export class R2 extends StreamingMetric<[prediction: Values, target: Values], number> {
  #outputs: Moments[] = []
  #count = 0

  /** Prediction and target `[N]`, or `[N, …]` with several outputs. */
  update(prediction: Values, target: Values): void {
    const [p, t] = readPair('R2', prediction, target)
    if (p.shape.length === 0) throw new GliaError('R2: needs predictions [N] or [N, …]; received a single number.')
    const outputs = sizeOf(p.shape.slice(1))
    this.#start(outputs, showShape(p.shape))
    for (let i = 0; i < p.shape[0]; i++) {
      this.#count++
      this.#outputs.forEach((m, o) => {
        const [pv, tv] = [p.data[i * outputs + o], t.data[i * outputs + o]]
        // Welford's running mean and squares.
        const before = tv - m.mean
        m.mean += before / this.#count
        m.squares += before * (tv - m.mean)
        m.errors += (pv - tv) ** 2
      })
    }
  }

  #start(outputs: number, shown: string): void {
    if (this.#count === 0) {
      this.#outputs = Array.from({ length: outputs }, () => ({ mean: 0, squares: 0, errors: 0 }))
    } else if (this.#outputs.length !== outputs) {
      throw new GliaError(`R2: earlier batches had ${this.#outputs.length} outputs; received ${shown}.`)
    }
  }

  /** The coefficient of each output. Where targets do not vary it is 1 for no error, else 0. */
  perOutput(): number[] {
    if (this.#count < 2) throw new GliaError(`R2: needs at least two examples; received ${this.#count}.`)
    return this.#outputs.map(({ squares, errors }) =>
      squares > 0 ? 1 - errors / squares : errors > 0 ? 0 : errors === 0 ? 1 : Number.NaN,
    )
  }

  compute(): number {
    const each = this.perOutput()
    return each.reduce((a, b) => a + b, 0) / each.length
  }

  reset(): void {
    this.#outputs = []
    this.#count = 0
  }

  merge(other: this): void {
    if (other.#count === 0) return
    this.#start(other.#outputs.length, `${other.#outputs.length} outputs`)
    const total = this.#count + other.#count
    this.#outputs.forEach((m, o) => {
      const theirs = other.#outputs[o]
      const apart = theirs.mean - m.mean
      m.squares += theirs.squares + (apart ** 2 * this.#count * other.#count) / total
      m.mean += (apart * other.#count) / total
      m.errors += theirs.errors
    })
    this.#count = total
  }
}
