/** @file What `fitInWorker` and the worker that trains say to each other, in Node and in browsers. */

import { GliaError } from '../core/errors.ts'
import type { TensorToWrite } from '../io/safetensors.ts'
import type { TargetName } from '../plan/create.ts'
import type { Callback, History } from './callbacks.ts'
import { NotFiniteError } from './not-finite.ts'

export type Weights = ReadonlyMap<string, TensorToWrite>

/** What is told to callbacks. */
export type Event = Extract<keyof Callback, `on${string}`>

/** What the worker is to train. */
export interface Order {
  readonly input: unknown
  readonly weights: Weights
  /** Of the default random generator: seed and number of draws. */
  readonly generator: readonly [seed: number, draws: number]
  readonly device: { readonly target: TargetName; readonly threads?: number }
  /** Events that somebody listens to. */
  readonly events: readonly Event[]
  readonly paused: boolean
  readonly aborted: boolean
}

/** To the worker. `id` tells trainings of one worker apart. */
export type ToWorker = { readonly glia: number } & (
  | { readonly say: 'hello' | 'abort' | 'pause' | 'resume' | 'stop' }
  | { readonly say: 'train'; readonly order: Order }
  /** That an event has been told; with `failed`, a callback threw. */
  | { readonly say: 'told'; readonly failed: boolean }
)

/** From the worker. */
export type FromWorker = { readonly glia: number } & (
  | { readonly say: 'ready' }
  | {
      readonly say: 'event'
      readonly event: Event
      readonly info: unknown
      readonly error?: Failure
      /** All so far, with events that training waits for. */
      readonly history?: History
    }
  | { readonly say: 'done'; readonly history: History; readonly weights: Weights }
  | { readonly say: 'failed'; readonly error: Failure; readonly weights?: Weights }
)

/** The message that a worker sends before it is asked anything. */
export const UNASKED = 0

/** Steps that a worker may be ahead of those who are told of them. */
export const MOST_AHEAD = 256

export function isMessage<M extends { readonly glia: number }>(value: unknown): value is M {
  return typeof value === 'object' && value !== null && 'glia' in value && typeof value.glia === 'number'
}

/** An error on its way from one thread to another. */
export type Failure =
  | { readonly kind: 'glia'; readonly message: string }
  | { readonly kind: 'not finite'; readonly of: ConstructorParameters<typeof NotFiniteError> }
  | { readonly kind: 'other'; readonly error: unknown }

/** Errors are cloned as plain ones; Glia's keep their class. */
export function packError(error: unknown): Failure {
  if (error instanceof NotFiniteError) return { kind: 'not finite', of: [error.begun, error.seen, error.origin] }
  if (error instanceof GliaError) return { kind: 'glia', message: error.message }
  try {
    const copy: unknown = structuredClone(error)
    // Node makes empty objects of errors such as DataCloneError.
    if (copy instanceof Error || !(error instanceof Error)) return { kind: 'other', error: copy }
  } catch {
    // It holds what cannot be cloned.
  }
  return { kind: 'other', error: new Error(String(error)) }
}

export function unpackError(failure: Failure): unknown {
  if (failure.kind === 'not finite') return new NotFiniteError(...failure.of)
  return failure.kind === 'glia' ? new GliaError(failure.message) : failure.error
}

/** The memory of weights that nobody else looks at: it moves to the other thread instead of being copied. */
export function buffersOf(weights: Weights): ArrayBuffer[] {
  const buffers = [...weights.values()].map(({ data }) => data.buffer)
  return [...new Set(buffers)].filter((buffer) => buffer instanceof ArrayBuffer)
}
