/** @file Optimizers, learning rate schedules and gradient clipping. */
export { Adam, type AdamOptions, AdamW } from './adam.ts'
export { clipGradNorm, clipGradValue } from './clip.ts'
export { type GroupOptions, Optimizer, type Parameters, type State, type StepContext } from './optimizer.ts'
export * as schedule from './schedule.ts'
export { type Schedule, Scheduler } from './schedule.ts'
export { SGD, type SGDOptions } from './sgd.ts'
