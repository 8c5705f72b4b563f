/** @file What `fit` tells those who watch. */

import type { Scores } from './metrics.ts'
import type { CallbackState, TrainingState } from './state.ts'
import type { LayersRecord } from './watch.ts'

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

/** The validation set measured within a training, between epochs or not. */
export interface ValidationRecord {
  /** Steps taken until then. */
  readonly step: number
  /** The epoch under way, from 1. */
  readonly epoch: number
  readonly val: Scores
}

/** What a training was. */
export interface History {
  readonly epochs: readonly EpochRecord[]
  /** Measurements asked for by `validateEvery`. */
  readonly checks?: readonly ValidationRecord[]
  /** Layer by layer, as often as `watch` asked for. */
  readonly layers?: readonly LayersRecord[]
  /** Loss of the very first batch, before anything was learned. */
  readonly start?: number
  /** Share of the training set's most frequent class, where targets are class numbers: what guessing would get right. */
  readonly majority?: number
  /** Steps taken, those of an unfinished epoch included. */
  readonly steps: number
  /** Whether it was stopped (by the signal or by a callback) before its last epoch ended. */
  readonly stopped: boolean
  /** Earlier parts of a resumed run included. */
  readonly seconds: number
}

export interface TrainInfo {
  /** Infinity if steps are counted and nobody knows how many make an epoch. */
  readonly epochs: number
  /** Steps per epoch; undefined for data of unknown length, until it has been gone through once. */
  readonly steps: number | undefined
  readonly batchSize: number
  /** Number of training examples; undefined as `steps` is. */
  readonly examples: number | undefined
  /** Steps that a resumed run has behind it, 0 otherwise. */
  readonly done: number
  /** Whatever is needed to go on later from this moment, between two steps: see `resume`. */
  readonly capture: () => TrainingState
  /** What the training has come to so far. */
  readonly history: () => History
  /** Ends the training before its next step: what a resumed run was stopped by may hold still. */
  readonly stop: () => void
}

export interface EpochStart {
  /** From 1. */
  readonly epoch: number
  readonly epochs: number
  /** Steps per epoch; undefined for data of unknown length, until it has been gone through once. */
  readonly steps: number | undefined
}

export interface BatchInfo extends EpochStart {
  /** Steps done in this epoch, from 1. */
  readonly step: number
  /** Steps done in all, from 1. */
  readonly total: number
  /** Mean loss of the epoch so far. */
  readonly loss: number
  /** Means of the epoch so far, by name. */
  readonly metrics: Readonly<Record<string, number>>
  /** Loss of this batch alone. */
  readonly batchLoss: number
  /** Learning rate of this step. */
  readonly lr: number
  /** Layer by layer, in steps that were watched. */
  readonly layers?: LayersRecord
  /** Examples per second, in this epoch; the first step, which compiles, does not count. */
  readonly rate: number
  /** Since the epoch began. */
  readonly seconds: number
  /** Seconds until the epoch's last step, at this rate; undefined as `steps` is. */
  readonly eta: number | undefined
  /** Ends the training after this step. */
  readonly stop: () => void
}

export interface EpochInfo extends EpochRecord {
  readonly epochs: number
  /** Ends the training after this epoch. */
  readonly stop: () => void
}

export interface ValidationInfo extends ValidationRecord {
  /** Ends the training after this step. */
  readonly stop: () => void
}

type Reply = void | Promise<void>

/** Any of these may be absent. A promise is awaited before the training goes on. */
export interface Callback {
  /** Under which its state is saved. */
  readonly name?: string
  readonly onTrainBegin?: (info: TrainInfo) => Reply
  readonly onEpochBegin?: (info: EpochStart) => Reply
  readonly onBatchEnd?: (info: BatchInfo) => Reply
  /** After each of the measurements that `validateEvery` asks for. */
  readonly onValidation?: (info: ValidationInfo) => Reply
  readonly onEpochEnd?: (info: EpochInfo) => Reply
  /** After the last step of a training that its signal ended, with everything as that step left it. */
  readonly onAbort?: () => Reply
  /** Also called when the training was stopped, or failed (then `error` says how, and is thrown afterwards). */
  readonly onTrainEnd?: (history: History, error?: unknown) => Reply
  /** What it must be given back for a resumed run to go on exactly. */
  readonly save?: () => CallbackState
  /** Takes back what `save` gave. */
  readonly load?: (state: CallbackState) => void
}

type Event = Extract<keyof Callback, `on${string}`>

/** Tells all of them, in order. */
export async function tell<K extends Event>(
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
