/** @file Losses: pure functions of prediction and target. */
export {
  type GradientPenaltyOptions,
  gradientPenalty,
  hingeDiscriminator,
  leastSquaresDiscriminator,
  leastSquaresGenerator,
  minimaxDiscriminator,
  minimaxGenerator,
  nonSaturatingGenerator,
  wassersteinCritic,
  wassersteinGenerator,
} from './adversarial.ts'
export {
  type BceOptions,
  type BceWithLogitsOptions,
  bce,
  bceWithLogits,
  type SigmoidFocalOptions,
  sigmoidFocal,
} from './binary.ts'
export {
  type CrossEntropyOptions,
  crossEntropy,
  type FocalOptions,
  focal,
  type NllOptions,
  nll,
} from './classification.ts'
export { type CtcOptions, ctc, type Lengths } from './ctc.ts'
export {
  bhattacharyya,
  type ElboOptions,
  elbo,
  gaussianKl,
  jensenShannon,
  type KlDivOptions,
  klDiv,
  klSparsity,
  l1Sparsity,
  type WassersteinOptions,
  wassersteinDistance,
} from './divergence.ts'
export {
  contrastive,
  cosineEmbedding,
  type Distance,
  type InfoNceOptions,
  infoNce,
  ntXent,
  pairwiseDistance,
  type TemperatureOptions,
  type TripletMarginOptions,
  tripletMargin,
} from './embedding.ts'
export {
  content,
  type DiceOptions,
  dice,
  type FeatureOptions,
  type Features,
  gramMatrix,
  type PerceptualOptions,
  perceptual,
  style,
  type TotalVariationOptions,
  type TverskyOptions,
  totalVariation,
  tversky,
} from './image.ts'
export { type GaussianNllOptions, gaussianNll, type PoissonNllOptions, poissonNll } from './likelihood.ts'
export {
  hinge,
  hingeEmbedding,
  type MarginOptions,
  type MultiMarginOptions,
  marginRanking,
  multilabelMargin,
  multilabelSoftMargin,
  multiMargin,
  softMargin,
  squaredHinge,
} from './margin.ts'
export type { LossOptions, Reduction, WeightedOptions } from './reduction.ts'
export {
  type HuberOptions,
  huber,
  l1,
  logCosh,
  mae,
  mse,
  msle,
  type SmoothL1Options,
  smoothL1,
} from './regression.ts'
