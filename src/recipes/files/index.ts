/** @file Recipes for users' own files, by name. */

import { forecast } from './forecast.ts'
import { imageClassifier } from './image-classifier.ts'
import { recommender } from './recommender.ts'
import { tabular } from './tabular.ts'
import type { FileRecipe } from './task.ts'
import { textClassifier } from './text-classifier.ts'
import { textGenerator } from './text-generator.ts'

export type { Baseline } from './baselines.ts'
export { forecast } from './forecast.ts'
export { imageClassifier } from './image-classifier.ts'
export { recommender } from './recommender.ts'
export { tabular } from './tabular.ts'
export type {
  AskOptions,
  Choice,
  FileDefaults,
  FileOptions,
  FileRecipe,
  Prepared,
  RatedWord,
  Source,
  Task,
} from './task.ts'
export { textClassifier } from './text-classifier.ts'
export { textGenerator } from './text-generator.ts'

/** All recipes for files by name. */
export const fileRecipes: { readonly [name: string]: FileRecipe } = {
  tabular,
  'text-generator': textGenerator,
  'text-classifier': textClassifier,
  'image-classifier': imageClassifier,
  forecast,
  recommender,
}
