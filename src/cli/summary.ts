/** @file `glia summary` and `glia recipes`. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { GliaError } from '../core/errors.ts'
import { summary } from '../nn/summary.ts'
import { setDefaultDevice } from '../plan/device.ts'
import { InterpDevice } from '../plan/interp.ts'
import { fileRecipes } from '../recipes/files/index.ts'
import { recipes } from '../recipes/index.ts'
import { recipeNamed } from './lookup.ts'
import { loadRecord } from './run.ts'

/** Prints the layers of a recipe, or of a run, with output shapes and parameters. */
export async function printSummary(name: string): Promise<void> {
  // Nothing is computed; this device is there at once.
  setDefaultDevice(new InterpDevice())
  const record = existsSync(join(name, 'run.json')) ? await loadRecord(name) : null
  const files = record?.files
  if (!record || !files) {
    const recipe = recipeNamed(record?.recipe ?? name)
    console.log(String(summary(recipe.build(), recipe.inputShape)))
    return
  }
  if (!files.input) throw new GliaError(`${name} was trained by a version that did not note what the model takes.`)
  const { shape, dtype } = files.input
  const model = fileRecipes[record.recipe].restore(files.task).build()
  console.log(String(summary(model, shape, { dtype })))
}

/** Prints every recipe with its defaults. */
export function listRecipes({ json }: { readonly json?: boolean }): void {
  const all = Object.values(recipes)
  const forFiles = Object.values(fileRecipes)
  const width = Math.max(...[...all, ...forFiles].map((r) => r.name.length))
  for (const { name, description, paper, defaults } of all) {
    if (json) {
      console.log(JSON.stringify({ name, description, paper, defaults }))
      continue
    }
    const { epochs, batchSize, lr } = defaults
    const indent = ' '.repeat(width + 2)
    console.log(`${name.padEnd(width)}  ${description}`)
    console.log(`${indent}${paper}`)
    console.log(`${indent}${epochs} epochs, batch ${batchSize}, learning rate ${lr}`)
  }
  if (!json) console.log("\nFor files of one's own (glia train <recipe> --help says more):")
  for (const { name, description, paper } of forFiles) {
    if (json) console.log(JSON.stringify({ name, description, paper }))
    else console.log(`${name.padEnd(width)}  ${description}`)
  }
}
