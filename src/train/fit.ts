/** @file `fit`: the training loop. */

import { GliaError } from '../core/errors.ts'
import type { ArrayDataset } from '../data/dataset.ts'
import type { Device } from '../plan/device.ts'
import { compile } from '../tensor/compile.ts'
import { checkCount, type DataPlace, deviceOf, majorityOf, type TensorBatch } from './batches.ts'
import { breather } from './breathe.ts'
import { type Callback, type EpochRecord, type History, tell, type ValidationRecord } from './callbacks.ts'
import { evaluator, type Model, readAll } from './evaluate.ts'
import { defaultMetrics, type EpochMetric, Meter, type Metric, type Scores } from './metrics.ts'
import { inMode } from './modes.ts'
import { NotFiniteError } from './not-finite.ts'
import { batchingOf, checkOptions, checkSchedule, type FitOptions, type Minimizer, optimizersOf } from './options.ts'
import { Rates, shown } from './rates.ts'
import { Replay } from './replay.ts'
import {
  arraySource,
  type BatchSource,
  isArrays,
  isLoader,
  type Loader,
  loaderSource,
  portioned,
  type SourceOptions,
  type TrainingData,
} from './source.ts'
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
 * Trains `model` on `data`: examples in memory, a `DataLoader` whose batches have `x` and `y`, or anything that gives
 * batches epoch by epoch. A loader is read from its first epoch on, wherever it stands, and left where it stands.
 *
 * The model is in train mode meanwhile, in eval mode for validation, and as before afterwards; so are learning rates. The
 * event loop gets a turn every 30 ms or so. The same data, options, seeds and device give the same bits, whether a run is
 * interrupted and resumed or not.
 *
 * @throws GliaError if data and model do not fit each other, a setting makes no sense, the state to resume from is of
 * another training, or the loss is no longer a finite number (a `NotFiniteError`, which names the first operation that was
 * at fault, its layer and step)
 */
export async function fit(model: Model, data: TrainingData, options: FitOptions): Promise<History> {
  return new Fit(model, data, options).run()
}

class Fit {
  readonly #model: Model
  readonly #source: BatchSource
  readonly #options: FitOptions
  readonly #epochs: number
  readonly #batchSize: number
  readonly #metrics: readonly (Metric | EpochMetric)[] | null
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
  /** Steps to take in all, infinity if nobody knows. */
  readonly #total: number
  readonly #setup: Progress['setup']
  /** Seconds of earlier parts of a resumed run. */
  #before = 0
  #start: number | null = null
  #steps = 0
  #epoch = 1
  /** Steps done in the epoch under way. */
  #done = 0
  /** Where the data goes on, if the source says so. */
  #place: DataPlace | undefined
  /** Batches and examples in an epoch, as the source says or as the last epoch has shown. */
  #length: { readonly steps: number | undefined; readonly examples: number | undefined }
  #meter: Meter
  #stop = false

