/** @file What `fit` tells those who watch. */

import type { Scores } from './metrics.ts'

/** One finished epoch. */
export interface EpochRecord {
  /** From 1. */
  readonly epoch: number
  /** Means over the epoch's batches, taken while the weights changed. */
  readonly train: Scores
  /** On the validation set, after the epoch; absent without one. */
  readonly val?: Scores
  /** Of the whole epoch, validation included. */
  readonly seconds: number
  /** Training examples per second. */
  readonly rate: number
  /** Learning rate of the last step. */
  readonly lr: number
}

/** What a training was. */
export interface History {
  readonly epochs: readonly EpochRecord[]
  /** Steps taken, those of an unfinished epoch included. */
  readonly steps: number
  /** Whether it was stopped (by the signal or by a callback) before its last epoch ended. */
  readonly stopped: boolean
  readonly seconds: number
}

export interface TrainInfo {
  readonly epochs: number
  /** Steps per epoch. */
  readonly steps: number
  readonly batchSize: number
  /** Number of training examples. */
  readonly examples: number
}

export interface EpochStart {
  /** From 1. */
  readonly epoch: number
  readonly epochs: number
  /** Steps per epoch. */
  readonly steps: number
}

export interface BatchInfo extends EpochStart {
  /** Steps done in this epoch, from 1. */
  readonly step: number
  /** Mean loss of the epoch so far. */
  readonly loss: number
  /** Means of the epoch so far, by name. */
  readonly metrics: Readonly<Record<string, number>>
  /** Loss of this batch alone. */
  readonly batchLoss: number
  /** Learning rate of this step. */
  readonly lr: number
  /** Examples per second, in this epoch; the first step, which compiles, does not count. */
  readonly rate: number
  /** Since the epoch began. */
  readonly seconds: number
  /** Seconds until the epoch's last step, at this rate. */
  readonly eta: number
  /** Ends the training after this step. */
  readonly stop: () => void
}

export interface EpochInfo extends EpochRecord {
  readonly epochs: number
  /** Ends the training after this epoch. */
  readonly stop: () => void
}

type Reply = void | Promise<void>

/** Any of these may be absent. A promise is awaited before the training goes on. */
export interface Callback {
  readonly onTrainBegin?: (info: TrainInfo) => Reply
  readonly onEpochBegin?: (info: EpochStart) => Reply
  readonly onBatchEnd?: (info: BatchInfo) => Reply
  readonly onEpochEnd?: (info: EpochInfo) => Reply
  /** Also called when the training was stopped, or failed (then `error` says how, and is thrown afterwards). */
  readonly onTrainEnd?: (history: History, error?: unknown) => Reply
}

/** Tells all of them, in order. */
export async function tell<K extends keyof Callback>(
  callbacks: readonly Callback[],
  event: K,
  ...args: Parameters<NonNullable<Callback[K]>>
): Promise<void> {
  for (const callback of callbacks) {
    const listener = callback[event] as ((...args: unknown[]) => Reply) | undefined
    // Not awaiting what is no promise saves a microtask per step.
    const reply = listener?.call(callback, ...args)
    if (reply) await reply
  }
}
