/** @file `glia export`: a run as a program that loads its weights and predicts. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { GliaError } from '../core/errors.ts'
import { writeFileAtomic } from '../node/files.ts'
import { saveWeights } from '../node/weights.ts'
import type { ForecastSpec } from '../recipes/files/forecast.ts'
import type { ImageSpec } from '../recipes/files/image-classifier.ts'
import { fileRecipes } from '../recipes/files/index.ts'
import type { RecommenderSpec } from '../recipes/files/recommender.ts'
import type { TabularSpec } from '../recipes/files/tabular.ts'
import type { TextClassSpec } from '../recipes/files/text-classifier.ts'
import type { TextSpec } from '../recipes/files/text-generator.ts'
import type { Model } from '../train/evaluate.ts'
import { useDevice } from './device.ts'
import type { Exported } from './export/common.ts'
import { imageClassifierProgram, picturesProgram } from './export/pictures.ts'
import type { Program } from './export/program.ts'
import { forecastProgram, recommenderProgram, tabularProgram } from './export/tables.ts'
import { textClassifierProgram, textGeneratorProgram } from './export/texts.ts'
import { loadModel, loadRecord, loadRun, type RunRecord } from './run.ts'

export interface ExportOptions {
  /** Directory to write to; by default the run's, in a folder `export`. */
  readonly out?: string
}

interface Written {
  readonly program: Program
  readonly text: string
}

/** How the model of each recipe for files becomes a program, from the `spec` of its task. */
const PROGRAMS: Readonly<Record<string, (to: Exported, spec: object, model: Model) => Written>> = {
  tabular: (to, spec, model) => tabularProgram(to, spec as TabularSpec, model),
  'text-generator': (to, spec) => textGeneratorProgram(to, spec as TextSpec),
  'text-classifier': (to, spec) => textClassifierProgram(to, spec as TextClassSpec),
  'image-classifier': (to, spec, model) => imageClassifierProgram(to, spec as ImageSpec, model),
  forecast: (to, spec) => forecastProgram(to, spec as ForecastSpec),
  recommender: (to, spec) => recommenderProgram(to, spec as RecommenderSpec),
}

/** Writes `model.safetensors` and `<recipe>.ts`. @throws GliaError if the run is damaged, or nothing can be written there */
export async function exportRun(run: string, { out = join(run, 'export') }: ExportOptions): Promise<void> {
  await useDevice({ threads: 1 })
  const record = await loadRecord(run)
  const file = `${record.recipe}.ts`
  const { model, written } = await programOf(run, record, { run, file, version: record.glia })
  try {
    await mkdir(out, { recursive: true })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new GliaError(`${out} cannot be made (${code}). Choose another directory with --out.`)
  }
  await saveWeights(model, join(out, 'model.safetensors'), { recipe: record.recipe, ...written.program.metadata })
  await writeFileAtomic(join(out, file), written.text)
  console.log(`Wrote ${join(out, file)} and ${join(out, 'model.safetensors')}.`)
}

async function programOf(run: string, record: RunRecord, to: Exported): Promise<{ model: Model; written: Written }> {
  if (!record.files) {
    const { model, recipe } = await loadRun(run)
    return { model, written: picturesProgram(to, recipe, model, record.classes) }
  }
  const task = fileRecipes[record.recipe].restore(record.files.task)
  const model = await loadModel(run, task.build(), record.recipe)
  return { model, written: PROGRAMS[record.recipe](to, task.spec, model) }
}
