/**
 * @file Where training batches come from: a data set in memory, a loader, or anything that can go through its examples
 * again. All of them become a `BatchSource`, so that there is one training loop.
 */

import { GliaError } from '../core/errors.ts'
import { showShape, sizeOf } from '../core/shape.ts'
import { isItem } from '../data/collate.ts'
import type { ArrayDataset } from '../data/dataset.ts'
import type { LoaderSetup, Placed } from '../data/loader.ts'
import { ops } from '../graph/ops.ts'
import type { Device } from '../plan/device.ts'
import { Tensor } from '../tensor/tensor.ts'
import { batches, type DataPlace, orderOf, stepsOf, type TensorBatch } from './batches.ts'

/** Training batches, epoch by epoch: the same for the same epoch, so that a resumed run goes on exactly. */
export interface BatchSource {
  /** Number of batches in an epoch, undefined if nobody knows before its end. */
  readonly steps: number | undefined
  /** Number of examples in an epoch, undefined if nobody knows before its end. */
  readonly examples: number | undefined
  /**
   * The batches of an epoch (from 1), without the first `skip` of them.
   *
   * @param at what the batch before the first one said of its place (`after`), if it said anything
   */
  epoch(epoch: number, skip: number, at?: DataPlace): Iterable<TensorBatch> | AsyncIterable<TensorBatch>
  /** Numbers of a batch's examples in the data set, for messages. */
  indices?(epoch: number, batch: number): ArrayLike<number>
  /** Called when no more batches are wanted. */
  close?(): Promise<void>
}

/** A batch by its fields; what `fit` and `evaluate` need are `x` and `y`, items or tensors `[B, …]`. */
export interface Fields {
  readonly x?: unknown
  readonly y?: unknown
}

/** What `fit` and `evaluate` need of a `DataLoader`: they read it by epoch and place, and leave it where it stands. */
export interface Loader {
  readonly length: number | undefined
  readonly examples: number | undefined
  readonly setup: LoaderSetup
  /** Examples left out so far. */
  readonly skips: number
  batchesFrom(epoch: number, position: number): AsyncIterable<Placed<Fields>>
  indices(epoch: number, batch: number): ArrayLike<number>
}

/** What can be trained on. */
export type TrainingData = ArrayDataset | Loader | BatchSource

export function isLoader(data: TrainingData): data is Loader {
  return 'batchesFrom' in data
}

export function isArrays(data: TrainingData): data is ArrayDataset {
  return 'x' in data
}

export interface SourceOptions {
  readonly batchSize: number
  readonly shuffle: boolean
  readonly seed: number
  readonly dropLast: boolean
}

/** The batches of a data set in memory. */
export function arraySource(dataset: ArrayDataset, device: Device, options: SourceOptions): BatchSource {
  const { batchSize, shuffle, seed, dropLast } = options
  const steps = stepsOf(dataset.length, options)
  const order = (epoch: number): Int32Array =>
    shuffle ? orderOf(dataset.length, seed, epoch) : Int32Array.from({ length: dataset.length }, (_, i) => i)
  return {
    steps,
    examples: Math.min(dataset.length, steps * batchSize),
    epoch: (epoch, skip) =>
      batches(dataset, device, { batchSize, dropLast, order: order(epoch).subarray(skip * batchSize) }),
    indices: (epoch, batch) => order(epoch).subarray(batch * batchSize, (batch + 1) * batchSize),
  }
}

/** The batches of a loader; where examples may be left out, the number of steps is the most that there can be. */
export function loaderSource(operation: string, loader: Loader, device: Device): BatchSource {
  const { batchSize } = loader.setup
  return {
    steps: loader.length,
    examples: loader.examples,
    async *epoch(epoch, skip, at) {
      const from = at?.pass === epoch && at.batches === skip ? at.examples : skip * batchSize
      let count = skip
      for await (const { batch, position } of loader.batchesFrom(epoch, from)) {
        const number = count++
        const after = { pass: epoch, batches: count, examples: position }
        yield { ...tensorsOf(operation, batch, device), after, indices: () => loader.indices(epoch, number) }
      }
      if (count === 0) throw nothing(operation, epoch, loader.skips)
    },
    indices: (epoch, batch) => loader.indices(epoch, batch),
  }
}

