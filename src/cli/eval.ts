/** @file `glia eval`. */

import { evaluate, predict } from '../train/evaluate.ts'
import { scores } from '../train/progress.ts'
import { confusionMatrix, matrixTable } from './confusion.ts'
import { loadSets } from './data.ts'
import { type DeviceChoice, useDevice } from './device.ts'
import { checkClasses, loadRecord, loadRun } from './run.ts'

export interface EvalOptions extends DeviceChoice {
  readonly data?: string
  readonly limit?: number
  readonly json?: boolean
}

/** More examples a step than in training: nothing is kept for gradients. */
const BATCH = 200

/** Measures a saved model on the test set. */
export async function evaluateRun(run: string, options: EvalOptions): Promise<void> {
  await useDevice(options)
  const known = await loadRecord(run)
  if (known.files) return (await import('./files/use.ts')).evaluateFileRun(run, known, options)
  const { model, recipe, record } = await loadRun(run)
  const { test, name } = await loadSets(recipe, options.data ?? record.settings.data ?? undefined, options.limit)
  const metrics = await evaluate(model, test, { loss: recipe.loss, metrics: recipe.metrics, batchSize: BATCH })
  const classes = record.classes
  const logits = await predict(model, test, { batchSize: BATCH })
  checkClasses(run, record, logits)
  const matrix = confusionMatrix(await logits.argmax(1).data(), test.y.data, classes.length)
  if (options.json) {
    console.log(
      JSON.stringify({ recipe: recipe.name, data: name, examples: test.length, metrics, classes, confusion: matrix }),
    )
    return
  }
  console.log(`${recipe.name} of ${run} on ${test.length.toLocaleString('en-US')} test images (${name})`)
  console.log(scores(metrics))
  console.log('')
  console.log(matrixTable(matrix, classes))
}
