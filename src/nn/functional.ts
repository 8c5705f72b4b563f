/** @file What layers compute, as plain functions of tensors. */
export { type ConvOptions, type ConvTransposeOptions, conv, convTranspose } from './functional/conv.ts'
export * from './functional/dropout.ts'
export * from './functional/linear.ts'
export * from './functional/normalise.ts'
export { type PadMode, type PadOptions, pad } from './functional/padding.ts'
export * from './functional/pool.ts'
export type { Extent, Padding } from './functional/spatial.ts'
