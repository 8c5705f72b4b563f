/** @file `fit`: the training loop. */

import { GliaError } from '../core/errors.ts'
import { showShape } from '../core/shape.ts'
import type { ArrayDataset } from '../data/dataset.ts'
import { compile } from '../tensor/compile.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { asInput, asTarget, batches, checkCount, checkDataset, deviceOf, orderOf, stepsOf } from './batches.ts'
import { breather } from './breathe.ts'
import { type Callback, type EpochRecord, type History, tell } from './callbacks.ts'
import { evaluator, type Loss, type Measured, type Model, readAll } from './evaluate.ts'
import { defaultMetrics, divided, type EpochMetric, Meter, type Metric } from './metrics.ts'
import { inMode } from './modes.ts'

/** What `fit` needs of an optimizer. */
export interface Minimizer {
  /** Learning rate of the next step. */
  lr: number
  /** Where parameters have learning rates of their own: a schedule multiplies each, and may set momenta. */
  readonly groups?: readonly { lr: number; momentum?: number | null }[]
  /** Gradients of the loss, and one update with them. */
  minimize(loss: Tensor): void
}

export interface FitOptions {
  /** From outputs and targets to one number, such as `crossEntropy`. */
  readonly loss: Loss
  /** What is minimised, where that is more than the loss: with label smoothing or a penalty. Default: `loss`. */
  readonly objective?: Loss
  readonly optimizer: Minimizer
  /** Measured after every epoch. */
  readonly validation?: ArrayDataset
  /** Times that the training set is gone through; 1 by default. */
  readonly epochs?: number
  /** Examples per step, 32 by default. */
  readonly batchSize?: number
  /** Another order in every epoch (default true). */
  readonly shuffle?: boolean
  /** Of the order; 0 by default. Weights and dropout follow from `manualSeed`. */
  readonly seed?: number
  /** Leave out an epoch's last batch if it is smaller than the others (default false). */
  readonly dropLast?: boolean
  /**
   * Factor on the optimizer's learning rate at a step, counted from 0, of all steps. Default: always 1. Schedules of
   * `glia/optim` that move momentum, too, do so here.
   */
  readonly schedule?: ((step: number, steps: number) => number) & { readonly momentum?: (step: number) => number }
  /** Beside the loss. Default: accuracy where the targets are class numbers. See `overEpoch` for those of `glia/metrics`. */
  readonly metrics?: readonly (Metric | EpochMetric)[]
  readonly callbacks?: readonly Callback[]
  /** When aborted, training ends after the step at hand; history and weights are kept. */
  readonly signal?: AbortSignal
  /** Record the step once and replay it (default true); false for debugging. */
  readonly compile?: boolean
}

/**
 * Trains `model` on `data`.
 *
 * The model is in train mode meanwhile, in eval mode for validation, and as before afterwards. The event loop gets a turn
 * every 30 ms or so.
 *
 * @throws GliaError if data and model do not fit each other, a setting makes no sense, or the loss is no longer a finite
 * number (naming epoch and step)
 */
export async function fit(model: Model, data: ArrayDataset, options: FitOptions): Promise<History> {
  return new Fit(model, data, options).run()
}

class Fit {
  readonly #model: Model
  readonly #data: ArrayDataset
  readonly #options: FitOptions
  readonly #epochs: number
  readonly #batchSize: number
  readonly #metrics: readonly (Metric | EpochMetric)[]
  readonly #callbacks: readonly Callback[]
  readonly #breathe = breather()
  readonly #records: EpochRecord[] = []
  readonly #start = performance.now()
  /** Steps per epoch. */
  readonly #perEpoch: number
  #steps = 0
  #stop = false

