/** @file Where training batches come from: a data set in memory, or anything that can go through its examples again. */

import type { ArrayDataset } from '../data/dataset.ts'
import type { Device } from '../plan/device.ts'
import { batches, orderOf, stepsOf, type TensorBatch } from './batches.ts'

/** Training batches, epoch by epoch: the same for the same epoch, so that a resumed run goes on exactly. */
export interface BatchSource {
  /** Number of batches in an epoch. */
  readonly steps: number
  /** Number of examples in an epoch. */
  readonly examples: number
  /** The batches of an epoch (from 1), without the first `skip` of them. */
  epoch(epoch: number, skip: number): Iterable<TensorBatch> | AsyncIterable<TensorBatch>
  /** Numbers of a batch's examples in the data set, for messages. */
  indices?(epoch: number, batch: number): ArrayLike<number>
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
