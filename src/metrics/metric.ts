/** @file What metrics share: they take batches one by one, and can be joined with others that took other batches. */
import { isFloat, type TypedArray } from '../core/dtype.ts'
import { GliaError } from '../core/errors.ts'
import { type Shape, sameShape, showShape, sizeOf } from '../core/shape.ts'
import { TensorBase } from '../tensor/base.ts'
import { type Nested, tensor } from '../tensor/factories.ts'

/** Numbers: a tensor, or nested arrays as `tensor` takes them. Tensors are read at once (devices on the CPU). */
export type Values = TensorBase | Nested | TypedArray

/**
 * A figure over any number of batches: `update` takes one, `compute` gives the figure of all so far. Sums are kept in
 * float64 on the host, so that the result does not depend on how examples were divided into batches.
 */
export abstract class StreamingMetric<A extends readonly unknown[], R> {
  /** Takes a batch. */
  abstract update(...batch: A): void
  /** The figure of everything since the last `reset`. @throws GliaError if there was nothing */
  abstract compute(): R
  /** Forgets everything. */
  abstract reset(): void
  /** Takes over what another metric of the same kind and options has seen, which stays as it is. */
  abstract merge(other: this): void
}

/** A figure that is a mean: of terms that `update` adds, each with its weight. */
export abstract class StreamingMean<A extends readonly unknown[]> extends StreamingMetric<A, number> {
  #sum = 0
  #weight = 0

  /** @param weight how many terms `sum` stands for (default 1) */
  protected add(sum: number, weight = 1): void {
    this.#sum += sum
    this.#weight += weight
  }

  compute(): number {
    checkSeen(this.constructor.name, this.#weight)
    return this.#sum / this.#weight
  }

  reset(): void {
    this.#sum = 0
    this.#weight = 0
  }

  merge(other: this): void {
    this.add(other.#sum, other.#weight)
  }
}

/** Numbers on the host. */
export interface Read {
  readonly data: ArrayLike<number>
  readonly shape: Shape
  /** Whether they come from a tensor of whole numbers (bool, uint8, int32). */
  readonly whole: boolean
}

/** The numbers of a tensor or of nested arrays. */
export function read(values: Values): Read {
  if (values instanceof TensorBase) {
    return { data: values.hostValues(), shape: values.shape, whole: !isFloat(values.dtype) }
  }
  if (ArrayBuffer.isView(values)) {
    return { data: values, shape: [values.length], whole: !(values instanceof Float32Array) }
  }
  // Nested arrays keep their digits: only the shape is the tensor's.
  const { shape } = tensor(values)
  const data = (Array.isArray(values) ? values.flat(shape.length) : [values]).map(Number)
  return { data, shape, whole: false }
}

/** Two inputs of one shape. @throws GliaError if the shapes differ */
export function readPair(operation: string, prediction: Values, target: Values): [Read, Read] {
  const [p, t] = [read(prediction), read(target)]
  if (sameShape(p.shape, t.shape)) return [p, t]
  throw new GliaError(
    `${operation}: prediction ${showShape(p.shape)} and target ${showShape(t.shape)} must have one shape.`,
  )
}

/** @throws GliaError for metrics that have seen nothing */
export function checkSeen(operation: string, count: number): void {
  if (count > 0) return
  throw new GliaError(`${operation}: there is nothing to compute from; call update with at least one example first.`)
}

/**
 * Class numbers of a batch: `prediction` holds scores `[B, C, …]`, of which the greatest counts, or class numbers of the
 * target's shape `[B, …]`.
 * @throws GliaError if shapes do not fit or a class number is not a whole number from 0 to C − 1
 */
export function readClasses(
  operation: string,
  prediction: Values,
  target: Values,
  classes: number,
): { predicted: ArrayLike<number>; actual: ArrayLike<number> } {
  const [p, t] = [read(prediction), read(target)]
  const predicted = sameShape(p.shape, t.shape) ? p.data : greatest(operation, p, t, classes)
  for (const [what, data] of [
    ['predicted', predicted],
    ['actual', t.data],
  ] as const) {
    for (let i = 0; i < data.length; i++) {
      if (!(Number.isInteger(data[i]) && data[i] >= 0 && data[i] < classes)) {
        throw new GliaError(
          `${operation}: ${what} class numbers must be whole, from 0 to ${classes - 1}; received ${data[i]}.`,
        )
      }
    }
  }
  return { predicted, actual: t.data }
}

/** Number of the greatest score along axis 1, the first of equal ones. */
function greatest(operation: string, p: Read, t: Read, classes: number): Int32Array {
  const { batch, field } = checkScores(operation, p, t, classes)
  const out = new Int32Array(batch * field)
  for (let b = 0; b < batch; b++) {
    for (let f = 0; f < field; f++) {
      let best = 0
      for (let c = 1; c < classes; c++) {
        if (p.data[(b * classes + c) * field + f] > p.data[(b * classes + best) * field + f]) best = c
      }
      out[b * field + f] = best
    }
  }
  return out
}

/** @throws GliaError unless scores are `[B, C, …]` for a target `[B, …]` */
export function checkScores(operation: string, p: Read, t: Read, classes: number): { batch: number; field: number } {
  const fits = p.shape[1] === classes && sameShape([p.shape[0], ...p.shape.slice(2)], t.shape)
  if (!fits) {
    throw new GliaError(
      `${operation}: needs scores [B, ${classes}, …] and class numbers [B, …], or class numbers of one shape; received ` +
        `${showShape(p.shape)} and ${showShape(t.shape)}.`,
    )
  }
  return { batch: p.shape[0], field: sizeOf(p.shape.slice(2)) }
}
