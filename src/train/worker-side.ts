/** @file What a worker does that trains for `fitInWorker`. */

import { GliaError } from '../core/errors.ts'
import { setWeights, weightsOf } from '../io/weights.ts'
import { createDevice } from '../plan/create.ts'
import { setDefaultDevice } from '../plan/device.ts'
import { defaultGenerator } from '../tensor/random.ts'
import type { Callback, TrainInfo } from './callbacks.ts'
import { TrainControl } from './control.ts'
import type { Model } from './evaluate.ts'
import { fit } from './fit.ts'
import type { FitOptions } from './options.ts'
import {
  buffersOf,
  type Event,
  type FromWorker,
  isMessage,
  MOST_AHEAD,
  type Order,
  packError,
  type ToWorker,
  UNASKED,
} from './worker-messages.ts'

/** What `fit` is to be called with. */
export interface Training {
  readonly model: Model
  readonly data: Parameters<typeof fit>[1]
  /** Callbacks here run in the worker: those that keep weights, such as `checkpoints` and `earlyStopping`, belong here. */
  readonly options: Omit<FitOptions, 'signal' | 'control'>
}

/**
 * Makes the module that calls it one that `fitInWorker` can train with. To be called once, at the top of a worker's
 * program; on the main thread it does nothing, so that the module can be imported there as well.
 *
 * ```ts
 * // training.ts
 * export default trainingWorker(({ x, y, lr }: Input) => {
 *   const model = makeModel()
 *   const optimizer = new Adam(model.parameters(), { lr })
 *   return { model, data: arrayDataset({ x, y }), options: { loss: mse, optimizer, epochs: 20 } }
 * })
 * ```
 *
 * @param make from the `input` of `fitInWorker` to what `fit` takes. The default device is ready then; the model gets the
 * weights of the caller's, and random numbers go on from the caller's.
 * @returns `make`
 */
export function trainingWorker<I>(
  make: (input: I) => Training | Promise<Training>,
): (input: I) => Training | Promise<Training> {
  const port = ownPort()
  if (port) serve(port, make as (input: unknown) => Training | Promise<Training>)
  return make
}

/** The way to whoever started this worker. */
interface Port {
  post(message: FromWorker, transfer?: ArrayBuffer[]): void
  listen(listener: (message: unknown) => void): void
}

interface WorkerScope {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
}

/** Undefined on the main thread. */
function ownPort(): Port | undefined {
  const parent = globalThis.process?.getBuiltinModule?.('node:worker_threads')?.parentPort
  if (parent) {
    return {
      post: (message, transfer = []) => parent.postMessage(message, transfer),
      listen: (listener) => void parent.on('message', listener),
    }
  }
  if (!('WorkerGlobalScope' in globalThis)) return undefined
  const scope = globalThis as unknown as WorkerScope
  return {
    post: (message, transfer = []) => scope.postMessage(message, transfer),
    listen: (listener) => scope.addEventListener('message', ({ data }) => listener(data)),
  }
}

function serve(port: Port, make: (input: unknown) => Training | Promise<Training>): void {
  let current: Session | null = null
  port.listen((message) => {
    if (!isMessage<ToWorker>(message)) return
    const { glia } = message
    if (message.say === 'hello') port.post({ glia, say: 'ready' })
    else if (message.say !== 'train') {
      if (current?.id === glia) current.hear(message)
    } else if (current) {
      const error = new GliaError('fitInWorker: the worker is training already; wait, or start another worker.')
      port.post({ glia, say: 'failed', error: packError(error) })
    } else {
      current = new Session(glia, port)
      void current.train(message.order, make).finally(() => {
        current = null
      })
    }
  })
  port.post({ glia: UNASKED, say: 'ready' })
}

/** One training. */
class Session {
  readonly id: number
  readonly #port: Port
  readonly #abort = new AbortController()
  readonly #control = new TrainControl()
  /** Events that were sent, and those that the caller has told its callbacks. */
  #sent = 0
  #told = 0
  #failed = false
  #stop = false
  #wake: () => void = () => {}

