/** @file `fit`: the training loop. */

import { GliaError } from '../core/errors.ts'
import type { ArrayDataset } from '../data/dataset.ts'
import { compile } from '../tensor/compile.ts'
import { checkCount, deviceOf, majorityOf, type TensorBatch } from './batches.ts'
import { breather } from './breathe.ts'
import { type Callback, type EpochRecord, type History, tell, type ValidationRecord } from './callbacks.ts'
import { evaluator, type Model, readAll } from './evaluate.ts'
import { defaultMetrics, type EpochMetric, Meter, type Metric, type Scores } from './metrics.ts'
import { inMode } from './modes.ts'
import { NotFiniteError } from './not-finite.ts'
import { checkOptions, type FitOptions, type Minimizer, optimizersOf } from './options.ts'
import { Rates, shown } from './rates.ts'
import { Replay } from './replay.ts'
import { arraySource, type BatchSource } from './source.ts'
import {
  captureCallbacks,
  captureTensors,
  checkResumable,
  generatorsOf,
  type Parts,
  type Progress,
  restore,
  STATE_FORMAT,
  type TrainingState,
} from './state.ts'
import { type Learned, makeStep, type Step } from './step.ts'
import type { LayersRecord, Watcher } from './watch.ts'

/**
 * Trains `model` on `data`: examples in memory, or anything that gives batches epoch by epoch.
 *
 * The model is in train mode meanwhile, in eval mode for validation, and as before afterwards; so are learning rates. The
 * event loop gets a turn every 30 ms or so. The same data, options, seeds and device give the same bits, whether a run is
 * interrupted and resumed or not.
 *
 * @throws GliaError if data and model do not fit each other, a setting makes no sense, the state to resume from is of
 * another training, or the loss is no longer a finite number (a `NotFiniteError`, which names the first operation that was
 * at fault, its layer and step)
 */
export async function fit(model: Model, data: ArrayDataset | BatchSource, options: FitOptions): Promise<History> {
  return new Fit(model, data, options).run()
}

class Fit {
  readonly #model: Model
  readonly #source: BatchSource
  readonly #options: FitOptions
  readonly #epochs: number
  readonly #batchSize: number
  readonly #metrics: readonly (Metric | EpochMetric)[]
  readonly #callbacks: readonly Callback[]
  readonly #optimizers: readonly Minimizer[]
  readonly #rates: Rates
  readonly #parts: Parts
  readonly #plain: Step
  readonly #step: Step
  readonly #watcher: Watcher
  readonly #replay: Replay | null
  readonly #majority: number | undefined
  readonly #breathe = breather()
  readonly #records: EpochRecord[] = []
  readonly #checks: ValidationRecord[] = []
  readonly #layers: LayersRecord[] = []
  readonly #begin = performance.now()
  /** Steps to take in all. */
  readonly #total: number
  readonly #setup: Progress['setup']
  /** Seconds of earlier parts of a resumed run. */
  #before = 0
  #start: number | null = null
  #steps = 0
  #epoch = 1
  /** Steps done in the epoch under way. */
  #done = 0
  #meter: Meter
  #stop = false

