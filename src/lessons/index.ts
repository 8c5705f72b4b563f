/** @file The courses' pages as programs, in the order in which one would read them. */
import { activations } from './activations.ts'
import { backpropagation } from './backpropagation.ts'
import { batchNorm } from './batch-norm.ts'
import { batchSize } from './batch-size.ts'
import { checkerboard } from './checkerboard.ts'
import { convexCosts } from './convex-costs.ts'
import { convolutionAsMatrix } from './convolution-as-matrix.ts'
import { deltas } from './deltas.ts'
import { digitsMlp } from './digits-mlp.ts'
import { dropout } from './dropout.ts'
import { equivariance } from './equivariance.ts'
import { exercise4 } from './exercise-4.ts'
import { exercise5 } from './exercise-5.ts'
import { exercise6 } from './exercise-6.ts'
import { exercise8 } from './exercise-8.ts'
import { gates } from './gates.ts'
import { gradientDescent } from './gradient-descent.ts'
import { initialisation } from './initialisation.ts'
import { kernels } from './kernels.ts'
import { learningRate } from './learning-rate.ts'
import type { Lesson } from './lesson.ts'
import { linearLayers } from './linear-layers.ts'
import { linearRegression } from './linear-regression.ts'
import { logisticRegression } from './logistic-regression.ts'
import { longMemory } from './long-memory.ts'
import { lossCurves } from './loss-curves.ts'
import { losses } from './losses.ts'
import { optimizers } from './optimizers.ts'
import { outputSizes } from './output-size.ts'
import { parity } from './parity.ts'
import { perceptron } from './perceptron.ts'
import { permutedPixels } from './permuted-pixels.ts'
import { polynomials } from './polynomials.ts'
import { pooling } from './pooling.ts'
import { receptiveField } from './receptive-field.ts'
import { recurrentGradient } from './recurrent-gradient.ts'
import { standardisation } from './standardisation.ts'
import { thresholdGates } from './threshold-gates.ts'
import { twoSamples } from './two-samples.ts'
import { vanishingGradient } from './vanishing-gradient.ts'
import { zeroWeights } from './zero-weights.ts'

export { chartsAvailable, drawSvg } from './draw.ts'
export type { Axis, Bars, Chart, Figure, Heat, Line, Mark, Matrix, Numbers, Points, Rule } from './figure.ts'
export type { Bounds, Lesson, LessonOutput, Panels, Value } from './lesson.ts'
export { type Check, type Drawing, LessonRecord, runLesson } from './record.ts'

export const lessons: readonly Lesson[] = [
  thresholdGates,
  perceptron,
  gradientDescent,
  twoSamples,
  linearRegression,
  polynomials,
  logisticRegression,
  convexCosts,
  losses,
  linearLayers,
  activations,
  backpropagation,
  deltas,
  parity,
  zeroWeights,
  initialisation,
  standardisation,
  learningRate,
  optimizers,
  batchSize,
  batchNorm,
  dropout,
  vanishingGradient,
  lossCurves,
  digitsMlp,
  permutedPixels,
  kernels,
  exercise4,
  convolutionAsMatrix,
  outputSizes,
  pooling,
  receptiveField,
  exercise5,
  exercise6,
  equivariance,
  checkerboard,
  exercise8,
  gates,
  recurrentGradient,
  longMemory,
]
