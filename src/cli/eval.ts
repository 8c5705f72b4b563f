/** @file `glia eval`. */

import { join } from 'node:path'
import { subset } from '../data/dataset.ts'
import { evaluate, predict } from '../train/evaluate.ts'
import type { EpochMetric, Metric } from '../train/metrics.ts'
import { scores } from '../train/progress.ts'
import { matrixTable } from './confusion.ts'
import { loadSets } from './data.ts'
import { type DeviceChoice, useDevice } from './device.ts'
import { type Subject, writeReport } from './report/index.ts'
import { checkClasses, loadRecord, loadRun } from './run.ts'

export interface EvalOptions extends DeviceChoice {
  readonly data?: string
  readonly limit?: number
  /** Where to write pictures and worst examples. */
  readonly out?: string
  readonly json?: boolean
}

/** More examples a step than in training: nothing is kept for gradients. */
const BATCH = 200
/** More classes make no table that fits a terminal. */
const MOST_SHOWN = 20

/** Measures a saved model on the test set, and writes what there is to see of it. */
export async function evaluateRun(run: string, options: EvalOptions): Promise<void> {
  await useDevice(options)
  const known = await loadRecord(run)
  if (known.files) return (await import('./files/use.ts')).evaluateFileRun(run, known, options)
  const { model, recipe, record } = await loadRun(run)
  const { test, name } = await loadSets(recipe, options.data ?? record.settings.data ?? undefined, options.limit)
  checkClasses(run, record, await predict(model, subset(test, [0])))
  const { classes } = record
  await tellMeasured(run, options, {
    recipe: recipe.name,
    learnable: recipe,
    model,
    test,
    classes,
    batch: BATCH,
    data: name,
    what: 'test images',
  })
}

/** What is measured, and how to speak of it. */
export interface Measurable extends Subject {
  readonly recipe: string
  readonly learnable: Subject['learnable'] & { readonly metrics: readonly (Metric | EpochMetric)[] }
  /** For people: where the examples come from. */
  readonly data: string
  /** For people: what they are. */
  readonly what: string
}

/** Measures, prints and draws. */
export async function tellMeasured(run: string, options: EvalOptions, subject: Measurable): Promise<void> {
  const { recipe, learnable, model, test, classes, batch, data, what } = subject
  const { loss, metrics: wanted } = learnable
  const metrics = await evaluate(model, test, { loss, metrics: wanted, batchSize: batch })
  const out = options.out ?? join(run, 'eval')
  const { files, confusion } = await writeReport(out, subject)
  if (options.json) {
    const about = confusion ? { classes, confusion } : {}
    console.log(JSON.stringify({ recipe, data, examples: test.length, metrics, ...about, out, files }))
    return
  }
  console.log(`${recipe} of ${run} on ${test.length.toLocaleString('en-US')} ${what} (${data})`)
  console.log(scores(metrics))
  if (confusion && classes.length <= MOST_SHOWN) console.log(`\n${matrixTable(confusion, classes)}`)
  console.log(`\nIn ${out}: ${files.join(', ')}.`)
}
