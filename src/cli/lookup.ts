/** @file Finding a recipe by its name. */

import { recipes } from '../recipes/index.ts'
import type { Recipe } from '../recipes/recipe.ts'
import { UsageError } from './failure.ts'
import { list } from './values.ts'

/** @throws UsageError listing the recipes there are */
export function recipeNamed(name: string): Recipe {
  if (Object.hasOwn(recipes, name)) return recipes[name]
  throw new UsageError(`There is no recipe ${JSON.stringify(name)}; known are ${list(Object.keys(recipes))}.`)
}
