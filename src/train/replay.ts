/**
 * @file Repeating the last steps of a training to find where a loss that is not finite came from. Steps are exact functions
 * of weights, states, random counters and batches, so a copy of these from a while ago is enough to come there again.
 */

import type { TensorToWrite } from '../io/safetensors.ts'
import { settleCells } from '../tensor/pending.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type DataPlace, deviceOf, type TensorBatch } from './batches.ts'
import { inspect, type Origin } from './inspect.ts'
import type { Rate, Rates } from './rates.ts'
import type { BatchSource } from './source.ts'
import { captureTensors, type Parts, restoreTensors } from './state.ts'
import type { Step } from './step.ts'

/** Where a step stands. */
export interface Position {
  /** From 1. */
  readonly epoch: number
  /** Steps of the epoch before it. */
  readonly done: number
  /** Where the data goes on with it, if the source says so. */
  readonly place: DataPlace | undefined
  /** Steps of the training before it. */
  readonly steps: number
  /** Whether it notes how it goes layer by layer. */
  readonly watched: boolean
}

interface Noted extends Position {
  readonly rates: readonly Rate[]
}

interface Copy {
  readonly tensors: ReadonlyMap<string, TensorToWrite>
  readonly draws: readonly (readonly [seed: number, draws: number])[]
}

/** The operation that began it, and in which step. */
export interface Found extends Origin {
  readonly position: Position
  /** Numbers, in the data set, of the batch's examples. */
  readonly indices: readonly number[]
}

/** Milliseconds between two copies at least, and how many times longer than copying that is. */
const INTERVAL = 2000
const TIMES = 100

export class Replay {
  readonly #parts: Parts
  readonly #rates: Rates
  #copy: Copy | null = null
  #taken = Number.NEGATIVE_INFINITY
  #cost = 0
  #noted: Noted[] = []

  constructor(parts: Parts, rates: Rates) {
    this.#parts = { ...parts, callbacks: [] }
    this.#rates = rates
  }

  /** Before each step, once its rates are set: now and then copies everything, and notes what a repetition needs. */
  note(position: Position): void {
    const now = performance.now()
    if (this.#copy === null || now - this.#taken > Math.max(INTERVAL, TIMES * this.#cost)) {
      const draws = this.#parts.generators.map((g) => g.state)
      this.#copy = { tensors: captureTensors(this.#parts), draws }
      this.#taken = performance.now()
      this.#cost = this.#taken - now
      this.#noted = []
    }
    this.#noted.push({ ...position, rates: this.#rates.values })
  }

  /**
   * Repeats the steps since the copy until a loss or a weight is not finite, and that step again, operation by operation.
   * Leaves the model as it was before that step. Null if nothing was found: something other than the steps, a callback
   * for instance, has changed the weights.
   */
  async find(source: BatchSource, plain: Step, step: Step): Promise<Found | null> {
    const position = await this.#run(source, async (noted, { x, y }) => {
      const { values, minimised } = step(x, y, noted.watched)
      const losses = minimised ? [values.loss, minimised] : [values.loss]
      return (await finite(losses)) && (await finite(this.#parts.model.namedState().map(([, t]) => t))) ? null : noted
    })
    if (!position) return null
    return this.#run(source, async (noted, { x, y, indices }) => {
      if (noted !== position) {
        step(x, y, noted.watched)
        return null
      }
      const device = deviceOf(this.#parts.model)
      settleCells(device)
      const origin = inspect(this.#parts.model, device, { x, y }, () => plain(x, y, false))
      const numbers = indices?.() ?? source.indices?.(noted.epoch, noted.done) ?? []
      return origin && { ...origin, position, indices: Array.from(numbers) }
    })
  }

  /** Goes through the noted steps from the copy on, until `visit` returns something. */
  async #run<T>(
    source: BatchSource,
    visit: (noted: Noted, batch: TensorBatch) => Promise<T | null>,
  ): Promise<T | null> {
    const { model, generators } = this.#parts
    if (!this.#copy) return null
    restoreTensors(this.#parts, this.#copy.tensors)
    generators.forEach((g, i) => {
      g.state = this.#copy?.draws[i] ?? g.state
    })
    model.train()
    let next = 0
    while (next < this.#noted.length) {
      const { epoch, done, place } = this.#noted[next]
      for await (const batch of source.epoch(epoch, done, place)) {
        const noted = this.#noted[next++]
        this.#rates.values = noted.rates
        const result = await visit(noted, batch)
        if (result !== null) return result
        if (this.#noted[next]?.epoch !== epoch) break
      }
    }
    return null
  }
}

async function finite(tensors: readonly Tensor[]): Promise<boolean> {
  for (const t of tensors) if (!(await t.data()).every(Number.isFinite)) return false
  return true
}
