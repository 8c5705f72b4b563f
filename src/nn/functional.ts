/** @file What layers compute, as plain functions of tensors. */
export { batchNormEval, batchNormTrain, type Normalised } from './functional/batch-norm.ts'
export { type ConvOptions, type ConvTransposeOptions, conv, convTranspose } from './functional/conv.ts'
export * from './functional/dropout.ts'
export { type BagMode, type EmbeddingBagOptions, embedding, embeddingBag } from './functional/embedding.ts'
export * from './functional/linear.ts'
export {
  groupNorm,
  instanceNorm,
  type LocalResponseOptions,
  layerNorm,
  localResponseNorm,
  rmsNorm,
} from './functional/normalise.ts'
export { type PadMode, type PadOptions, pad } from './functional/padding.ts'
export * from './functional/pool.ts'
export type { Extent, Padding } from './functional/spatial.ts'