  constructor(id: number, port: Port) {
    this.id = id
    this.#port = port
  }

  hear(message: ToWorker): void {
    if (message.say === 'abort') this.#abort.abort()
    else if (message.say === 'pause') this.#control.pause()
    else if (message.say === 'resume') this.#control.resume()
    else if (message.say === 'stop') this.#stop = true
    else if (message.say === 'told') {
      this.#told++
      this.#failed ||= message.failed
    }
    this.#wake()
  }

  async train(order: Order, make: (input: unknown) => Training | Promise<Training>): Promise<void> {
    let model: Model | null = null
    if (order.paused) this.#control.pause()
    if (order.aborted) this.#abort.abort()
    try {
      const { target, ...threads } = order.device
      setDefaultDevice(await createDevice(target, threads))
      defaultGenerator.state = order.generator
      const training = await make(order.input)
      setWeights(training.model, order.weights, 'fitInWorker: the model of the caller', 'that of the worker')
      model = training.model
      // Again: building the model has drawn its initial weights, as the caller's has before.
      defaultGenerator.state = order.generator
      const history = await fit(model, training.data, {
        ...training.options,
        signal: this.#abort.signal,
        control: this.#control,
        callbacks: [...(training.options.callbacks ?? []), this.#forwarder(order.events)],
      })
      const weights = await weightsOf(model)
      this.#post({ glia: this.id, say: 'done', history, weights }, buffersOf(weights))
    } catch (error) {
      // A training that failed leaves the weights it had come to, as fit does.
      const weights = model && (await weightsOf(model).catch(() => null))
      const failed = { glia: this.id, say: 'failed', error: packError(error), ...(weights ? { weights } : {}) } as const
      this.#post(failed, weights ? buffersOf(weights) : [])
    }
  }

  /** Sends events to the caller. */
  #forwarder(events: readonly Event[]): Callback {
    let past: TrainInfo['history'] | undefined
    const send = async (event: Event, info: unknown, error?: unknown): Promise<void> => {
      const failure = error === undefined ? {} : { error: packError(error) }
      // Steps go on while the caller is told of them, but not far; all else is told before training goes on.
      const ahead = event === 'onBatchEnd' ? MOST_AHEAD : 0
      const history = past && ahead === 0 ? { history: past() } : {}
      this.#post({ glia: this.id, say: 'event', event, info, ...history, ...failure })
      this.#sent++
      while (this.#sent - this.#told > ahead) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
      if (this.#failed && event !== 'onTrainEnd') throw new GliaError('fitInWorker: a callback threw.')
    }
    const stoppable = async (event: Event, info: object): Promise<void> => {
      await send(event, withoutFunctions(info))
      if (this.#stop) (info as { readonly stop?: () => void }).stop?.()
    }
    const all: Required<Pick<Callback, Event>> = {
      onTrainBegin: (info) => {
        past = info.history
        return stoppable('onTrainBegin', info)
      },
      onEpochBegin: (info) => stoppable('onEpochBegin', info),
      onBatchEnd: (info) => stoppable('onBatchEnd', info),
      onValidation: (info) => stoppable('onValidation', info),
      onEpochEnd: (info) => stoppable('onEpochEnd', info),
      onAbort: () => send('onAbort', undefined),
      onTrainEnd: (history, error) => send('onTrainEnd', history, error),
    }
    return Object.fromEntries(Object.entries(all).filter(([event]) => events.includes(event as Event)))
  }

  #post(message: FromWorker, transfer: ArrayBuffer[] = []): void {
    this.#port.post(message, transfer)
  }
}

/** What can be sent of what callbacks are told. */
function withoutFunctions(info: object): object {
  return Object.fromEntries(Object.entries(info).filter(([, value]) => typeof value !== 'function'))
}
