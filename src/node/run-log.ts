/** @file What a training tells while it runs, in files: `metrics.jsonl`, one JSON object per line, and TensorBoard's events. */

import { appendFileSync, existsSync, statSync, truncateSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Callback } from '../train/callbacks.ts'
import type { Scores } from '../train/metrics.ts'
import type { LayersRecord } from '../train/watch.ts'
import { fileHeader, joined, scalarEvent } from './tensorboard.ts'

export const METRICS = 'metrics.jsonl'

export interface RunLogOptions {
  /** Told once, in a sentence, if the files cannot be written; training goes on. Default: `console.warn`. */
  readonly report?: (message: string) => void
  /** Appends to a file. Default: `appendFileSync`. */
  readonly append?: (path: string, bytes: Uint8Array | string) => void
}

/** Milliseconds between two writings. */
const INTERVAL = 1000
/** Lines that wait at most for a disk that has no room. */
const MOST = 100_000

/**
 * A callback that writes down every step, validation and epoch in `directory`, which must exist. In a run that is resumed
 * from a checkpoint, what came after that is cut off first: files tell each step once.
 */
export function runLog(directory: string, options: RunLogOptions = {}): Callback {
  return new RunLog(directory, options).callback
}

class RunLog {
  readonly #metrics: string
  readonly #events: string
  readonly #options: RunLogOptions
  #lines: string[] = []
  #records: Uint8Array[] = []
  #written = performance.now()
  #reported = false
  readonly callback: Callback

  constructor(directory: string, options: RunLogOptions) {
    this.#metrics = join(directory, METRICS)
    const name = `events.out.tfevents.${Math.floor(Date.now() / 1000)}.${hostname()}.${process.pid}`
    this.#events = join(directory, name)
    this.#options = options
    let last = 0
    this.callback = {
      name: 'runLog',
      onTrainBegin: ({ done }) => {
        last = done
        if (done === 0 && existsSync(this.#metrics)) truncateSync(this.#metrics, 0)
        this.#records.push(fileHeader(Date.now() / 1000, done + 1))
      },
      onBatchEnd: ({ total, epoch, batchLoss, lr, layers }) => {
        last = total
        this.#line({ step: total, epoch, loss: batchLoss, lr, ...(layers ? { layers } : {}) })
        this.#scalars(total, { 'train/batch_loss': batchLoss, 'train/lr': lr, ...(layers ? layerTags(layers) : {}) })
        if (performance.now() - this.#written > INTERVAL) this.#flush()
      },
      onValidation: ({ step, epoch, val }) => {
        this.#line({ step, epoch, val })
        this.#scalars(step, tagged('validation', val))
      },
      onEpochEnd: ({ epoch, train, val, seconds }) => {
        this.#line({ step: last, epoch, train, ...(val ? { val } : {}), seconds })
        this.#scalars(last, { ...tagged('train', train), ...(val ? tagged('validation', val) : {}) })
        this.#flush()
      },
      onTrainEnd: () => this.#flush(),
      save: () => {
        this.#flush()
        return { values: { bytes: existsSync(this.#metrics) ? statSync(this.#metrics).size : 0 } }
      },
      load: ({ values }) => {
        const { bytes } = values as { bytes: number }
        if (existsSync(this.#metrics) && statSync(this.#metrics).size > bytes) truncateSync(this.#metrics, bytes)
      },
    }
  }

  #line(value: object): void {
    if (this.#lines.length < MOST) this.#lines.push(`${JSON.stringify(value)}\n`)
  }

  #scalars(step: number, values: Readonly<Record<string, number>>): void {
    if (this.#records.length < MOST) this.#records.push(scalarEvent({ step, time: Date.now() / 1000, values }))
  }

  #flush(): void {
    const { append = appendFileSync, report = console.warn } = this.#options
    this.#written = performance.now()
    // A run that never took a step leaves no files.
    if (this.#lines.length === 0) return
    try {
      if (this.#lines.length > 0) append(this.#metrics, this.#lines.join(''))
      this.#lines = []
      if (this.#records.length > 0) append(this.#events, joined(this.#records))
      this.#records = []
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (!this.#reported) report(`${this.#metrics} cannot be written: ${reason}. Training goes on.`)
      this.#reported = true
    }
  }
}

function tagged(set: string, scores: Scores): Record<string, number> {
  return Object.fromEntries(Object.entries(scores).map(([name, value]) => [`${set}/${name}`, value]))
}

function layerTags({ parameters, activations }: LayersRecord): Record<string, number> {
  const of = parameters.flatMap(({ name, gradient, weight, update }) => [
    [`gradient/${name}`, gradient],
    [`update_to_weight/${name}`, weight > 0 ? update / weight : 0],
  ])
  return Object.fromEntries([...of, ...activations.map(({ name, silent }) => [`silent/${name}`, silent])])
}
