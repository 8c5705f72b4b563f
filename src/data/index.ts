/** @file `glia/data`: data sets and pictures as plain arrays, in any JavaScript environment. */

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
export { type IdxArray, parseIdx } from './idx.ts'
export { type GrayInputOptions, grayInput, type Picture, resizeTo, toGray } from './image.ts'
export { permutation, Random } from './random.ts'
