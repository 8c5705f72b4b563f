/** @file What layers compute, as plain functions of tensors. */

export * from './functional/adaptive.ts'
export { batchNormEval, batchNormTrain, type Normalised } from './functional/batch-norm.ts'
export { type ConvOptions, type ConvTransposeOptions, conv, convTranspose } from './functional/conv.ts'
export * from './functional/dropout.ts'
export { type BagMode, type EmbeddingBagOptions, embedding, embeddingBag } from './functional/embedding.ts'
export { type InterpolateMode, type InterpolateOptions, interpolate } from './functional/interpolate.ts'
export * from './functional/linear.ts'
export {
  groupNorm,
  instanceNorm,
  type LocalResponseOptions,
  layerNorm,
  localResponseNorm,
  rmsNorm,
} from './functional/normalise.ts'
export * from './functional/pool.ts'
export * from './functional/shuffle.ts'
export type { Extent, Padding } from './functional/spatial.ts'
export * from './functional/stochastic.ts'
export { fold, type UnfoldOptions, unfold } from './functional/unfold.ts'
export { type MaxUnpoolOptions, maxUnpool } from './functional/unpool.ts'
