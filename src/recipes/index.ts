/** @file `glia/recipes`: ready-made trainings by name. */

import { cifar10 } from './cifar10.ts'
import { lenet5 } from './lenet5.ts'
import { mlp } from './mlp.ts'
import { mnistCnn } from './mnist-cnn.ts'
import type { Recipe } from './recipe.ts'

export { type Augment, cropAndFlip, type WobbleOptions, wobble } from './augment.ts'
export { cifar10, cifarCnn } from './cifar10.ts'
export { encodable } from './files/columns.ts'
export {
  type AskOptions,
  type Choice,
  type FileDefaults,
  type FileOptions,
  type FileRecipe,
  fileRecipes,
  type Prepared,
  type Source,
  type Task,
} from './files/index.ts'
export { Rescale } from './files/rescale.ts'
export { readTable, type Table as CellTable, writeTable } from './files/table.ts'
export { numbersOf as tokenNumbers, readTexts, textsOf } from './files/text-documents.ts'
export { cleaned, TextTokens } from './files/text-tokens.ts'
export { lenet5 } from './lenet5.ts'
export { mlp } from './mlp.ts'
export { mnistCnn } from './mnist-cnn.ts'
export type { Recipe, RecipeDefaults } from './recipe.ts'
export { type Cell, cellTable, likeliest, tableCells } from './rows.ts'
export { Standardize } from './standardize.ts'

/** All recipes with data and a model of their own, by name. Those for users' files are `fileRecipes`. */
export const recipes: { readonly [name: string]: Recipe } = {
  mlp,
  lenet5,
  'mnist-cnn': mnistCnn,
  cifar10,
}
