/** @file `glia/data`: data sets as plain arrays, in any JavaScript environment. */

export {
  type ArrayDataset,
  arrayDataset,
  type Batch,
  type BatchColumn,
  batchOf,
  type Column,
  split,
  subset,
} from './dataset.ts'
export { type DigitsOptions, digits } from './digits.ts'
export { permutation, Random } from './random.ts'
