/** @file What a recipe is: everything that a training needs but the data and the patience. */

import type { ArrayDataset } from '../data/dataset.ts'
import type { Optimizer, Schedule } from '../optim/index.ts'
import type { Parameter } from '../tensor/parameter.ts'
import type { Loss, Model } from '../train/evaluate.ts'
import type { Metric } from '../train/metrics.ts'
import type { Augment } from './augment.ts'

/** Settings of a training that a person may want to change. */
export interface RecipeDefaults {
  readonly epochs: number
  readonly batchSize: number
  /** Learning rate that training starts from. */
  readonly lr: number
}

export interface SetSizes {
  readonly train?: number
  readonly test?: number
}

/** A model, and how to train it. */
export interface Recipe {
  /** As on the command line. */
  readonly name: string
  /** One sentence. */
  readonly description: string
  /** Where the model is described first. */
  readonly paper: string
  readonly defaults: RecipeDefaults
  /** Of one example: `[1, 28, 28]`. */
  readonly inputShape: readonly number[]
  /**
   * A fresh model. Its initial weights follow from `manualSeed`.
   *
   * @param train what it will be trained on, where the model takes statistics from it; not needed to load weights
   */
  readonly build: (train?: ArrayDataset) => Model
  /** Changes training inputs at random, within the step. */
  readonly augment?: Augment
  readonly optimizer: (parameters: readonly Parameter[], lr: number) => Optimizer
  /** Learning rate over a training of `steps` steps; constant if absent. */
  readonly schedule?: (steps: number) => Schedule
  /** What is reported. */
  readonly loss: Loss
  /** What is minimised, where that is more than the loss. */
  readonly objective?: Loss
  readonly metrics: readonly Metric[]
  /** Form of the files that it trains on: IDX as of MNIST, or records of CIFAR-10. */
  readonly files: 'idx' | 'cifar'
  /** What `data` gives, for people. */
  readonly dataName: string
  /** The data sets that are taken where none are given, each of at most so many examples. */
  readonly data: (most?: SetSizes) => Promise<{ readonly train: ArrayDataset; readonly test: ArrayDataset }>
}