  constructor(model: Model, data: TrainingData, options: FitOptions) {
    this.#model = model
    this.#options = options
    const batching = batchingOf(data, options)
    this.#batchSize = batching.batchSize
    checkOptions(data, options, this.#batchSize)
    const dataset = isArrays(data) ? data : null
    const { maxSteps = Number.POSITIVE_INFINITY, stepsPerEpoch } = options
    const whole = sourceOf(data, deviceOf(model), batching)
    this.#source = stepsPerEpoch === undefined ? whole : portioned(whole, stepsPerEpoch)
    this.#length = { steps: this.#source.steps, examples: this.#source.examples }
    const { steps = Number.POSITIVE_INFINITY } = this.#length
    if (Number.isFinite(steps)) checkCount('fit', 'the number of batches in an epoch', steps)
    const needed = Number.isFinite(steps) ? Math.ceil(maxSteps / steps) : Number.POSITIVE_INFINITY
    this.#epochs = options.epochs ?? (Number.isFinite(maxSteps) ? needed : 1)
    this.#total = Math.min(maxSteps, this.#epochs * steps)
    checkSchedule(options.schedule, this.#total)
    this.#metrics = options.step ? [] : (options.metrics ?? defaultsFor(data))
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
    this.#setup = { ...known(this.#length), ...batching, accumulate, watch, ...known({ stepsPerEpoch }) }
    const { step, watcher } = makeStep(model, this.#metrics, options)
    this.#plain = step
    this.#step = options.compile === false ? step : compile(step)
    this.#watcher = watcher
    this.#meter = new Meter(this.#metrics ?? [])
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
        steps: this.#length.steps,
        batchSize: this.#batchSize,
        examples: this.#length.examples,
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
      await this.#source.close?.()
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
      await tell(this.#callbacks, 'onEpochBegin', { epoch, epochs: this.#epochs, steps: this.#length.steps })
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
      if (this.#source.steps === undefined) this.#length = { steps: this.#done, examples: this.#meter.examples }
      this.#epoch++
      this.#done = 0
      this.#meter = new Meter(this.#metrics ?? [])
      await tell(this.#callbacks, 'onEpochEnd', { ...record, epochs: this.#epochs, stop: () => this.#halt() })
    }
    if (this.#options.signal?.aborted && this.#steps > 0) await tell(this.#callbacks, 'onAbort')
  }

  /** The rest of an epoch's steps; false if it was stopped before the last of them. */
  async #runEpoch(measure: (() => Promise<Scores>) | undefined): Promise<boolean> {
    const { validateEvery, control, signal } = this.#options
    const pace = new Pace()
    // A resumed run may have nothing left to do in this epoch.
    if (this.#steps >= this.#total) return true
    for await (const batch of this.#source.epoch(this.#epoch, this.#done, this.#place)) {
      const { batchLoss, layers } = await this.#learn(batch)
      if (measure && validateEvery && this.#steps % validateEvery === 0) await this.#check(measure)
      await this.#report(batchLoss, layers, pace.of(batch.size))
      await this.#breathe()
      await control?.waiting(signal)
      if (this.#steps >= this.#total) break
      if (this.#stopped() && this.#done !== this.#source.steps) return false
    }
    if (this.#done > 0) return true
    throw new GliaError(`fit: the data gave no batch in epoch ${this.#epoch}.`)
  }

  async #learn({ x, y, size, after }: TensorBatch): Promise<{ batchLoss: number; layers: LayersRecord | null }> {
    const { schedule, watch } = this.#options
    if (schedule) this.#rates.follow(schedule, this.#steps, this.#total)
    const watched = watch !== undefined && (this.#steps + 1) % watch === 0
    this.#replay?.note({ epoch: this.#epoch, done: this.#done, place: this.#place, steps: this.#steps, watched })
    const { values: results, seen, minimised, layers: figures }: Learned = this.#step(x, y, watched)
    const values = await readAll('fit', results)
    this.#steps++
    this.#done++
    this.#place = after
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
    const { steps, examples } = this.#length
    const left = examples === undefined ? undefined : Math.max(0, examples - this.#meter.examples)
    await tell(this.#callbacks, 'onBatchEnd', {
      epoch: this.#epoch,
      epochs: this.#epochs,
      step: this.#done,
      steps,
      total: this.#steps,
      loss,
      metrics,
      batchLoss,
      lr: shown(this.#optimizers[0].lr),
      ...(layers ? { layers } : {}),
      rate,
      seconds,
      eta: left === undefined ? undefined : left / rate,
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

  #evaluator(validation: ArrayDataset | Loader): () => Promise<Scores> {
    const { loss, signal, ema, metrics } = this.#options
    const evaluate = evaluator(this.#model, {
      loss,
      ...(metrics ? { metrics } : {}),
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
    const place = `in epoch ${this.#epoch}, step ${this.#done}${this.#length.steps === undefined ? '' : ` of ${this.#length.steps}`}`
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
    this.#place = progress.data?.place
    if (this.#source.steps === undefined && progress.data) this.#length = { ...this.#length, ...progress.data.length }
    this.#meter = new Meter(this.#metrics ?? [], progress.meter)
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
      ...(this.#place ? { data: { place: this.#place, length: known(this.#length) } } : {}),
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
      stopped: this.#steps < this.#total && this.#epoch <= this.#epochs,
      seconds: this.#seconds(),
    }
  }
}

function sourceOf(data: TrainingData, device: Device, batching: SourceOptions): BatchSource {
  if (isArrays(data)) return arraySource(data, device, batching)
  return isLoader(data) ? loaderSource('fit', data, device) : data
}

/** Metrics where none are named; null: what the targets of each batch suggest. */
function defaultsFor(data: TrainingData): readonly Metric[] | null {
  if (isArrays(data)) return defaultMetrics(data)
  return isLoader(data) ? null : []
}

/** Those that have a value. */
function known(values: Readonly<Record<string, number | undefined>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).flatMap(([k, v]) => (v === undefined ? [] : [[k, v] as const])))
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
