/** @file `glia eval` and `glia predict` for models trained on users' files. */

import { join } from 'node:path'
import { GliaError } from '../../core/errors.ts'
import type { ArrayDataset } from '../../data/dataset.ts'
import { writeFileAtomic } from '../../node/files.ts'
import { type FileRecipe, fileRecipes } from '../../recipes/files/index.ts'
import type { AskOptions, Source, Task } from '../../recipes/files/task.ts'
import type { Model } from '../../train/evaluate.ts'
import { type EvalOptions, type Measurable, tellMeasured } from '../eval.ts'
import { UsageError } from '../failure.ts'
import { digestOf } from '../job.ts'
import { type FileRecord, loadModel, type RunRecord } from '../run.ts'
import { excerptOf, readSource } from './source.ts'

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
export async function evaluateFileRun(run: string, record: RunRecord, options: EvalOptions): Promise<void> {
  if (options.limit !== undefined) {
    throw new UsageError('--limit is for recipes with data of their own; a file is measured on as a whole.')
  }
  const { recipe, task, model, files } = await open(run, record)
  const path = options.data ?? record.settings.data ?? ''
  const source = await readSource(recipe, path)
  const test = options.data === undefined ? await setAside(recipe, source, record, files) : await task.examples(source)
  await tellMeasured(run, options, {
    recipe: recipe.name,
    ...aboutFile(task, model, source),
    test,
    batch: record.settings.batch,
    data: path,
    what: options.data === undefined ? 'test examples' : 'examples',
  })
}

/** The test examples of a run. @throws GliaError if they are others by now */
async function setAside(
  recipe: FileRecipe,
  source: Source,
  { digest, settings }: RunRecord,
  { options }: FileRecord,
): Promise<ArrayDataset> {
  const prepared = await recipe.prepare(source, options)
  if (digest === undefined || digestOf(prepared) === digest) return prepared.test
  throw new GliaError(
    `${settings.data} is not what it was when the model was trained, so the rows set aside then are not known; ` +
      'measure on all of a file with --data.',
  )
}

/** What reports are made from. */
export function aboutFile(task: Task, model: Model, source: Source): AboutFile {
  return {
    learnable: task,
    model,
    classes: task.classes,
    excerpt: excerptOf(source),
    ...(task.sample ? { sample: async (test) => (await task.sample?.(model, test)) ?? '' } : {}),
    ...(task.words ? { words: async (test) => (await task.words?.(model, test)) ?? [] } : {}),
  }
}

type AboutFile = Pick<Measurable, 'model' | 'classes' | 'excerpt' | 'sample' | 'words'> & { readonly learnable: Task }

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
