/** @file `glia/data`: data sets and pictures as plain arrays, in any JavaScript environment. */

export {
  type Collated,
  collate,
  type Example,
  type PadOptions,
  padding,
  padItems,
  type Stacked,
  stackItems,
} from './collate.ts'
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
export { DataLoader, type LoaderOptions, type LoaderState, type Skipped } from './loader.ts'
export { permutation, Random } from './random.ts'
export { balancedWeights, type Sampler, sequential, shuffled, type WeightedOptions, weighted } from './sampler.ts'
export { collect, fromArrays, type Item, label, type MapSource, mapped, type StreamSource, selected } from './source.ts'
export {
  type DatasetSplitOptions,
  type Fold,
  kFold,
  kFoldIndices,
  type SplitOptions,
  splitIndices,
  splits,
} from './split.ts'
