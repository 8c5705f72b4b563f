/** @file Losses: pure functions of prediction and target. */
export { type BceOptions, type BceWithLogitsOptions, bce, bceWithLogits } from './binary.ts'
export { type CrossEntropyOptions, crossEntropy, type NllOptions, nll } from './classification.ts'
export type { LossOptions, Reduction } from './reduction.ts'
export { type HuberOptions, huber, l1, mae, mse } from './regression.ts'
