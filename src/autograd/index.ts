/** @file Reverse-mode differentiation. */
export { type BackwardOptions, type GradOptions, grad, valueAndGrad } from './backward.ts'
export { checkpoint } from './checkpoint.ts'
export { type CustomFunction, customFunction } from './custom.ts'
export { enableGrad, gradEnabled, noGrad } from './mode.ts'
export { type Tensors, type VmapOptions, vmap } from './vmap.ts'
