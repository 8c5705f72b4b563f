/**
 * @file Where examples come from: by number (`MapSource`) or one after the other (`StreamSource`). Either may hold more
 * than memory does, because an example is read when it is asked for.
 */

import { GliaError } from '../core/errors.ts'
import { type ArrayDataset, arrayDataset, type Column } from './dataset.ts'

/** Values with a shape, row-major: one field of an example, or of a batch. */
export type Item = Column

/** Examples that can be read in any order. */
export interface MapSource<T> {
  readonly length: number
  /** The example at `index`, which is in `[0, length)`. */
  get(index: number): T | Promise<T>
}

/** Examples that come one after the other, such as the lines of a large file. */
export interface StreamSource<T> {
  /** All examples from the beginning, in the same order at every call; `epoch` is there for those that want another. */
  stream(epoch: number): AsyncIterable<T> | Iterable<T>
}

/** Class number `value` as a field: int32 of shape `[]`. (A plain number in an example becomes float32.) */
export function label(value: number): Item {
  if (!Number.isInteger(value)) throw new GliaError(`label: a class number is a whole number; received ${value}.`)
  return { data: Int32Array.of(value), shape: [] }
}

/** The examples of a data set in memory, as `{ x, y }` of views. */
export function fromArrays(dataset: ArrayDataset): MapSource<{ readonly x: Item; readonly y: Item }> {
  const row = ({ data, shape }: Column, index: number): Item => {
    const size = shape.reduce((n, d) => n * d, 1)
    return { data: data.subarray(index * size, (index + 1) * size), shape }
  }
  return { length: dataset.length, get: (i) => ({ x: row(dataset.x, i), y: row(dataset.y, i) }) }
}

/** A source whose examples go through `fn` when they are read. */
export function mapped<A, B>(source: MapSource<A>, fn: (example: A, index: number) => B | Promise<B>): MapSource<B> {
  return { length: source.length, get: async (index) => fn(await source.get(index), index) }
}

/**
 * The examples at `indices`, read when asked for.
 *
 * @throws GliaError if an index is not a whole number in `[0, source.length)`
 */
export function selected<T>(source: MapSource<T>, indices: ArrayLike<number>): MapSource<T> {
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i]
    if (Number.isInteger(index) && index >= 0 && index < source.length) continue
    throw new GliaError(`selected: index ${index} is not in a source of ${source.length} examples.`)
  }
  return { length: indices.length, get: (i) => source.get(indices[i]) }
}

/**
 * Reads a source of `{ x, y }` into memory, as `fit` takes it.
 *
 * @param classes class names, kept in the data set
 * @throws GliaError if there are no examples, or their shapes or kinds of numbers differ
 */
export async function collect(
  source: MapSource<{ readonly x: Item; readonly y: Item }>,
  classes?: readonly string[],
): Promise<ArrayDataset> {
  if (source.length === 0) throw new GliaError('collect: the source is empty; there is nothing to collect.')
  const first = await source.get(0)
  const columns = { x: room(first.x, source.length), y: room(first.y, source.length) }
  for (let i = 0; i < source.length; i++) {
    const example = i === 0 ? first : await source.get(i)
    for (const key of ['x', 'y'] as const) put(columns[key], example[key], first[key], i, key)
  }
  return arrayDataset({ ...columns, ...(classes ? { classes } : {}) })
}

function room({ data, shape }: Item, count: number): { data: Item['data']; shape: readonly number[] } {
  const length = count * data.length
  if (data instanceof Float32Array) return { data: new Float32Array(length), shape }
  return { data: data instanceof Int32Array ? new Int32Array(length) : new Uint8Array(length), shape }
}

function put(column: Item, item: Item, first: Item, index: number, key: string): void {
  if (item.data.constructor !== first.data.constructor || item.shape.join() !== first.shape.join()) {
    throw new GliaError(
      `collect: ${key} of example ${index} is ${kindOf(item)}, but that of example 0 ${kindOf(first)}. ` +
        'Resize or pad the examples to one shape first.',
    )
  }
  column.data.set(item.data, index * item.data.length)
}

/** For messages: `float32 [3, 32, 32]`. */
export function kindOf({ data, shape }: Item): string {
  const dtype = data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'uint8'
  return `${dtype} [${shape.join(', ')}]`
}
