/** @file `glia eval` and `glia predict` for models trained on users' files. */

import { join } from 'node:path'
import { GliaError } from '../../core/errors.ts'
import type { ArrayDataset } from '../../data/dataset.ts'
import { writeFileAtomic } from '../../node/files.ts'
import { type FileRecipe, fileRecipes } from '../../recipes/files/index.ts'
import type { AskOptions, Task } from '../../recipes/files/task.ts'
import { evaluate, type Model, predict } from '../../train/evaluate.ts'
import { scores } from '../../train/progress.ts'
import { confusionMatrix, matrixTable } from '../confusion.ts'
import { type FileRecord, loadModel, type RunRecord } from '../run.ts'
import { readSource } from './source.ts'

const BATCH = 200
/** More classes make no table that fits a terminal. */
const MOST_SHOWN = 20

interface FileRun {
  readonly recipe: FileRecipe
  readonly task: Task
  readonly model: Model
  readonly files: FileRecord
}

async function open(directory: string, record: RunRecord): Promise<FileRun> {
  const recipe = fileRecipes[record.recipe]
  if (!record.files) throw new GliaError(`${join(directory, 'run.json')} is damaged: it does not describe a task.`)
  const task = recipe.restore(record.files.task)
  return { recipe, task, model: await loadModel(directory, task.build(), recipe.name), files: record.files }
}

/** Measures a model on the examples that were set aside when it was trained, or on all of another file. */
export async function evaluateFileRun(
  run: string,
  record: RunRecord,
  options: { readonly data?: string; readonly json?: boolean },
): Promise<void> {
  const { recipe, task, model, files } = await open(run, record)
  const path = options.data ?? record.settings.data ?? ''
  const source = await readSource(recipe, path)
  const test =
    options.data === undefined ? (await recipe.prepare(source, files.options)).test : await task.examples(source)
  const metrics = await evaluate(model, test, { loss: task.loss, metrics: task.metrics, batchSize: BATCH })
  const matrix = await confusion(task, model, test)
  if (options.json) {
    const classes = task.classes.length > 0 ? { classes: task.classes, confusion: matrix } : {}
    console.log(JSON.stringify({ recipe: recipe.name, data: path, examples: test.length, metrics, ...classes }))
    return
  }
  const which = options.data === undefined ? 'test examples' : 'examples'
  console.log(`${recipe.name} of ${run} on ${test.length.toLocaleString('en-US')} ${which} (${path})`)
  console.log(scores(metrics))
  if (matrix && task.classes.length <= MOST_SHOWN) console.log(`\n${matrixTable(matrix, task.classes)}`)
}

async function confusion(task: Task, model: Model, test: ArrayDataset): Promise<number[][] | undefined> {
  if (task.classes.length === 0) return undefined
  const logits = await predict(model, test, { batchSize: BATCH })
  return confusionMatrix(await logits.argmax(1).data(), test.y.data, task.classes.length)
}

/** Prints or saves what a model makes of another file. */
export async function predictFromFile(
  run: string,
  record: RunRecord,
  file: string,
  options: AskOptions & { readonly out?: string },
): Promise<void> {
  const { recipe, task, model } = await open(run, record)
  const text = await task.predict(model, await readSource(recipe, file), options)
  if (options.out === undefined) process.stdout.write(text)
  else {
    await writeFileAtomic(options.out, text)
    console.error(`Saved ${options.out}.`)
  }
}
