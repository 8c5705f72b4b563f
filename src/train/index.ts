/** @file `glia/train`: training, measuring and predicting. */

export type {
  BatchInfo,
  Callback,
  EpochInfo,
  EpochRecord,
  EpochStart,
  History,
  TrainInfo,
  ValidationInfo,
  ValidationRecord,
} from './callbacks.ts'
export { TrainControl } from './control.ts'
export { baselineLoss, type Case, type Diagnosable, diagnose, diagnosisText, type Finding } from './diagnose/index.ts'
export { type EvaluateOptions, evaluate, type Loss, type Model, type PredictOptions, predict } from './evaluate.ts'
export { type FindRateOptions, findLearningRate, type RateRange } from './find-rate.ts'
export { fit } from './fit.ts'
export { fitInWorker, type WorkerFitOptions } from './in-worker.ts'
export { classWeights, combine, type Term } from './losses.ts'
export { accuracy, type EpochMetric, type Metric, overEpoch, type Scores } from './metrics.ts'
export { type EarlyStoppingOptions, earlyStopping, type Monitored, plateau } from './monitor.ts'
export { NotFiniteError } from './not-finite.ts'
export type { Clip, FitOptions, FitSchedule, Minimizer, StepFigures } from './options.ts'
export { type ProgressOptions, progressBar } from './progress.ts'
export type { BatchSource, Fields, Loader, TrainingData } from './source.ts'
export type { CallbackState, Progress, TrainingState } from './state.ts'
export type { ActivationFigures, LayersRecord, ParameterFigures } from './watch.ts'
export type { PageWorker, ThreadWorker } from './worker-port.ts'
export { type Training, trainingWorker } from './worker-side.ts'