  constructor(model: Model, data: ArrayDataset | BatchSource, options: FitOptions) {
    this.#model = model
    this.#options = options
    this.#batchSize = options.batchSize ?? 32
    checkOptions(data, options, this.#batchSize)
    const dataset = 'x' in data ? data : null
    const { shuffle = true, seed = 0, dropLast = false, maxSteps = Number.POSITIVE_INFINITY } = options
    const batching = { batchSize: this.#batchSize, shuffle, seed, dropLast }
    this.#source = 'x' in data ? arraySource(data, deviceOf(model), batching) : data
    checkCount('fit', 'the number of batches in an epoch', this.#source.steps)
    const needed = Number.isFinite(maxSteps) ? Math.ceil(maxSteps / this.#source.steps) : 1
    this.#epochs = options.epochs ?? needed
    this.#total = Math.min(maxSteps, this.#epochs * this.#source.steps)
    this.#metrics = options.step ? [] : (options.metrics ?? (dataset ? defaultMetrics(dataset) : []))
    this.#majority = dataset ? majorityOf(dataset) : undefined
    this.#callbacks = options.callbacks ?? []
    this.#optimizers = optimizersOf(options)
    this.#rates = new Rates(this.#optimizers)
    this.#parts = {
      model,
      optimizers: this.#optimizers,
      ema: options.ema,
      generators: generatorsOf(options.generators),
      callbacks: this.#callbacks,
    }
    const { accumulate = 1, watch = 0 } = options
    this.#setup = { examples: this.#source.examples, steps: this.#source.steps, ...batching, accumulate, watch }
    const { step, watcher } = makeStep(model, this.#metrics, options)
    this.#plain = step
    this.#step = options.compile === false ? step : compile(step)
    this.#watcher = watcher
    this.#meter = new Meter(this.#metrics)
    const savable = this.#optimizers.every((o) => o.stateDict && o.loadStateDict)
    this.#replay = (options.locate ?? true) && savable ? new Replay(this.#parts, this.#rates) : null
    if (options.resume) checkResumable(options.resume, this.#setup, this.#rates.values.length)
  }

  async run(): Promise<History> {
    if (this.#options.resume) this.#takeUp(this.#options.resume)
    let failure: unknown
    try {
      await tell(this.#callbacks, 'onTrainBegin', {
        epochs: this.#epochs,
        steps: this.#source.steps,
        batchSize: this.#batchSize,
        examples: this.#source.examples,
        done: this.#steps,
        capture: () => this.#capture(),
        history: () => this.#history(),
        stop: () => this.#halt(),
      })
      await inMode(this.#model, true, () => this.#train())
    } catch (error) {
      failure = error
      throw error
    } finally {
      this.#rates.reset()
      await tell(this.#callbacks, 'onTrainEnd', this.#history(), failure)
    }
    return this.#history()
  }

  async #train(): Promise<void> {
    const { validation } = this.#options
    const measure = validation && this.#evaluator(validation)
    while (this.#epoch <= this.#epochs && this.#steps - this.#done < this.#total && !this.#stopped()) {
      const start = performance.now()
      const epoch = this.#epoch
      const seen = this.#meter.examples
      await tell(this.#callbacks, 'onEpochBegin', { epoch, epochs: this.#epochs, steps: this.#source.steps })
      if (!(await this.#runEpoch(measure))) break
      const trained = (performance.now() - start) / 1000
      const val = measure && (await this.#unlessAborted(measure))
      const record: EpochRecord = {
        epoch,
        train: this.#meter.scores(),
        ...(val ? { val } : {}),
        seconds: (performance.now() - start) / 1000,
        rate: (this.#meter.examples - seen) / trained,
        lr: shown(this.#optimizers[0].lr),
      }
      this.#records.push(record)
      this.#epoch++
      this.#done = 0
      this.#meter = new Meter(this.#metrics)
      await tell(this.#callbacks, 'onEpochEnd', { ...record, epochs: this.#epochs, stop: () => this.#halt() })
    }
    if (this.#options.signal?.aborted && this.#steps > 0) await tell(this.#callbacks, 'onAbort')
  }

  /** The rest of an epoch's steps; false if it was stopped before the last of them. */
  async #runEpoch(measure: (() => Promise<Scores>) | undefined): Promise<boolean> {
    const { validateEvery, control, signal } = this.#options
    const pace = new Pace()
    for await (const batch of this.#source.epoch(this.#epoch, this.#done)) {
      if (this.#steps >= this.#total) break
      const { batchLoss, layers } = await this.#learn(batch)
      if (measure && validateEvery && this.#steps % validateEvery === 0) await this.#check(measure)
      await this.#report(batchLoss, layers, pace.of(batch.size))
      await this.#breathe()
      await control?.waiting(signal)
      if (this.#stopped() && this.#done < this.#source.steps && this.#steps < this.#total) return false
    }
    return true
  }

  async #learn({ x, y, size }: TensorBatch): Promise<{ batchLoss: number; layers: LayersRecord | null }> {
    const { schedule, watch } = this.#options
    if (schedule) this.#rates.follow(schedule, this.#steps, this.#total)
    const watched = watch !== undefined && (this.#steps + 1) % watch === 0
    this.#replay?.note({ epoch: this.#epoch, done: this.#done, steps: this.#steps, watched })
    const { values: results, seen, minimised, layers: figures }: Learned = this.#step(x, y, watched)
    const values = await readAll('fit', results)
    this.#steps++
    this.#done++
    this.#start ??= values.loss
    await this.#checkFinite(values.loss)
    if (minimised) await this.#checkFinite((await readAll('fit', { loss: minimised })).loss)
    this.#meter.add(values, size, seen)
    const layers = watched ? await this.#watcher.read(this.#steps, figures) : null
    if (layers) this.#layers.push(layers)
    return { batchLoss: values.loss, layers }
  }

  async #report(batchLoss: number, layers: LayersRecord | null, { rate, seconds }: Figures): Promise<void> {
    const { loss, ...metrics } = this.#meter.means()
    const left = Math.max(0, this.#source.examples - this.#meter.examples)
    await tell(this.#callbacks, 'onBatchEnd', {
      epoch: this.#epoch,
      epochs: this.#epochs,
      step: this.#done,
      steps: this.#source.steps,
      total: this.#steps,
      loss,
      metrics,
      batchLoss,
      lr: shown(this.#optimizers[0].lr),
      ...(layers ? { layers } : {}),
      rate,
      seconds,
      eta: left / rate,
      stop: () => this.#halt(),
    })
  }

  /** Measures within an epoch. */
  async #check(measure: () => Promise<Scores>): Promise<void> {
    const val = await this.#unlessAborted(measure)
    if (!val) return
    const record = { step: this.#steps, epoch: this.#epoch, val }
    this.#checks.push(record)
    await tell(this.#callbacks, 'onValidation', { ...record, stop: () => this.#halt() })
  }

  #evaluator(validation: ArrayDataset): () => Promise<Scores> {
    const { loss, signal, ema, metrics } = this.#options
    const measured = metrics ?? defaultMetrics(validation)
    const evaluate = evaluator(this.#model, {
      loss,
      metrics: measured,
      batchSize: this.#batchSize,
      compile: this.#options.compile !== false,
      ...(signal ? { signal } : {}),
    })
    return async () => {
      ema?.swap()
      try {
        return await evaluate(validation)
      } finally {
        ema?.swap()
      }
    }
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

  async #checkFinite(loss: number): Promise<void> {
    if (Number.isFinite(loss)) return
    const place = `in epoch ${this.#epoch}, step ${this.#done} of ${this.#source.steps}`
    const lr = shown(this.#optimizers[0].lr)
    const begun = `fit: the loss became ${loss} ${place}, at a learning rate of ${lr}.`
    const origin = await this.#replay?.find(this.#source, this.#plain, this.#step).catch((error: unknown) => {
      // Why it cannot be told is less interesting than what happened.
      if (error instanceof GliaError) return null
      throw error
    })
    throw new NotFiniteError(begun, { step: this.#steps, epoch: this.#epoch, lr }, origin ?? null)
  }

  #takeUp(state: TrainingState): void {
    const { progress } = state
    restore(this.#parts, state)
    this.#rates.base = progress.base
    this.#before = progress.seconds
    this.#start = progress.start
    this.#steps = progress.steps
    this.#epoch = progress.epoch
    this.#done = progress.step
    this.#meter = new Meter(this.#metrics, progress.meter)
    this.#records.push(...progress.epochs)
    this.#checks.push(...progress.checks)
    this.#layers.push(...progress.layers)
  }

  #capture(): TrainingState {
    const progress: Progress = {
      format: STATE_FORMAT,
      epoch: this.#epoch,
      step: this.#done,
      steps: this.#steps,
      seconds: this.#seconds(),
      meter: this.#meter.state,
      base: this.#rates.base,
      start: this.#start,
      epochs: [...this.#records],
      checks: [...this.#checks],
      layers: [...this.#layers],
      generators: this.#parts.generators.map((g) => g.state),
      callbacks: captureCallbacks(this.#callbacks),
      setup: this.#setup,
    }
    return { progress, tensors: captureTensors(this.#parts) }
  }

  #halt(): void {
    this.#stop = true
  }

  #stopped(): boolean {
    return this.#stop || (this.#options.signal?.aborted ?? false)
  }

  #seconds(): number {
    return this.#before + (performance.now() - this.#begin) / 1000
  }

  #history(): History {
    return {
      epochs: [...this.#records],
      ...(this.#checks.length > 0 ? { checks: [...this.#checks] } : {}),
      ...(this.#layers.length > 0 ? { layers: [...this.#layers] } : {}),
      ...(this.#start === null ? {} : { start: this.#start }),
      ...(this.#majority === undefined ? {} : { majority: this.#majority }),
      steps: this.#steps,
      stopped: this.#steps < this.#total,
      seconds: this.#seconds(),
    }
  }
}

interface Figures {
  /** Examples per second. */
  readonly rate: number
  readonly seconds: number
}

/** Measures how fast an epoch goes. */
class Pace {
  readonly #begin = performance.now()
  #clock = this.#begin
  #counted = 0
  #first = true

  /** Figures after one more batch of so many examples. */
  of(size: number): Figures {
    const now = performance.now()
    // The first step compiles.
    if (this.#first) this.#clock = now
    else this.#counted += size
    this.#first = false
    const rate = this.#counted > 0 ? (1000 * this.#counted) / (now - this.#clock) : (1000 * size) / (now - this.#begin)
    return { rate, seconds: (now - this.#begin) / 1000 }
  }
}
