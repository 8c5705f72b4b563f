/** @file The data that a command works on. */

import { basename, resolve } from 'node:path'
import { GliaError } from '../core/errors.ts'
import { showShape } from '../core/shape.ts'
import type { ArrayDataset } from '../data/dataset.ts'
import { subset } from '../data/dataset.ts'
import { readCifarDirectory } from '../node/cifar.ts'
import { fashionClasses, readIdxDirectory } from '../node/idx.ts'
import type { Recipe } from '../recipes/recipe.ts'

export interface Sets {
  readonly train: ArrayDataset
  readonly test: ArrayDataset
  /** For people: `digits written by Glia`, or the directory. */
  readonly name: string
}

/** Images in ten classes, as all recipes with data of their own take them. */
const CLASSES = 10

/**
 * @param directory of IDX or CIFAR-10 files, as the recipe takes them; without it, the recipe's own data
 * @param limit use only so many examples of each set
 * @throws GliaError if the directory holds no such files, damaged ones, or pictures of another size or in other classes
 */
export async function loadSets(recipe: Recipe, directory?: string, limit = Number.POSITIVE_INFINITY): Promise<Sets> {
  if (directory === undefined) return { ...(await recipe.data({ train: limit, test: limit })), name: recipe.dataName }
  const { train, test } = await readers[recipe.files](directory)
  checkFit(recipe, directory, train)
  return { train: first(train, limit), test: first(test, limit), name: directory }
}

type Reader = (directory: string) => Promise<{ readonly train: ArrayDataset; readonly test: ArrayDataset }>

const readers: Readonly<Record<Recipe['files'], Reader>> = {
  // The files do not say what their labels mean; Fashion-MNIST's come in a directory of that name.
  idx: (directory) =>
    readIdxDirectory(directory, /fashion/i.test(basename(resolve(directory))) ? { classes: fashionClasses } : {}),
  cifar: (directory) => readCifarDirectory(directory),
}

function checkFit(recipe: Recipe, directory: string, { x, y, classes }: ArrayDataset): void {
  if (showShape(x.shape) !== showShape(recipe.inputShape)) {
    throw new GliaError(
      `${directory} has pictures of shape ${showShape(x.shape)}; ${recipe.name} takes ${showShape(recipe.inputShape)}.`,
    )
  }
  // CIFAR-100 in the binary version may come without the names of its classes.
  const count = classes?.length ?? Math.max(...new Set<number>(y.data)) + 1
  if (count === CLASSES) return
  throw new GliaError(`${directory} has pictures in ${count} classes; ${recipe.name} tells ${CLASSES} apart.`)
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
