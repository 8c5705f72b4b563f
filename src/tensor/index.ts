/** @file Tensors and the functions that make, join and loop over them. */
export type { Axes, Operand } from './apply.ts'
export { where } from './elementwise.ts'
export {
  arange,
  type DataOptions,
  eye,
  full,
  fullLike,
  linspace,
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
export { Buffer, Parameter } from './parameter.ts'
export type { NestedNumbers } from './print.ts'
export {
  bernoulli,
  defaultGenerator,
  Generator,
  manualSeed,
  type RandomOptions,
  rand,
  randint,
  randn,
  randperm,
} from './random.ts'
export { type ScanBody, type ScanOptions, type ScanResult, scan } from './scan.ts'
export { Tensor } from './tensor.ts'
