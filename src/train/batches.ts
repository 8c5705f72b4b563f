/** @file From rows of a data set to tensors. */

import { GliaError } from '../core/errors.ts'
import { showShape, sizeOf } from '../core/shape.ts'
import { type ArrayDataset, type Column, subset } from '../data/dataset.ts'
import { permutation } from '../data/random.ts'
import { ops } from '../graph/ops.ts'
import type { AnyModule } from '../nn/module.ts'
import { type Device, defaultDevice } from '../plan/device.ts'
import { Tensor } from '../tensor/tensor.ts'

/** Where the model's parameters are. */
export function deviceOf(model: AnyModule): Device {
  return (model.parameters()[0] ?? model.buffers()[0])?.device ?? defaultDevice()
}

/** @throws GliaError if the data set is empty, or a column holds other than `length` examples */
export function checkDataset(operation: string, name: string, dataset: ArrayDataset): void {
  const { length } = dataset
  if (!(Number.isInteger(length) && length > 0)) {
    throw new GliaError(`${operation}: the ${name} is empty (its length is ${length}); there is nothing to compute on.`)
  }
  for (const key of ['x', 'y'] as const) {
    const { data, shape } = dataset[key]
    if (data.length !== length * sizeOf(shape)) {
      throw new GliaError(
        `${operation}: the ${name}'s ${key} holds ${data.length} values, but ${length} examples of shape ` +
          `${showShape(shape)} need ${length * sizeOf(shape)}. Make it with arrayDataset, which checks.`,
      )
    }
  }
}

/** @throws GliaError unless `value` is a whole number of at least 1 */
export function checkCount(operation: string, name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new GliaError(`${operation}: ${name} must be a whole number of at least 1; received ${value}.`)
  }
}

/** What models take: bytes are pixels, and become float32 in [0, 1]. Within the step that costs next to nothing. */
export function asInput(x: Tensor): Tensor {
  return x.dtype === 'uint8' ? x.float().div(255) : x
}

/** What losses take: bytes are class numbers, and become int32. */
export function asTarget(y: Tensor): Tensor {
  return y.dtype === 'uint8' ? y.int() : y
}

/** Where training stands in its data: plain numbers, saved with a training's state. */
export interface DataPlace {
  /** How often the data is being gone through, from 1. */
  readonly pass: number
  /** Batches of this pass that were given out. */
  readonly batches: number
  /** Examples of this pass that were given out or left out. */
  readonly examples: number
}

/** The examples as they are stored, `x` `[B, …]` and `y` `[B, …]`: for `asInput` and `asTarget`. */
export interface TensorBatch {
  readonly x: Tensor
  readonly y: Tensor
  readonly size: number
  /** Where the data goes on after this batch, from sources that are told so when they are to go on there. */
  readonly after?: DataPlace
  /** Numbers of its examples in the data set, for messages. */
  readonly indices?: () => ArrayLike<number>
}

export interface BatchOptions {
  readonly batchSize: number
  /** Leave out the last batch if it is smaller than the others. */
  readonly dropLast?: boolean
  /** Order of the examples (default: as they are). */
  readonly order?: Int32Array
}

/** Every example once, in batches. */
export function* batches(dataset: ArrayDataset, device: Device, options: BatchOptions): Generator<TensorBatch> {
  const order = options.order ?? Int32Array.from({ length: dataset.length }, (_, i) => i)
  const count = stepsOf(order.length, options)
  for (let i = 0; i < count; i++) {
    const indices = order.subarray(i * options.batchSize, (i + 1) * options.batchSize)
    const { x, y } = subset(dataset, indices)
    const stacked = ({ data, shape }: Column): Tensor => new Tensor(ops.data(data, [indices.length, ...shape]), device)
    yield { x: stacked(x), y: stacked(y), size: indices.length }
  }
}

/** Number of batches. */
export function stepsOf(length: number, { batchSize, dropLast = false }: BatchOptions): number {
  return dropLast ? Math.floor(length / batchSize) : Math.ceil(length / batchSize)
}

/** The order of an epoch's examples: another one for every epoch, the same for the same seed. */
export function orderOf(length: number, seed: number, epoch: number): Int32Array {
  return permutation(length, seed, epoch)
}

/** The inputs alone as a data set, with targets that nobody reads. */
export function inputsOnly(x: Column): ArrayDataset {
  const size = sizeOf(x.shape)
  const length = size === 0 ? 0 : x.data.length / size
  return { length, x, y: { data: new Int32Array(length), shape: [] } }
}

/** Share of the most frequent class, or undefined where targets are no class numbers. */
export function majorityOf({ length, y }: ArrayDataset): number | undefined {
  if (y.shape.length > 0 || y.data instanceof Float32Array) return undefined
  const counts = new Map<number, number>()
  for (const c of y.data) counts.set(c, (counts.get(c) ?? 0) + 1)
  return Math.max(...counts.values()) / length
}
