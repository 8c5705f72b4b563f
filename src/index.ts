/** @file Glia: tensors, differentiation, devices. Works in Node and in browsers alike. */
export * from './autograd/index.ts'
export type { DType, TypedArray } from './core/dtype.ts'
export { GliaError } from './core/errors.ts'
export type { Shape } from './core/shape.ts'
export { createDevice, createDeviceSync, type DeviceOptions, type TargetName } from './plan/create.ts'
export { type Device, defaultDevice, type KernelTime, type MemoryReport, setDefaultDevice } from './plan/device.ts'
export { type Compiled, compile } from './tensor/compile.ts'
export * from './tensor/index.ts'