  constructor(model: Model, data: ArrayDataset, options: FitOptions) {
    this.#model = model
    this.#data = data
    this.#options = options
    this.#epochs = options.epochs ?? 1
    this.#batchSize = options.batchSize ?? 32
    this.#metrics = options.metrics ?? defaultMetrics(data)
    this.#callbacks = options.callbacks ?? []
    check(data, options, this.#epochs, this.#batchSize)
    this.#perEpoch = stepsOf(data.length, this.#batching())
  }

  async run(): Promise<History> {
    const rates = ratesOf(this.#options.optimizer)
    let failure: unknown
    try {
      await tell(this.#callbacks, 'onTrainBegin', {
        epochs: this.#epochs,
        steps: this.#perEpoch,
        batchSize: this.#batchSize,
        examples: this.#data.length,
      })
      await inMode(this.#model, true, () => this.#train(rates))
    } catch (error) {
      failure = error
      throw error
    } finally {
      for (const { group, lr, momentum } of rates) {
        if (group.lr !== lr) group.lr = lr
        if (momentum !== undefined && group.momentum !== momentum) group.momentum = momentum
      }
      await tell(this.#callbacks, 'onTrainEnd', this.#history(), failure)
    }
    return this.#history()
  }

  async #train(rates: readonly Rate[]): Promise<void> {
    const { optimizer, validation, loss, objective, schedule } = this.#options
    // The value that was minimised comes last, where it is not the loss itself.
    const { means, whole } = divided(this.#metrics)
    const learn = (x: Tensor, target: Tensor): Measured => {
      const y = asTarget(target)
      const output = this.#model.call(asInput(x))
      const value = (objective ?? loss)(output, y)
      optimizer.minimize(value)
      const metrics = means.map((m) => m.of(output, y))
      const values = objective ? [loss(output, y), ...metrics, value] : [value, ...metrics]
      return { values, seen: whole.length > 0 ? [output, y] : [] }
    }
    const compiled = this.#options.compile !== false
    const step = compiled ? compile(learn) : learn
    const measure = validation && this.#evaluator()
    for (let epoch = 1; epoch <= this.#epochs && !this.#stopped(); epoch++) {
      const start = performance.now()
      await tell(this.#callbacks, 'onEpochBegin', { epoch, epochs: this.#epochs, steps: this.#perEpoch })
      const meter = await this.#epoch(epoch, step, () => {
        if (!schedule) return
        const factor = schedule(this.#steps, this.#epochs * this.#perEpoch)
        const momentum = schedule.momentum?.(this.#steps)
        for (const { group, lr } of rates) {
          group.lr = lr * factor
          if (momentum !== undefined) group.momentum = momentum
        }
      })
      if (meter === null) break
      const trained = (performance.now() - start) / 1000
      const val = measure && (await this.#unlessAborted(() => measure(validation)))
      const record: EpochRecord = {
        epoch,
        train: meter.scores(),
        ...(val ? { val } : {}),
        seconds: (performance.now() - start) / 1000,
        rate: meter.examples / trained,
        lr: shown(optimizer.lr),
      }
      this.#records.push(record)
      await tell(this.#callbacks, 'onEpochEnd', { ...record, epochs: this.#epochs, stop: () => this.#halt() })
    }
  }

  /** One epoch's steps; null if it was stopped before the last of them. */
  async #epoch(epoch: number, step: (x: Tensor, y: Tensor) => Measured, schedule: () => void): Promise<Meter | null> {
    const meter = new Meter(this.#metrics)
    const begin = performance.now()
    let clock = begin
    let counted = 0
    let done = 0
    for (const { x, y, size } of batches(this.#data, deviceOf(this.#model), this.#batching(epoch))) {
      schedule()
      const { values: results, seen } = step(x, y)
      const values = await readAll('fit', results)
      this.#steps++
      done++
      this.#checkFinite(values[0], epoch, done)
      if (this.#options.objective) this.#checkFinite(values.pop() as number, epoch, done)
      meter.add(values, size, seen)
      const now = performance.now()
      // The first step compiles.
      if (done === 1) clock = now
      else counted += size
      const rate = counted > 0 ? (1000 * counted) / (now - clock) : (1000 * size) / (now - begin)
      const { loss, ...metrics } = meter.means()
      await tell(this.#callbacks, 'onBatchEnd', {
        epoch,
        epochs: this.#epochs,
        step: done,
        steps: this.#perEpoch,
        loss,
        metrics,
        batchLoss: values[0],
        lr: shown(this.#options.optimizer.lr),
        rate,
        seconds: (now - begin) / 1000,
        eta: Math.max(0, Math.min(this.#data.length, this.#perEpoch * this.#batchSize) - meter.examples) / rate,
        stop: () => this.#halt(),
      })
      await this.#breathe()
      if (this.#stopped() && done < this.#perEpoch) return null
    }
    return meter
  }

  #batching(epoch?: number): { batchSize: number; dropLast: boolean; order?: Int32Array } {
    const { shuffle = true, seed = 0, dropLast = false } = this.#options
    const order = epoch !== undefined && shuffle ? { order: orderOf(this.#data.length, seed, epoch) } : {}
    return { batchSize: this.#batchSize, dropLast, ...order }
  }

  #evaluator(): (data: ArrayDataset) => Promise<EpochRecord['train']> {
    const { loss, signal } = this.#options
    return evaluator(this.#model, {
      loss,
      metrics: this.#metrics,
      batchSize: this.#batchSize,
      compile: this.#options.compile !== false,
      ...(signal ? { signal } : {}),
    })
  }

  /** The result of `fn`, or undefined if the signal ended it. */
  async #unlessAborted<T>(fn: () => Promise<T>): Promise<T | undefined> {
    try {
      return await fn()
    } catch (error) {
      if (this.#options.signal?.aborted && error === this.#options.signal.reason) return undefined
      throw error
    }
  }

  #checkFinite(loss: number, epoch: number, step: number): void {
    if (Number.isFinite(loss)) return
    throw new GliaError(
      `fit: the loss became ${loss} in epoch ${epoch}, step ${step} of ${this.#perEpoch}, at a learning rate of ` +
        `${shown(this.#options.optimizer.lr)}. Make the learning rate smaller, or look for values in the data that are not finite.`,
    )
  }

  #halt(): void {
    this.#stop = true
  }

  #stopped(): boolean {
    return this.#stop || (this.#options.signal?.aborted ?? false)
  }

  #history(): History {
    return {
      epochs: [...this.#records],
      steps: this.#steps,
      stopped: this.#steps < this.#epochs * this.#perEpoch,
      seconds: (performance.now() - this.#start) / 1000,
    }
  }
}

interface Rate {
  readonly group: { lr: number; momentum?: number | null }
  readonly lr: number
  readonly momentum: number | undefined
}

/** The learning rates that a schedule multiplies, and the momenta it may replace. */
function ratesOf(optimizer: Minimizer): Rate[] {
  const groups: NonNullable<Minimizer['groups']> = optimizer.groups ?? [optimizer]
  return groups.map((group) => ({ group, lr: group.lr, momentum: group.momentum ?? undefined }))
}

/** A rate that went through float32, in as many digits as it has. */
function shown(lr: number): number {
  return Number(lr.toPrecision(7))
}

function check(data: ArrayDataset, options: FitOptions, epochs: number, batchSize: number): void {
  const { optimizer, validation, dropLast = false, seed = 0 } = options
  checkDataset('fit', 'training set', data)
  checkCount('fit', 'epochs', epochs)
  checkCount('fit', 'batchSize', batchSize)
  if (!Number.isSafeInteger(seed)) throw new GliaError(`fit: seed must be a whole number; received ${seed}.`)
  if (!(Number.isFinite(optimizer.lr) && optimizer.lr >= 0)) {
    throw new GliaError(`fit: the optimizer's learning rate must be a number of at least 0; received ${optimizer.lr}.`)
  }
  if (dropLast && data.length < batchSize) {
    throw new GliaError(
      `fit: with dropLast, ${data.length} examples make no batch of ${batchSize}. Use a smaller batchSize.`,
    )
  }
  if (!validation) return
  checkDataset('fit', 'validation set', validation)
  for (const key of ['x', 'y'] as const) {
    const [a, b] = [data[key].shape, validation[key].shape]
    if (showShape(a) === showShape(b)) continue
    throw new GliaError(
      `fit: the training set's ${key} has examples of shape ${showShape(a)}, the validation set's ${showShape(b)}; they must be alike.`,
    )
  }
}
