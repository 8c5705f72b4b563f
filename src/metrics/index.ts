/** @file Metrics over any number of batches: `update` with each, then `compute`. */
export {
  Accuracy,
  type Average,
  type ClassMetricOptions,
  CohenKappa,
  ConfusionMatrix,
  F1,
  FBeta,
  type KappaWeights,
  MatthewsCorrelation,
  MeanIoU,
  Precision,
  Recall,
  TopKAccuracy,
} from './classification.ts'
export {
  type DetectionScores,
  type Detections,
  MeanAveragePrecision,
  type MeanAveragePrecisionOptions,
  type Objects,
} from './detection.ts'
export { FrechetDistance, Psnr, Ssim } from './image.ts'
export {
  Bleu,
  type BleuOptions,
  CharErrorRate,
  editDistance,
  Perplexity,
  Rouge,
  type RougeScore,
  type RougeScores,
  type Tokens,
  WordErrorRate,
} from './language.ts'
export { StreamingMetric, type Values } from './metric.ts'
export { AveragePrecision, type Curve, RocAuc } from './ranking.ts'
export {
  MeanAbsoluteError,
  MeanAbsolutePercentageError,
  MeanSquaredError,
  R2,
  RootMeanSquaredError,
} from './regression.ts'
export { type SsimOptions, ssim } from './ssim.ts'
