/** @file Tensors and the functions that make, join and loop over them. */

export type { IndexPutOptions } from './advanced.ts'
export type { Axes, Operand } from './apply.ts'
export type { BincountOptions, HistogramOptions } from './count.ts'
export { einsum } from './einsum.ts'
export { where } from './elementwise.ts'
export {
  arange,
  type DataOptions,
  eye,
  full,
  fullLike,
  linspace,
  logspace,
  type Nested,
  oneHot,
  ones,
  onesLike,
  type TensorOptions,
  tensor,
  tril,
  triu,
  zeros,
  zerosLike,
} from './factories.ts'
export type { Index, Range } from './indexing.ts'
export { cat, stack } from './movement.ts'
export type { QuantileOptions, SearchOptions } from './order.ts'
export type { PadMode, Widths } from './pad.ts'
export { Buffer, Parameter } from './parameter.ts'
export type { NestedNumbers } from './print.ts'
export {
  bernoulli,
  defaultGenerator,
  exponential,
  Generator,
  gumbel,
  type MultinomialOptions,
  manualSeed,
  multinomial,
  normal,
  type RandomOptions,
  rand,
  randint,
  randn,
  randperm,
  uniform,
} from './random.ts'
export { diag, meshgrid } from './rearrange.ts'
export type { ReduceOptions, VarianceOptions } from './reduce.ts'
export { type ScanBody, type ScanOptions, type ScanResult, scan } from './scan.ts'
export type { ClosenessOptions, NanToNumOptions } from './special.ts'
export { Tensor } from './tensor.ts'
