/** @file `fitInWorker`: a training that leaves the caller's thread free. */

import { GliaError } from '../core/errors.ts'
import { setWeights, weightsOf } from '../io/weights.ts'
import type { TargetName } from '../plan/create.ts'
import { defaultGenerator } from '../tensor/random.ts'
import { type BatchInfo, type Callback, type History, type TrainInfo, tell } from './callbacks.ts'
import type { TrainControl } from './control.ts'
import type { Model } from './evaluate.ts'
import { type Event, type FromWorker, type Order, type ToWorker, UNASKED, unpackError } from './worker-messages.ts'
import { openPort, type PageWorker, type ThreadWorker, type WorkerPort } from './worker-port.ts'

export interface WorkerFitOptions<I = unknown> {
  /** Its weights are what training starts from, and become what it ends with. */
  readonly model: Model
  /** For the worker's function: anything that can be cloned, such as typed arrays, a data set, or a file's name. */
  readonly input: I
  /**
   * Told in the caller's thread. Training waits for them after epochs and validations, so that `stop` ends it there; after
   * steps it goes on meanwhile, and `stop` ends it soon. What keeps weights (`checkpoints`, `earlyStopping`) belongs into
   * the worker's options.
   */
  readonly callbacks?: readonly Callback[]
  /** When aborted, training ends after the step at hand; history and weights are kept. */
  readonly signal?: AbortSignal
  /** Pauses and continues the training. */
  readonly control?: TrainControl
  /** What computes in the worker; `auto` by default. */
  readonly target?: TargetName
  /** Its threads; as `createDevice` by default. */
  readonly threads?: number
}

const EVENTS = [
  'onTrainBegin',
  'onEpochBegin',
  'onBatchEnd',
  'onValidation',
  'onEpochEnd',
  'onAbort',
  'onTrainEnd',
] as const satisfies readonly Event[]

let trainings = UNASKED

/**
 * Trains `model` in a worker, whose program calls `trainingWorker`: the caller's thread answers requests, or draws,
 * meanwhile. On the same target, weights and history are those of `fit`, to the bit; the caller's random numbers, from
 * which dropout and the like go on, are not used up.
 *
 * ```ts
 * const history = await fitInWorker(new URL('./training.js', import.meta.url), { model, input: { x, y, lr: 0.01 } })
 * ```
 *
 * @param worker the address of its program, for which a worker is started and ended, or a worker of one's own, which stays
 * (and can train again). For pages, bundlers understand `new Worker(new URL('./training.ts', import.meta.url), { type:
 * 'module' })`, and nothing else.
 * @throws what `fit` throws in the worker, what the worker's function throws, or GliaError if the worker cannot be started,
 * ends, or makes another model
 */
export async function fitInWorker<I = unknown>(
  worker: URL | PageWorker | ThreadWorker,
  options: WorkerFitOptions<I>,
): Promise<History> {
  return new Training(options).run(worker)
}

class Training {
  readonly #id: number = ++trainings
  readonly #options: WorkerFitOptions
  readonly #callbacks: readonly Callback[]
  #port: WorkerPort | null = null
  #ordered = false
  /** What a callback threw. */
  #thrown: { readonly error: unknown } | null = null
  #history: History = { epochs: [], steps: 0, stopped: false, seconds: 0 }
  #finish: (history: History) => void = () => {}
  #fail: (error: unknown) => void = () => {}
  /** Messages are dealt with one after another, callbacks awaited. */
  #queue: Promise<void> = Promise.resolve()

  constructor(options: WorkerFitOptions) {
    this.#options = options
    this.#callbacks = options.callbacks ?? []
  }

  async run(worker: URL | PageWorker | ThreadWorker): Promise<History> {
    const { model, signal, control } = this.#options
    const { state } = defaultGenerator
    const weights = await weightsOf(model)
    const result = new Promise<History>((resolve, reject) => {
      this.#finish = resolve
      this.#fail = reject
    })
    const abort = (): void => this.#say('abort')
    const unwatch = control?.onChange((paused) => this.#say(paused ? 'pause' : 'resume'))
    signal?.addEventListener('abort', abort)
    try {
      this.#port = openPort(worker, {
        hear: (message) => {
          if (message.glia !== this.#id && message.glia !== UNASKED) return
          if (message.say === 'ready') this.#order(weights, state)
          else this.#queue = this.#queue.then(() => this.#take(message)).catch((error) => this.#fail(error))
        },
        fail: (reason) => {
          // After what the worker still said.
          this.#queue = this.#queue.then(() => this.#fail(new GliaError(`fitInWorker: ${reason}`)))
        },
      })
      this.#port.post({ glia: this.#id, say: 'hello' })
      return await result
    } finally {
      signal?.removeEventListener('abort', abort)
      unwatch?.()
      await this.#port?.close()
    }
  }

  /** Sends what is to be trained, once the worker listens. */
  #order(weights: Order['weights'], generator: Order['generator']): void {
    if (this.#ordered) return
    this.#ordered = true
    const { input, target = 'auto', threads, control, signal } = this.#options
    const order: Order = {
      input,
      weights,
      generator,
      device: { target, ...(threads === undefined ? {} : { threads }) },
      events: EVENTS.filter((event) => this.#callbacks.some((callback) => callback[event])),
      paused: control?.paused ?? false,
      aborted: signal?.aborted ?? false,
    }
    try {
      this.#port?.post({ glia: this.#id, say: 'train', order })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.#fail(
        new GliaError(
          `fitInWorker: the input cannot be sent to the worker (${reason}). Pass arrays, numbers, texts and plain ` +
            'objects; tensors, models and functions are made in the worker.',
        ),
      )
    }
  }

  async #take(message: FromWorker): Promise<void> {
    if (message.say === 'event') return this.#tell(message)
    if (message.say === 'ready') return
    const { model } = this.#options
    if (message.weights) setWeights(model, message.weights, 'fitInWorker: the model of the worker')
    if (this.#thrown) this.#fail(this.#thrown.error)
    else if (message.say === 'done') this.#finish(message.history)
    else this.#fail(unpackError(message.error))
  }

  async #tell({ event, info, error, history }: FromWorker & { readonly say: 'event' }): Promise<void> {
    if (history) this.#history = history
    try {
      await this.#call(event, info, this.#thrown?.error ?? (error && unpackError(error)))
    } catch (thrown) {
      this.#thrown ??= { error: thrown }
    }
    this.#port?.post({ glia: this.#id, say: 'told', failed: this.#thrown !== null })
  }

  /** What was sent, with the functions that cannot be. */
  async #call(event: Event, info: unknown, error: unknown): Promise<void> {
    const stop = (): void => this.#say('stop')
    if (event === 'onTrainEnd') await tell(this.#callbacks, event, info as History, error)
    else if (event === 'onTrainBegin') {
      const capture = (): never => {
        throw new GliaError(
          'fitInWorker: weights and optimizer are in the worker. Give callbacks that save them to the worker’s options.',
        )
      }
      await tell(this.#callbacks, event, { ...(info as TrainInfo), capture, stop, history: () => this.#history })
    } else if (event === 'onAbort') await tell(this.#callbacks, event)
    else await tell(this.#callbacks, event as 'onBatchEnd', { ...(info as BatchInfo), stop })
  }

  #say(say: 'abort' | 'pause' | 'resume' | 'stop'): void {
    const message: ToWorker = { glia: this.#id, say }
    if (this.#ordered) this.#port?.post(message)
  }
}
