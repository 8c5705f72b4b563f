/** @file Recipes for users' own files, by name. */

import { tabular } from './tabular.ts'
import type { FileRecipe } from './task.ts'
import { textGenerator } from './text-generator.ts'

export { tabular } from './tabular.ts'
export type {
  AskOptions,
  Choice,
  FileDefaults,
  FileOptions,
  FileRecipe,
  Picture,
  Prepared,
  Source,
  Task,
} from './task.ts'
export { textGenerator } from './text-generator.ts'

/** All recipes for files by name. */
export const fileRecipes: { readonly [name: string]: FileRecipe } = {
  tabular,
  'text-generator': textGenerator,
}
