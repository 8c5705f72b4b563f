/** @file What a model does on the test set, as files beside it: pictures, the confusion of classes, the worst examples. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ArrayDataset } from '../../data/dataset.ts'
import { writeFileAtomic } from '../../node/files.ts'
import type { RatedWord } from '../../recipes/files/task.ts'
import type { Loss, Model } from '../../train/evaluate.ts'
import { confusionMatrix } from '../confusion.ts'
import { wordCloud } from './cloud.ts'
import { draw } from './drawing.ts'
import { examine } from './examine.ts'
import { confusionFigure, forecastFigure, numbersFigure } from './figures.ts'
import { worstOf, worstPanels, worstTable } from './worst.ts'

/** Whose report it is. */
export interface Subject {
  readonly model: Model
  /** How examples are rated: the model's reported loss. */
  readonly learnable: { readonly loss: Loss }
  readonly test: ArrayDataset
  /** Names by class number; empty where none are told apart. */
  readonly classes: readonly string[]
  /** Examples at once. */
  readonly batch: number
  /** What stands in a line of the file that the examples come from. */
  readonly excerpt?: (line: number) => string
  /** Something that the model has made, beginning from the test set. */
  readonly sample?: (test: ArrayDataset) => Promise<string>
  /** What the model makes of the words of the test set. */
  readonly words?: (test: ArrayDataset) => Promise<readonly RatedWord[]>
}

export interface Report {
  /** Names of the files written. */
  readonly files: readonly string[]
  /** `matrix[actual][predicted]`, for classes. */
  readonly confusion?: readonly (readonly number[])[]
}

/**
 * Writes, into a directory that is made if need be:
 *
 * - `worst.csv`: the examples of the greatest loss; for pictures also `worst.svg`
 * - of classes: `confusion.json` and `confusion.svg`
 * - of numbers: `predictions.svg`, predicted against true, and what is left over
 * - of series: `forecast.svg`, the last of them
 * - of models that write: `sample.txt`
 * - of classes of texts: `words.svg`, the words that say most about them
 */
export async function writeReport(directory: string, subject: Subject): Promise<Report> {
  const { model, learnable, test, classes, batch } = subject
  await mkdir(directory, { recursive: true })
  const examined = await examine({ model, loss: learnable.loss, classes: classes.length, batch }, test)
  const { kind, predicted } = examined
  const files: string[] = []
  const write = async (name: string, text: string): Promise<void> => {
    await writeFileAtomic(join(directory, name), text)
    files.push(name)
  }
  const matrix = kind === 'classes' ? confusionMatrix(predicted, test.y.data, classes.length) : undefined
  if (matrix) {
    await write('confusion.json', `${JSON.stringify({ classes, matrix })}\n`)
    files.push(...(await draw(directory, 'confusion', confusionFigure(matrix, classes))))
  }
  if (kind === 'number') files.push(...(await draw(directory, 'predictions', numbersFigure(test.y.data, predicted))))
  if (kind === 'series') files.push(...(await draw(directory, 'forecast', forecastFigure(test, predicted))))
  if (subject.sample) await write('sample.txt', await subject.sample(test))
  const words = await subject.words?.(test)
  if (words && words.length > 0) await write('words.svg', wordCloud(words, classes))
  const worst = worstOf(examined, test, classes)
  await write('worst.csv', worstTable(worst, subject.excerpt))
  const panels = worstPanels(worst, test)
  if (panels) files.push(...(await draw(directory, 'worst', panels)))
  return { files, ...(matrix ? { confusion: matrix } : {}) }
}
