/** @file Callbacks that watch a figure: early stopping, which may bring the best weights back, and learning rates on plateaus. */

import { GliaError } from '../core/errors.ts'
import { checkNumber } from '../core/ranges.ts'
import type { TensorToWrite } from '../io/safetensors.ts'
import type { AnyModule } from '../nn/module.ts'
import type { ReduceOnPlateau } from '../optim/scheduler.ts'
import type { Callback, EpochRecord } from './callbacks.ts'
import { captureTensors } from './state.ts'

/** Which figure of an epoch is watched. */
export interface Monitored {
  /** `val.loss` (the default), `train.loss`, `val.accuracy` … */
  readonly monitor?: string
  /** Whether less is better or more. Default: more for what has accuracy in its name, else less. */
  readonly mode?: 'min' | 'max'
}

/** The figure of an epoch that `monitor` names. @throws GliaError if there is none, saying which there are */
export function monitored(operation: string, record: Pick<EpochRecord, 'train' | 'val'>, monitor: string): number {
  const [set, ...rest] = monitor.split('.')
  const name = rest.join('.')
  const scores = set === 'train' ? record.train : set === 'val' ? record.val : undefined
  if (scores && name in scores) return scores[name]
  const known = (['train', 'val'] as const).flatMap((s) => Object.keys(record[s] ?? {}).map((n) => `${s}.${n}`))
  throw new GliaError(
    `${operation}: there is no figure ${JSON.stringify(monitor)} to watch; there are ${known.join(', ')}.`,
  )
}

/** Whether more of a figure is better. */
export function isMax({ monitor = 'val.loss', mode }: Monitored): boolean {
  return mode === undefined ? monitor.includes('accuracy') : mode === 'max'
}

export interface EarlyStoppingOptions extends Monitored {
  /** Epochs without an improvement after which training ends (default 5). */
  readonly patience?: number
  /** The least improvement that counts (default 0). */
  readonly minDelta?: number
  /** Give the model the weights of its best epoch back when training ends (default true). */
  readonly restoreBest?: boolean
}

/** Ends a training whose figure no longer improves (Prechelt 1998), and brings the best weights back. */
export function earlyStopping(model: AnyModule, options: EarlyStoppingOptions = {}): Callback {
  const { monitor = 'val.loss', patience = 5, minDelta = 0, restoreBest = true } = options
  checkNumber('earlyStopping', 'patience', patience, { min: 0, whole: true })
  checkNumber('earlyStopping', 'minDelta', minDelta, { min: 0 })
  const sign = isMax(options) ? -1 : 1
  let best = Number.POSITIVE_INFINITY
  let bad = 0
  let weights: ReadonlyMap<string, TensorToWrite> | null = null
  return {
    name: 'earlyStopping',
    onTrainBegin: ({ stop }) => {
      // A resumed run that had ended already.
      if (bad > patience) stop()
    },
    onEpochEnd: (info) => {
      // An epoch whose validation was interrupted says nothing.
      if (monitor.startsWith('val.') && !info.val && Number.isFinite(best)) return
      const value = sign * monitored('earlyStopping', info, monitor)
      if (value < best - (Number.isFinite(best) ? minDelta : 0)) {
        best = value
        bad = 0
        if (restoreBest) weights = captureTensors({ model, optimizers: [], generators: [], callbacks: [] })
      } else bad++
      if (bad > patience) info.stop()
    },
    onTrainEnd: () => {
      if (!weights) return
      for (const [name, t] of model.namedState()) t.set(weights.get(`model.${name}`)?.data ?? [])
    },
    save: () => ({ values: { best, bad }, tensors: Object.fromEntries(weights ?? []) }),
    load: ({ values, tensors = {} }) => {
      const saved = values as { best: number; bad: number }
      best = saved.best
      bad = saved.bad
      weights = Object.keys(tensors).length > 0 ? new Map(Object.entries(tensors)) : null
    },
  }
}

/**
 * Tells a `ReduceOnPlateau` each epoch's figure, so that it reduces learning rates. Not beside a `schedule`, which sets the
 * rates anew at every step.
 */
export function plateau(scheduler: ReduceOnPlateau, options: Pick<Monitored, 'monitor'> = {}): Callback {
  const { monitor = 'val.loss' } = options
  return {
    name: 'plateau',
    onEpochEnd: (info) => {
      if (monitor.startsWith('val.') && !info.val) return
      scheduler.step(monitored('plateau', info, monitor))
    },
    save: () => ({ values: scheduler.state }),
    load: ({ values }) => {
      scheduler.state = values as ReduceOnPlateau['state']
    },
  }
}
