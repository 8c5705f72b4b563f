/** @file Layers: a class per layer, weights in PyTorch's layout and under PyTorch's names. */
export { Buffer, Parameter, type ParameterOptions } from '../tensor/parameter.ts'
export { type Activation, type ActivationClass, activation } from './activations/activation.ts'
export * from './activations/elementwise.ts'
export type { ActivationChoice } from './activations/index.ts'
export { GLU, LogSoftmax, Maxout, type MaxoutOptions, PReLU, RReLU, Softmax, Softmin } from './activations/layers.ts'
export * from './adaptive-pool.ts'
export { GroupedQueryAttention, type GroupedQueryAttentionOptions } from './attention/grouped.ts'
export {
  MultiheadAttention,
  type MultiheadAttentionInputs,
  type MultiheadAttentionOptions,
  type MultiheadAttentionResult,
} from './attention/multihead.ts'
export {
  AdditiveAttention,
  type LookOptions,
  type LookResult,
  LuongAttention,
  type LuongAttentionOptions,
} from './attention/scores.ts'
export {
  BatchNorm1d,
  BatchNorm2d,
  BatchNorm3d,
  type BatchNormOptions,
  InstanceNorm1d,
  InstanceNorm2d,
  InstanceNorm3d,
  type InstanceNormOptions,
} from './batch-norm.ts'
export {
  Conv1d,
  Conv2d,
  Conv3d,
  type ConvLayerOptions,
  ConvTranspose1d,
  ConvTranspose2d,
  ConvTranspose3d,
  type ConvTransposeLayerOptions,
  type ConvTransposeSize,
} from './conv.ts'
export * from './dropout.ts'
export {
  type BagInputs,
  Embedding,
  EmbeddingBag,
  type EmbeddingBagLayerOptions,
  type EmbeddingOptions,
} from './embedding.ts'
export { Flatten, Unflatten } from './flatten.ts'
export { Fold, Unfold } from './fold.ts'
export { functional } from './functions.ts'
export { type ForwardHook, type Tapped, tap } from './hooks.ts'
export * as init from './init.ts'
export { type Init, type Initialiser, initialise } from './init.ts'
export { Bilinear, Linear, type LinearOptions } from './linear.ts'
export { type AnyModule, type LoadResult, Module, type StateDict } from './module.ts'
export {
  GroupNorm,
  type GroupNormOptions,
  LayerNorm,
  type LayerNormOptions,
  LocalResponseNorm,
  RMSNorm,
  type RMSNormOptions,
} from './normalisation.ts'
export * from './padding.ts'
export * from './pool.ts'
export {
  LearnedPositions,
  type LearnedPositionsOptions,
  Rotary,
  SinusoidalPositions,
  type SinusoidalPositionsOptions,
} from './positions.ts'
export * from './random-pool.ts'
export * from './recurrent/index.ts'
export { type SpectralNormOptions, spectralNorm, type WeightNormOptions, weightNorm } from './reparametrise.ts'
export * from './resample.ts'
export { type Layer, Sequential } from './sequential.ts'
export { Concat, Identity, Lambda, Residual } from './structure.ts'
export { type Summary, type SummaryOptions, type SummaryRow, summary } from './summary.ts'
export {
  type DecoderInputs,
  type EncoderLayerInputs,
  TransformerDecoderLayer,
  TransformerEncoderLayer,
  type TransformerLayerOptions,
} from './transformer/layers.ts'
export {
  type EncoderInputs,
  Transformer,
  TransformerDecoder,
  TransformerEncoder,
  type TransformerInputs,
  type TransformerOptions,
  type TransformerStackOptions,
} from './transformer/transformer.ts'
