/** @file The digits that image recipes train on where no data are given. */

import type { ArrayDataset } from '../data/dataset.ts'
import { digits } from '../data/digits.ts'
import type { SetSizes } from './recipe.ts'

/** 10,000 training and 2,000 test images, or the first of them. */
export function writtenDigits({
  train = Number.POSITIVE_INFINITY,
  test = Number.POSITIVE_INFINITY,
}: SetSizes = {}): Promise<{
  readonly train: ArrayDataset
  readonly test: ArrayDataset
}> {
  return digits({ train: Math.min(10_000, train), test: Math.min(2_000, test) })
}
