/** @file The data that a command works on. */

import { basename, resolve } from 'node:path'
import type { ArrayDataset } from '../data/dataset.ts'
import { subset } from '../data/dataset.ts'
import { fashionClasses, readIdxDirectory } from '../node/idx.ts'
import type { Recipe } from '../recipes/recipe.ts'

export interface Sets {
  readonly train: ArrayDataset
  readonly test: ArrayDataset
  /** For people: `digits written by Glia`, or the directory. */
  readonly name: string
}

/** @param limit use only so many examples of each set */
export async function loadSets(recipe: Recipe, directory?: string, limit = Number.POSITIVE_INFINITY): Promise<Sets> {
  if (directory === undefined)
    return { ...(await recipe.data({ train: limit, test: limit })), name: 'digits written by Glia' }
  // The files do not say what their labels mean; Fashion-MNIST's come in a directory of that name.
  const fashion = /fashion/i.test(basename(resolve(directory)))
  const { train, test } = await readIdxDirectory(directory, fashion ? { classes: fashionClasses } : {})
  return { train: first(train, limit), test: first(test, limit), name: directory }
}

function first(dataset: ArrayDataset, limit: number): ArrayDataset {
  if (dataset.length <= limit) return dataset
  return subset(
    dataset,
    Int32Array.from({ length: limit }, (_, i) => i),
  )
}

/** `10,000 training and 2,000 test images`. */
export function sizes({ train, test }: Sets): string {
  const number = (n: number): string => n.toLocaleString('en-US')
  return `${number(train.length)} training and ${number(test.length)} test images`
}
