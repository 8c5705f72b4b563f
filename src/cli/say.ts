/** @file How a training is told of: to people, and to programs. */

import { join } from 'node:path'
import type { KernelTime } from '../plan/device.ts'
import type { Callback, EpochRecord } from '../train/callbacks.ts'
import type { Finding } from '../train/diagnose/index.ts'
import type { Scores } from '../train/metrics.ts'
import { progressBar, scores } from '../train/progress.ts'
import { verdict } from './diagnose.ts'
import { profileTable } from './profile.ts'

export type Row = readonly [name: string, value: string]

/** What there is to say before a training. */
export interface Opening {
  readonly title: string
  /** Everything that was decided. */
  readonly rows: readonly Row[]
  /** The same for programs. */
  readonly event: object
}

/** What there is to say after a training. */
export interface Ending {
  readonly epochs: readonly EpochRecord[]
  /** Whether it ended before its last epoch. */
  readonly stopped: boolean
  /** Epoch whose weights were kept, where it is not the last by rule. */
  readonly best?: number
  /** On the test set. */
  readonly measured: Scores
  /** What rules without a network come to on the test set. */
  readonly baselines: readonly { readonly name: string; readonly scores: Readonly<Record<string, number>> }[]
  readonly findings: readonly Finding[]
  readonly out: string
  /** Names of the files about the test set. */
  readonly files: readonly string[]
  /** A command to go on with, for the run's directory. */
  readonly next: string
}

/** Tells how a training goes. */
export interface Say {
  start(opening: Opening): void
  /** What a part of the data comes to, and what rules without a network come to on it. */
  fold(fold: number, folds: number, measured: Scores, baselines: Ending['baselines']): void
  folds(mean: Scores, baselines: Ending['baselines']): void
  /** Of `fit`. */
  callback(): Callback
  done(ending: Ending): void
  profile(kernels: readonly KernelTime[]): void
}

/** For people. */
export const lines: Say = {
  start({ title, rows }) {
    const width = Math.max(...rows.map(([name]) => name.length))
    console.log(title)
    for (const [name, value] of rows) console.log(`  ${name.padEnd(width)}  ${value}`)
  },
  fold(fold, folds, measured, baselines) {
    console.log(`Fold ${fold}/${folds}: ${scores(measured)}`)
    sayBaselines(baselines)
  },
  folds(mean, baselines) {
    console.log(`Mean of the folds: ${scores(mean)}`)
    sayBaselines(baselines)
  },
  callback: () => progressBar(),
  done({ epochs, stopped, best, measured, baselines, findings, out, files, next }) {
    if (best !== undefined) {
      console.log(
        `${stopped ? 'Ended early' : 'Ended'} after epoch ${epochs.length}; kept the weights of epoch ${best}.`,
      )
    }
    console.log(`Test: ${scores(measured)}`)
    sayBaselines(baselines)
    console.log(`Saved ${join(out, 'model.safetensors')} and run.json. Try: ${next}`)
    if (files.length > 0) console.log(`With them: ${files.join(', ')}.`)
    console.log(`\n${verdict(findings, epochs.length)}`)
  },
  profile(kernels) {
    if (kernels.length > 0) console.log(`A step takes ${profileTable(kernels)}`)
    else console.log('This target has no kernels to time.')
  },
}

/** For programs: one object per line. */
export const jsonLines: Say = {
  start: ({ event }) => print({ event: 'start', ...event }),
  fold: (fold, folds, metrics, baselines) => print({ event: 'fold', fold, folds, metrics, ...listed(baselines) }),
  folds: (metrics, baselines) => print({ event: 'folds', metrics, ...listed(baselines) }),
  callback: () => ({
    onEpochEnd: ({ epoch, train, val, seconds }) => print({ event: 'epoch', epoch, train, val, seconds }),
  }),
  done({ best, measured, baselines, findings, out, files }) {
    const kept = best === undefined ? {} : { best }
    print({
      event: 'done',
      ...kept,
      metrics: measured,
      ...listed(baselines),
      findings,
      out,
      files,
    })
  },
  profile: (kernels) => print({ event: 'profile', kernels }),
}

function sayBaselines(baselines: Ending['baselines']): void {
  for (const { name, scores: reached } of baselines) {
    const figures = Object.entries(reached).map(([metric, value]) => `${metric} ${value.toPrecision(4)}`)
    console.log(`  against ${figures.join('  ')} by ${name}`)
  }
}

function listed(baselines: Ending['baselines']): { baselines?: Ending['baselines'] } {
  return baselines.length > 0 ? { baselines } : {}
}

function print(value: object): void {
  console.log(JSON.stringify(value))
}
