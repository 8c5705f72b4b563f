/** @file A saved run: `model.safetensors` with the weights, `run.json` with what is needed to use and judge them. */

import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { GliaError } from '../core/errors.ts'
import { readSafetensors, type StoredTensor } from '../io/safetensors.ts'
import { setWeights } from '../io/weights.ts'
import { writeFileAtomic } from '../node/files.ts'
import { saveWeights } from '../node/weights.ts'
import { fileRecipes } from '../recipes/files/index.ts'
import type { FileOptions } from '../recipes/files/task.ts'
import { recipes } from '../recipes/index.ts'
import type { Recipe } from '../recipes/recipe.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { History } from '../train/callbacks.ts'
import type { Diagnosable } from '../train/diagnose/index.ts'
import type { Model } from '../train/evaluate.ts'
import type { Scores } from '../train/metrics.ts'
import type { Environment } from './environment.ts'
import { list } from './values.ts'

/** Counts up when a reader of the old form could not read the new one. */
const FORMAT = 1
const WEIGHTS = 'model.safetensors'
const RECORD = 'run.json'

export interface RunSettings {
  readonly epochs: number
  readonly batch: number
  readonly lr: number
  /** Epochs without improvement that end the training; absent: none do. */
  readonly patience?: number
  readonly seed: number
  /** null: the recipe's own data. */
  readonly data: string | null
  readonly limit: number | null
  readonly target: string
  readonly threads: number
}

export interface RunRecord {
  readonly format: number
  /** Version of Glia. */
  readonly glia: string
  readonly recipe: string
  readonly settings: RunSettings
  /** Machine and software. */
  readonly environment?: Environment
  /** Of the examples and their division: another one means other data. */
  readonly digest?: string
  readonly classes: readonly string[]
  readonly history: Diagnosable & History
  /** Scores on the test set of a training that came to its end. */
  readonly test?: Scores
  /** For models trained on users' files. */
  readonly files?: FileRecord
}

/** What a training on a user's file decided. */
export interface FileRecord {
  /** From which the recipe makes its task again. */
  readonly task: object
  /** What the user had decided. */
  readonly options: FileOptions
  /** An example's input; absent in records of earlier versions. */
  readonly input?: { readonly shape: readonly number[]; readonly dtype: 'int32' | 'float32' }
}

export interface Run {
  readonly record: RunRecord
  readonly recipe: Recipe
  /** With the saved weights. */
  readonly model: Model
}

/** Writes both files; a reader never sees one half written. */
export async function saveRun(directory: string, model: Model, record: Omit<RunRecord, 'format'>): Promise<void> {
  await saveWeights(model, join(directory, WEIGHTS), { glia: String(FORMAT), recipe: record.recipe })
  await saveRecord(directory, record)
}

/** Writes what is known of a run but its weights. */
export async function saveRecord(directory: string, record: Omit<RunRecord, 'format'>): Promise<void> {
  await writeFileAtomic(join(directory, RECORD), `${JSON.stringify({ format: FORMAT, ...record }, null, 2)}\n`)
}

/** Removes the record of a run that came to nothing. */
export async function dropRecord(directory: string): Promise<void> {
  await rm(join(directory, RECORD), { force: true })
}

/** @throws GliaError, one sentence, if a file is missing, damaged, of another version, or they don't belong together */
export async function loadRun(directory: string): Promise<Run> {
  const record = await loadRecord(directory)
  const recipe = recipes[record.recipe]
  if (!recipe) throw new GliaError(`${directory} was trained on a file with the recipe ${record.recipe}.`)
  const model = await loadModel(directory, recipe.build(), recipe.name)
  return { record, recipe, model }
}

/** What is known of a run but its weights. @throws GliaError as `loadRun` does */
export async function loadRecord(directory: string): Promise<RunRecord> {
  return readRecord(await readText(directory), join(directory, RECORD))
}

/** `model` with a run's weights. @throws GliaError if their file is missing, damaged, or of another model */
export async function loadModel(directory: string, model: Model, recipe: string): Promise<Model> {
  const path = join(directory, WEIGHTS)
  setWeights(model, await readWeights(path), path, `the recipe ${recipe}`)
  return model
}

/** @throws GliaError unless the model tells as many classes apart as its record names */
export function checkClasses(directory: string, { classes }: RunRecord, outputs: Tensor): void {
  if (outputs.shape[1] === classes.length) return
  throw new GliaError(
    `${join(directory, RECORD)} names ${classes.length} classes; the model tells ${outputs.shape[1]} apart.`,
  )
}

async function readText(directory: string): Promise<string> {
  try {
    return await readFile(join(directory, RECORD), 'utf8')
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOTDIR') throw new GliaError(`${directory} is a file; name the directory of a run.`)
    if (code !== 'ENOENT') throw new GliaError(`${join(directory, RECORD)} cannot be read (${code}).`)
    throw new GliaError(`${directory} holds no saved run: there is no ${RECORD}. Train one with glia train.`)
  }
}

function readRecord(text: string, path: string): RunRecord {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new GliaError(`${path} is damaged: it is not JSON.`)
  }
  const { format, recipe, classes, settings } = (value ?? {}) as Partial<RunRecord>
  if (typeof format === 'number' && format > FORMAT) {
    throw new GliaError(`${path} was written by a later version of Glia (format ${format}; this one reads ${FORMAT}).`)
  }
  const sound =
    format === FORMAT &&
    typeof recipe === 'string' &&
    Array.isArray(classes) &&
    classes.every((c) => typeof c === 'string') &&
    typeof settings === 'object' &&
    settings !== null
  if (!sound) throw new GliaError(`${path} is damaged: it does not describe a run.`)
  const known = [...Object.keys(recipes), ...Object.keys(fileRecipes)]
  if (!known.includes(recipe)) {
    throw new GliaError(`${path} names the recipe ${JSON.stringify(recipe)}; known are ${list(known)}.`)
  }
  return value as RunRecord
}

async function readWeights(path: string): Promise<Map<string, StoredTensor>> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (error) {
    const code = codeOf(error)
    throw new GliaError(code === 'ENOENT' ? `${path} is missing.` : `${path} cannot be read (${code}).`)
  }
  try {
    return readSafetensors(bytes).tensors
  } catch (error) {
    throw error instanceof GliaError ? new GliaError(`${path}: ${error.message}`) : error
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
