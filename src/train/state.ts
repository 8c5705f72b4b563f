/** @file All that a training has come to, as plain values: what a checkpoint holds, and what a resumed run starts from. */

import { GliaError } from '../core/errors.ts'
import { sameShape, showShape } from '../core/shape.ts'
import type { TensorToWrite, TensorValues } from '../io/safetensors.ts'
import type { AnyModule } from '../nn/module.ts'
import type { EMA } from '../optim/ema.ts'
import { full, tensor } from '../tensor/factories.ts'
import { Buffer } from '../tensor/parameter.ts'
import { defaultGenerator, type Generator } from '../tensor/random.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { DataPlace } from './batches.ts'
import type { Callback, EpochRecord, ValidationRecord } from './callbacks.ts'
import type { MeterState } from './metrics.ts'
import type { Minimizer } from './options.ts'
import type { Rate } from './rates.ts'
import type { LayersRecord } from './watch.ts'

/** Counts up when a reader of the old form could not read the new one. */
export const STATE_FORMAT = 1

/** Where a training stands, and how it came there: numbers and texts alone. */
export interface Progress {
  readonly format: number
  /** The epoch under way, from 1. */
  readonly epoch: number
  /** Steps done in it. */
  readonly step: number
  /** Steps done in all. */
  readonly steps: number
  /** Spent so far, earlier parts of an interrupted run included. */
  readonly seconds: number
  /** Where the data goes on, and how long an epoch was found to be; of sources that say so. */
  readonly data?: { readonly place: DataPlace; readonly length: Readonly<Record<string, number>> }
  /** Sums over the epoch so far. */
  readonly meter: MeterState
  /** What the schedule's factors multiply. */
  readonly base: readonly Rate[]
  /** Loss of the very first batch. */
  readonly start: number | null
  readonly epochs: readonly EpochRecord[]
  readonly checks: readonly ValidationRecord[]
  readonly layers: readonly LayersRecord[]
  /** Seed and number of draws of each random generator. */
  readonly generators: readonly (readonly [seed: number, draws: number])[]
  /** What callbacks keep, by name. */
  readonly callbacks: { readonly [name: string]: unknown }
  /** What must be the same for the run to go on exactly. */
  readonly setup: { readonly [name: string]: number | boolean }
}

/** A training at one moment. Later steps leave it alone. */
export interface TrainingState {
  readonly progress: Progress
  /** `model.*`, `optimizer.0.*`, `ema.*`, and `callback.<name>.*`. */
  readonly tensors: ReadonlyMap<string, TensorToWrite>
}

/** What a callback keeps between steps, if a resumed run needs it. */
export interface CallbackState {
  /** Numbers, texts, lists and objects. */
  readonly values?: unknown
  readonly tensors?: Readonly<Record<string, TensorToWrite>>
}

/** What is saved. */
export interface Parts {
  readonly model: AnyModule
  readonly optimizers: readonly Minimizer[]
  readonly ema?: EMA | undefined
  readonly generators: readonly Generator[]
  readonly callbacks: readonly Callback[]
}

/** The values of a tensor. */
function valuesOf(t: Tensor): TensorToWrite {
  const values = { dtype: t.dtype, shape: t.shape, data: t.dataSync() } as TensorValues
  return t instanceof Buffer && t.savedAs ? { ...values, as: t.savedAs } : values
}

/** Values of weights, optimizers, averages and callbacks as of now. @throws GliaError for optimizers without stateDict */
export function captureTensors({ model, optimizers, ema, callbacks }: Parts): Map<string, TensorToWrite> {
  const tensors = new Map<string, TensorToWrite>()
  for (const [name, t] of model.namedState()) tensors.set(`model.${name}`, valuesOf(t))
  for (const [i, optimizer] of optimizers.entries()) {
    if (!optimizer.stateDict) throw new GliaError('checkpoint: the optimizer has no stateDict(); it cannot be saved.')
    for (const [name, t] of Object.entries(optimizer.stateDict())) tensors.set(`optimizer.${i}.${name}`, valuesOf(t))
  }
  for (const [name, t] of Object.entries(ema?.stateDict() ?? {})) tensors.set(`ema.${name}`, valuesOf(t))
  for (const callback of callbacks) {
    for (const [name, values] of Object.entries(callback.save?.().tensors ?? {})) {
      tensors.set(`callback.${nameOf(callback)}.${name}`, values)
    }
  }
  return tensors
}

/** What the callbacks keep beside tensors. */
export function captureCallbacks(callbacks: readonly Callback[]): Record<string, unknown> {
  return Object.fromEntries(callbacks.flatMap((c) => (c.save ? [[nameOf(c), c.save().values ?? null]] : [])))
}

function nameOf(callback: Callback): string {
  if (callback.name) return callback.name
  throw new GliaError('checkpoint: a callback that saves its state needs a name; give it one.')
}

/**
 * Puts everything where it was.
 * @throws GliaError if the state is of other weights, another optimizer, or another version; nothing has changed then,
 * unless it is the optimizer that does not fit
 */