function nothing(operation: string, epoch: number, skips = 0): GliaError {
  const left = skips > 0 ? ` ${skips} examples were left out because they could not be read.` : ''
  const again = epoch > 1 ? ' A stream must begin anew whenever stream() is called.' : ''
  return new GliaError(
    `${operation}: the data gave no batch in pass ${epoch}.${left}${again} Check that there are examples, with dropLast ` +
      'as many as the batch size.',
  )
}

/** @throws GliaError unless the batch has `x` and `y`, which hold equally many examples, at least one */
function tensorsOf(operation: string, batch: Fields, device: Device): TensorBatch {
  const x = tensorOf(operation, 'x', batch, device)
  const y = tensorOf(operation, 'y', batch, device)
  const size = x.shape[0] ?? 0
  if (size > 0 && size === y.shape[0]) return { x, y, size }
  throw new GliaError(
    `${operation}: x and y of a batch must be [B, …] with the same B of at least 1; received x ${showShape(x.shape)} ` +
      `and y ${showShape(y.shape)}.`,
  )
}

function tensorOf(operation: string, key: 'x' | 'y', batch: Fields, device: Device): Tensor {
  const value = batch[key]
  if (value instanceof Tensor) return value
  if (isItem(value) && value.data.length === sizeOf(value.shape)) {
    return new Tensor(ops.data(value.data, [...value.shape]), device)
  }
  if (isItem(value)) {
    throw new GliaError(
      `${operation}: ${key} of a batch holds ${value.data.length} values, but its shape is ${showShape(value.shape)}.`,
    )
  }
  const fields = typeof batch === 'object' && batch !== null ? Object.keys(batch).join(', ') : ''
  throw new GliaError(
    value === undefined
      ? `${operation}: a batch must have x and y, but one has ${fields === '' ? 'no fields' : `only ${fields}`}. Name the ` +
          'fields x and y in transform, or with collate.'
      : `${operation}: ${key} of a batch must be numbers with a shape; received ${kindOfValue(value)}. Turn it into ` +
          '{ data, shape } in transform (label does so for class numbers).',
  )
}

function kindOfValue(value: unknown): string {
  return Array.isArray(value) ? `a list of ${value.length} (first: ${typeof value[0]})` : `a ${typeof value}`
}

const START: DataPlace = { pass: 1, batches: 0, examples: 0 }

/**
 * A source whose epochs have `steps` batches, whatever the length of the data: an epoch goes on where the last one ended,
 * and the data begins anew whenever it is through.
 */
export function portioned(source: BatchSource, steps: number): BatchSource {
  /** What the last epoch left, read ahead. */
  let open: { readonly reader: AsyncGenerator<Reached, void, undefined>; readonly place: DataPlace } | null = null
  const readerAt = async (place: DataPlace): Promise<AsyncGenerator<Reached, void, undefined>> => {
    const kept = open
    open = null
    if (kept && samePlace(kept.place, place)) return kept.reader
    await kept?.reader.return()
    return endless(source, place)
  }
  return {
    steps,
    examples: source.steps && source.examples && Math.round((steps * source.examples) / source.steps),
    async *epoch(epoch, skip, at) {
      const reader = await readerAt(at ?? START)
      let place = at ?? START
      let whole = false
      try {
        for (let passed = at ? 0 : (epoch - 1) * steps + skip; passed > 0; passed--) await reader.next()
        for (let step = skip; step < steps; step++) {
          const { value } = await reader.next()
          if (!value) return
          place = value.after
          yield value
        }
        whole = true
      } finally {
        if (whole) open = { reader, place }
        else await reader.return()
      }
    },
    async close() {
      await open?.reader.return()
      open = null
      await source.close?.()
    },
  }
}

type Reached = TensorBatch & { readonly after: DataPlace }

function samePlace(a: DataPlace, b: DataPlace): boolean {
  return a.pass === b.pass && a.batches === b.batches && a.examples === b.examples
}

/** Pass after pass, from `place` on. */
async function* endless(source: BatchSource, place: DataPlace): AsyncGenerator<Reached, void, undefined> {
  let { pass, batches: count, examples } = place
  for (;;) {
    const at = count > 0 ? { pass, batches: count, examples } : undefined
    for await (const batch of source.epoch(pass, count, at)) {
      const [current, number] = [pass, count++]
      examples = batch.after?.examples ?? examples + batch.size
      const indices = batch.indices ?? (() => source.indices?.(current, number) ?? [])
      yield { ...batch, after: { pass: current, batches: count, examples }, indices }
    }
    if (count === 0) throw nothing('fit', pass)
    pass++
    count = 0
    examples = 0
  }
}
