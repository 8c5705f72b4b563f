/** @file What recipes that predict numbers share: a loss in standard deviations, and figures in the target's units. */

import { mse } from '../../loss/index.ts'
import { MeanAbsoluteError, R2, RootMeanSquaredError } from '../../metrics/index.ts'
import type { Loss } from '../../train/evaluate.ts'
import { type EpochMetric, overEpoch } from '../../train/metrics.ts'

/** Mean and standard deviation of the training targets. */
export interface Scale {
  readonly mean: number
  readonly std: number
}

/** The scale of some values; `std` is 0 if all are equal. */
export function scaleOf(values: ArrayLike<number>): Scale {
  const meanOf = (f: (x: number) => number): number => {
    let sum = 0
    for (let i = 0; i < values.length; i++) sum += f(values[i])
    return sum / values.length
  }
  const mean = meanOf((x) => x)
  return { mean, std: Math.sqrt(meanOf((x) => (x - mean) ** 2)) }
}

/** Mean squared error in units of the targets' variance: 1 for who predicts the mean. */
export function scaledMse({ std }: Scale): Loss {
  return (output, target) => mse(output.div(std), target.div(std))
}

/** Root mean squared error, mean absolute error, and the share of the variance that is explained. */
export const regressionMetrics: readonly EpochMetric[] = [
  overEpoch('rmse', () => new RootMeanSquaredError()),
  overEpoch('mae', () => new MeanAbsoluteError()),
  overEpoch('r2', () => new R2()),
]
