/** @file `glia/train`: training, measuring and predicting. */

export type {
  BatchInfo,
  Callback,
  EpochInfo,
  EpochRecord,
  EpochStart,
  History,
  TrainInfo,
} from './callbacks.ts'
export { type EvaluateOptions, evaluate, type Loss, type Model, type PredictOptions, predict } from './evaluate.ts'
export { type FitOptions, fit, type Minimizer } from './fit.ts'
export { accuracy, type EpochMetric, type Metric, overEpoch, type Scores } from './metrics.ts'
export { type ProgressOptions, progressBar } from './progress.ts'
