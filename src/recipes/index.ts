/** @file `glia/recipes`: ready-made trainings by name. */

import { lenet5 } from './lenet5.ts'
import { mlp } from './mlp.ts'
import type { Recipe } from './recipe.ts'

export { lenet5 } from './lenet5.ts'
export { mlp } from './mlp.ts'
export type { Recipe, RecipeDefaults } from './recipe.ts'
export { Standardize } from './standardize.ts'

/** All recipes by name. */
export const recipes: { readonly [name: string]: Recipe } = { mlp, lenet5 }
