/** @file Training, validation and test sets, and cross-validation: as lists of indices, and of data sets in memory. */

import { GliaError } from '../core/errors.ts'
import { type ArrayDataset, subset } from './dataset.ts'
import { permutation } from './random.ts'

export interface SplitOptions {
  /** Shuffle with this seed before the cut; without it the order is kept. */
  readonly seed?: number
  /** Class of each example: every part gets its share of every class (stratified). */
  readonly labels?: ArrayLike<number>
}

export interface DatasetSplitOptions {
  readonly seed?: number
  /** Whether every part gets its share of every class, by class number; false by default. */
  readonly stratify?: boolean
}

/** One division of cross-validation. */
export interface Fold<T> {
  readonly train: T
  readonly validation: T
}

/**
 * Cuts `0 … length − 1` into parts of these fractions.
 *
 * @param fractions for example `[0.8, 0.1, 0.1]`; if they sum to less than 1, the rest is left out
 * @returns as many lists of indices, disjoint
 * @throws GliaError if a fraction is negative, they sum to more than 1, or there are not as many labels as examples
 */
export function splitIndices(length: number, fractions: readonly number[], options: SplitOptions = {}): Int32Array[] {
  const sum = fractions.reduce((a, b) => a + b, 0)
  if (fractions.length === 0 || !fractions.every((f) => f >= 0) || !(sum <= 1 + 1e-9)) {
    throw new GliaError(
      `splitIndices: fractions must be at least 0 and sum to at most 1; received [${fractions.join(', ')}].`,
    )
  }
  const parts: number[][] = fractions.map(() => [])
  for (const group of strata('splitIndices', length, options)) {
    let [reached, start] = [0, 0]
    fractions.forEach((fraction, part) => {
      reached += fraction
      const end = Math.min(group.length, Math.round(group.length * reached))
      for (let i = start; i < end; i++) parts[part].push(group[i])
      start = end
    })
  }
  return parts.map((part) => mixed(part, options.seed))
}

/**
 * k-fold cross-validation of `0 … length − 1`: every index is in one validation part, whose sizes differ by at most 1.
 *
 * @throws GliaError unless `2 ≤ k ≤ length`, or if no class has k examples
 */
export function kFoldIndices(length: number, k: number, options: SplitOptions = {}): Fold<Int32Array>[] {
  if (!Number.isInteger(k) || k < 2 || k > length) {
    throw new GliaError(`kFoldIndices: k must be a whole number from 2 to the ${length} examples; received ${k}.`)
  }
  const groups = strata('kFoldIndices', length, options)
  const most = groups.reduce((max, group) => Math.max(max, group.length), 0)
  if (most < k) {
    throw new GliaError(`kFoldIndices: no class has ${k} examples (the largest has ${most}); use fewer folds.`)
  }
  const foldOf = new Int32Array(length)
  // Without strata neighbours stay together, as in a plain cut; with them they are dealt out like cards.
  let dealt = 0
  for (const group of groups) {
    group.forEach((index, i) => {
      foldOf[index] = options.labels ? dealt++ % k : Math.floor((i * k) / length)
    })
  }
  const order = groups.flatMap((group) => [...group])
  return Array.from({ length: k }, (_, fold) => ({
    train: mixed(
      order.filter((index) => foldOf[index] !== fold),
      options.seed,
    ),
    validation: mixed(
      order.filter((index) => foldOf[index] === fold),
      options.seed,
    ),
  }))
}

/**
 * Training, validation and test set of a data set in memory.
 *
 * @param options.validation fraction, 0.1 by default
 * @param options.test fraction, 0.1 by default
 * @throws GliaError as `splitIndices` does
 */
export function splits(
  dataset: ArrayDataset,
  options: DatasetSplitOptions & { readonly validation?: number; readonly test?: number } = {},
): { readonly train: ArrayDataset; readonly validation: ArrayDataset; readonly test: ArrayDataset } {
  const { validation = 0.1, test = 0.1 } = options
  const parts = splitIndices(dataset.length, [1 - validation - test, validation, test], indexOptions(dataset, options))
  const [a, b, c] = parts.map((indices) => subset(dataset, indices))
  return { train: a, validation: b, test: c }
}

/** k-fold cross-validation of a data set in memory, see `kFoldIndices`. */
export function kFold(dataset: ArrayDataset, k: number, options: DatasetSplitOptions = {}): Fold<ArrayDataset>[] {
  return kFoldIndices(dataset.length, k, indexOptions(dataset, options)).map(({ train, validation }) => ({
    train: subset(dataset, train),
    validation: subset(dataset, validation),
  }))
}

function indexOptions({ y }: ArrayDataset, { seed, stratify = false }: DatasetSplitOptions): SplitOptions {
  if (stratify && (y.shape.length > 0 || y.data instanceof Float32Array)) {
    throw new GliaError('stratify needs class numbers as targets: integers of shape [].')
  }
  return { ...(seed === undefined ? {} : { seed }), ...(stratify ? { labels: y.data } : {}) }
}

/** All indices, shuffled if there is a seed: in one group, or one group per class. */
function strata(operation: string, length: number, { seed, labels }: SplitOptions): Int32Array[] {
  const order = seed === undefined ? Int32Array.from({ length }, (_, i) => i) : permutation(length, seed)
  if (!labels) return [order]
  if (labels.length !== length) {
    throw new GliaError(`${operation}: there are ${labels.length} labels for ${length} examples.`)
  }
  const groups = new Map<number, number[]>()
  for (const index of order) {
    const group = groups.get(labels[index])
    if (group) group.push(index)
    else groups.set(labels[index], [index])
  }
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => Int32Array.from(group))
}

/** Classes mixed again, or in the original order. */
function mixed(indices: readonly number[], seed: number | undefined): Int32Array {
  if (seed === undefined) return Int32Array.from(indices).sort()
  return permutation(indices.length, seed, 1).map((i) => indices[i])
}
