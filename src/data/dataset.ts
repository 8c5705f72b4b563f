/**
 * @file What a data set is here: two columns of plain numbers, an input and a target per example.
 *
 * Nothing is a tensor yet, so that a data set can be made, cut, inspected and sent to a worker without a device.
 */

import { GliaError } from '../core/errors.ts'
import { permutation } from './random.ts'

/** The values of one column, example after example, row-major. */
export interface Column {
  /** `length × product(shape)` numbers. Uint8 inputs are taken as pixel intensities 0 … 255. */
  readonly data: Float32Array | Int32Array | Uint8Array
  /** Shape of one example, without the example dimension: `[1, 28, 28]` for a grey image, `[]` for a label. */
  readonly shape: readonly number[]
}

/** Examples that fit in memory. */
export interface ArrayDataset {
  /** Number of examples. */
  readonly length: number
  /** Inputs, for example images of shape `[C, H, W]`. */
  readonly x: Column
  /** Targets: class numbers of shape `[]` in an integer array, or real targets in a Float32Array. */
  readonly y: Column
  /** Class names by class number, for classification. */
  readonly classes?: readonly string[]
  /** Where each example comes from, for reports: the line of a file, from 1, or a text such as the path of a picture. */
  readonly origins?: readonly (number | string)[]
}

/** One column of a batch. */
export interface BatchColumn {
  readonly data: Float32Array | Int32Array
  /** `[B, …shape of one example]`. */
  readonly shape: readonly number[]
}

/** Some examples of a data set, stacked. */
export interface Batch {
  readonly x: BatchColumn
  readonly y: BatchColumn
}

function sizeOf(shape: readonly number[]): number {
  let size = 1
  for (const d of shape) size *= d
  return size
}

/**
 * Makes a data set after checking that its columns hold as many examples as each other.
 *
 * @throws GliaError if a column's values are not a whole number of examples, or the lengths differ
 */
export function arrayDataset(columns: Omit<ArrayDataset, 'length'>): ArrayDataset {
  const count = (name: string, { data, shape }: Column): number => {
    const n = data.length / sizeOf(shape)
    if (!Number.isInteger(n)) {
      throw new GliaError(
        `arrayDataset: ${name} holds ${data.length} values, not a whole number of examples of shape [${shape.join(', ')}].`,
      )
    }
    return n
  }
  const length = count('x', columns.x)
  const targets = count('y', columns.y)
  if (length !== targets) throw new GliaError(`arrayDataset: x has ${length} examples but y has ${targets}.`)
  const known = columns.origins?.length ?? length
  if (known !== length) throw new GliaError(`arrayDataset: there are ${length} examples but ${known} origins.`)
  return { length, ...columns }
}

/**
 * Copies the examples at `indices`, in that order and with repeats, into a batch of `B = indices.length`.
 *
 * - `x`: uint8 pixels become float32 in [0, 1] (divided by 255), so images come as `[B, C, H, W]`; float32 stays float32
 *   and int32 (token numbers) stays int32.
 * - `y`: integer targets become int32, `[B]` for class numbers; float32 targets stay float32.
 *
 * @throws GliaError if an index is not a whole number in `[0, dataset.length)`
 */
export function batchOf(dataset: ArrayDataset, indices: ArrayLike<number>): Batch {
  checkIndices('batchOf', dataset, indices)
  return { x: stack(dataset.x, indices, 'intensities'), y: stack(dataset.y, indices, 'integers') }
}

/**
 * A data set of the examples at `indices`, copied, in that order, with their origins; `classes` is kept.
 *
 * @throws GliaError if an index is not a whole number in `[0, dataset.length)`
 */
export function subset(dataset: ArrayDataset, indices: ArrayLike<number>): ArrayDataset {
  checkIndices('subset', dataset, indices)
  const pick = (column: Column): Column => {
    const size = indices.length * sizeOf(column.shape)
    return { data: copyRows(column, indices, emptyLike(column.data, size)), shape: column.shape }
  }
  const { origins } = dataset
  return {
    ...dataset,
    length: indices.length,
    x: pick(dataset.x),
    y: pick(dataset.y),
    ...(origins ? { origins: Array.from(indices, (i) => origins[i]) } : {}),
  }
}

/**
 * Cuts a data set in two: about `fraction` of the examples (rounded), and the rest.
 *
 * @param fraction between 0 and 1
 * @param options.seed shuffle with this seed before the cut; without it the order is kept
 * @throws GliaError if `fraction` is not between 0 and 1
 */
export function split(
  dataset: ArrayDataset,
  fraction: number,
  options: { readonly seed?: number } = {},
): [first: ArrayDataset, rest: ArrayDataset] {
  if (!(fraction >= 0 && fraction <= 1)) {
    throw new GliaError(`split: fraction must lie between 0 and 1; received ${fraction}.`)
  }
  const { length } = dataset
  const order =
    options.seed === undefined ? Int32Array.from({ length }, (_, i) => i) : permutation(length, options.seed)
  const cut = Math.round(length * fraction)
  return [subset(dataset, order.subarray(0, cut)), subset(dataset, order.subarray(cut))]
}

function checkIndices(operation: string, dataset: ArrayDataset, indices: ArrayLike<number>): void {
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]
    if (!Number.isInteger(index) || index < 0 || index >= dataset.length) {
      throw new GliaError(`${operation}: index ${index} is not in a data set of ${dataset.length} examples.`)
    }
  }
}

/** One column of a batch; bytes become intensities in [0, 1], or int32. */
function stack(column: Column, indices: ArrayLike<number>, bytes: 'intensities' | 'integers'): BatchColumn {
  const size = indices.length * sizeOf(column.shape)
  const shape = [indices.length, ...column.shape]
  if (column.data instanceof Uint8Array && bytes === 'intensities') {
    const data = copyRows(column, indices, new Float32Array(size))
    for (let i = 0; i < size; i++) data[i] /= 255
    return { data, shape }
  }
  const out = column.data instanceof Float32Array ? new Float32Array(size) : new Int32Array(size)
  return { data: copyRows(column, indices, out), shape }
}

function emptyLike(data: Column['data'], length: number): Column['data'] {
  if (data instanceof Float32Array) return new Float32Array(length)
  return data instanceof Int32Array ? new Int32Array(length) : new Uint8Array(length)
}

function copyRows<T extends Column['data']>({ data, shape }: Column, indices: ArrayLike<number>, out: T): T {
  const size = sizeOf(shape)
  for (let i = 0; i < indices.length; i++) {
    const start = indices[i] * size
    out.set(data.subarray(start, start + size), i * size)
  }
  return out
}