export function restore(parts: Parts, { progress, tensors }: TrainingState): void {
  const { generators, callbacks } = parts
  restoreTensors(parts, tensors)
  generators.forEach((g, i) => {
    const state = progress.generators[i]
    if (state) g.state = state
  })
  for (const callback of callbacks) {
    if (!callback.load) continue
    const name = nameOf(callback)
    if (!(name in progress.callbacks)) continue
    callback.load({
      values: progress.callbacks[name],
      tensors: Object.fromEntries(below(tensors, `callback.${name}.`)),
    })
  }
}

function below(tensors: TrainingState['tensors'], prefix: string): Map<string, TensorToWrite> {
  return new Map([...tensors].flatMap(([k, t]) => (k.startsWith(prefix) ? [[k.slice(prefix.length), t] as const] : [])))
}

/** Weights, optimizer states and averages; states that the optimizer did not have then start from their beginning. */
export function restoreTensors({ model, optimizers, ema }: Parts, tensors: TrainingState['tensors']): void {
  const weights = below(tensors, 'model.')
  checkWeights(model, weights)
  for (const [name, t] of model.namedState()) t.set(weights.get(name)?.data ?? [])
  const device = model.parameters()[0]?.device
  const dict = (prefix: string): Record<string, Tensor> => {
    const entries = [...below(tensors, prefix)]
    return Object.fromEntries(
      entries.map(([k, { data, shape, dtype }]) => [k, tensor(data, { shape, dtype, ...(device ? { device } : {}) })]),
    )
  }
  for (const [i, optimizer] of optimizers.entries()) {
    const saved = dict(`optimizer.${i}.`)
    const newer = Object.entries(optimizer.stateDict?.() ?? {}).filter(([name]) => !(name in saved))
    optimizer.loadStateDict?.({ ...Object.fromEntries(newer.map(([name, t]) => [name, initial(name, t)])), ...saved })
  }
  if (ema) ema.loadStateDict(dict('ema.'))
}

/** What an optimizer's state begins with: sums from 0, products (the only single numbers that are no counts) from 1. */
function initial(name: string, { shape, dtype, device }: Tensor): Tensor {
  const first = shape.length === 0 && dtype === 'float32' && !name.startsWith('momentum') ? 1 : 0
  return full(shape, first, { dtype, device })
}

function checkWeights(model: AnyModule, weights: ReadonlyMap<string, TensorToWrite>): void {
  const own = new Map(model.namedState())
  const surplus = [...weights.keys()].filter((name) => !own.has(name))
  const wrong = [...own].flatMap(([name, t]) => {
    const shape = weights.get(name)?.shape
    if (!shape) return [`${name} is missing`]
    // Of the cell: asking the tensor would compute the initial weights.
    return sameShape(shape, t.cell.shape)
      ? []
      : [`${name} has ${showShape(shape)} instead of ${showShape(t.cell.shape)}`]
  })
  const problems = [...wrong, ...surplus.map((name) => `${name} is unknown`)]
  if (problems.length === 0) return
  throw new GliaError(`fit: the state to resume from is of another model: ${problems.slice(0, 5).join('; ')}.`)
}

/** @throws GliaError if the state was written by a later version, or the training is set up in another way */
export function checkResumable({ progress }: TrainingState, setup: Progress['setup'], groups: number): void {
  if (progress.format !== STATE_FORMAT) {
    throw new GliaError(
      `fit: the state to resume from has format ${progress.format}; this version of Glia reads ${STATE_FORMAT}.`,
    )
  }
  const other = Object.entries(setup).filter(([name, value]) => progress.setup[name] !== value)
  if (other.length > 0) {
    const list = other.map(([name, value]) => `${name} was ${progress.setup[name]} and is ${value}`).join(', ')
    throw new GliaError(`fit: the run cannot go on exactly where it was: ${list}. Use the options it had.`)
  }
  if (progress.base.length !== groups) {
    throw new GliaError(
      `fit: the state to resume from has ${progress.base.length} groups of parameters, the optimizer ${groups}.`,
    )
  }
}

/** The default generator and others to be saved with it. */
export function generatorsOf(others: readonly Generator[] = []): readonly Generator[] {
  return [defaultGenerator, ...others.filter((g) => g !== defaultGenerator)]
}

const SPECIAL: ReadonlyMap<string, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
])

/** JSON in which NaN and infinities survive, as `{ "number": "NaN" }`. All other numbers come back bit by bit. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, v: unknown) =>
    typeof v === 'number' && !Number.isFinite(v) ? { number: String(v) } : v,
  )
}

/** What `toJson` wrote. @throws SyntaxError if it is not JSON */
export function fromJson(text: string): unknown {
  return JSON.parse(text, (_, v: unknown) => {
    if (typeof v !== 'object' || v === null || !('number' in v) || Object.keys(v).length !== 1) return v
    return SPECIAL.get(String(v.number)) ?? v
  })
}
