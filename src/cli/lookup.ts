/** @file Finding a recipe by its name. */

import { fileRecipes } from '../recipes/files/index.ts'
import { recipes } from '../recipes/index.ts'
import type { Recipe } from '../recipes/recipe.ts'
import { UsageError } from './failure.ts'
import { list } from './values.ts'

/** @throws UsageError listing the recipes there are */
export function recipeNamed(name: string): Recipe {
  if (Object.hasOwn(recipes, name)) return recipes[name]
  if (Object.hasOwn(fileRecipes, name)) {
    throw new UsageError(`The recipe ${name} makes a model for each file; see glia train ${name} --help.`)
  }
  const known = list([...Object.keys(recipes), ...Object.keys(fileRecipes)])
  throw new UsageError(`There is no recipe ${JSON.stringify(name)}; known are ${known}.`)
}
