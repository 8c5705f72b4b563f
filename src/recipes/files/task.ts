/** @file What a recipe for a user's own file is: it looks at the file, decides how to learn from it, and says so. */

import type { ArrayDataset } from '../../data/dataset.ts'
import type { Decode, PictureFile } from '../../data/folder.ts'
import type { Optimizer, Schedule } from '../../optim/index.ts'
import type { Parameter } from '../../tensor/parameter.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import type { Loss, Model } from '../../train/evaluate.ts'
import type { EpochMetric, Metric } from '../../train/metrics.ts'
import type { RecipeDefaults } from '../recipe.ts'
import type { Baseline } from './baselines.ts'

/** A user's file, or directory of pictures. */
export interface Source {
  /** For messages: the path. */
  readonly name: string
  /** What a text file says; empty for pictures. */
  readonly text: string
  /** What a directory holds; absent for text files. */
  readonly pictures?: {
    readonly files: readonly PictureFile[]
    readonly decode: Decode
    /** Folders that hold no files. */
    readonly empty?: readonly string[]
  }
}

/** What a user may decide instead of the recipe. Each recipe says which of these it takes. */
export interface FileOptions {
  /** Share of the examples to stop the training by, 0.1 by default. */
  readonly validation?: number
  /** Share of the examples to measure the trained model on, 0.1 by default. */
  readonly test?: number
  /** Of the split; 0 by default. */
  readonly seed?: number
  /** For cross-validation: which of how many parts is the test set; then `test` says nothing. */
  readonly fold?: readonly [part: number, parts: number]
  /** Column that says train, validation or test for each row. */
  readonly splitColumn?: string
  /** Whether the first row names the columns; by default it does if none of its cells is a number. */
  readonly header?: boolean
  /** Column to predict. */
  readonly target?: string
  /** `regression` or `classification`; by default decided by the target's values. */
  readonly task?: string
  /** Columns not to look at, separated by commas. */
  readonly ignore?: string
  /** Column of texts. */
  readonly text?: string
  /** Column of classes. */
  readonly label?: string
  /** Columns of users, items and ratings. */
  readonly user?: string
  readonly item?: string
  readonly rating?: string
  /** Characters or words that the model sees at once. */
  readonly context?: number
  /** What a text is cut into: `char` or `bpe`, frequent pieces of words. */
  readonly tokens?: string
  /** Different tokens or words that a model knows, at most. */
  readonly vocabulary?: number
  /** Which of a recipe's kinds of models. */
  readonly model?: string
  /** Features of hidden layers. */
  readonly width?: number
  /** Share of features left out of each training step (Srivastava et al. 2014). */
  readonly dropout?: number
  /** Part of the weights taken away at each step, times the learning rate (Loshchilov & Hutter 2019). */
  readonly weightDecay?: number
  /** Share of every label that goes to all classes alike (Szegedy et al. 2016). */
  readonly labelSmoothing?: number
  /** On the squares of users' and items' biases. */
  readonly penalty?: number
  /** How training pictures are changed: `none`, `flip`, `shift` or `all`. */
  readonly augment?: string
  /** Hidden layers, or blocks. */
  readonly layers?: number
  /** Side of the squares that pictures are scaled to, in pixels. */
  readonly size?: number
  /** Rows that a forecast looks back on. */
  readonly window?: number
  /** Rows that it looks ahead. */
  readonly horizon?: number
  /** Rows after which a series repeats itself, about. */
  readonly season?: number
}

/** What a user may say when predicting. */
export interface AskOptions {
  /** Characters to write. */
  readonly length?: number
  /** Divides logits before drawing: below 1 more of what is likely, above 1 more of what is not. */
  readonly temperature?: number
  /** Of what is drawn. */
  readonly seed?: number
}

/** A decision, for people: `['target', 'median_house_value, a number']`. */
export type Choice = readonly [name: string, value: string]

export interface FileDefaults extends RecipeDefaults {
  /** Epochs without improvement on the validation set after which training ends. */
  readonly patience: number
}

/** A word, how often it occurs, and how likely each class is of a text of this word alone. */
export interface RatedWord {
  readonly word: string
  readonly count: number
  readonly probabilities: readonly number[]
}

/** What to learn, as decided from the data: everything that follows from `spec`, which is saved with the weights. */
export interface Task {
  /** Plain JSON, from which the recipe's `restore` makes the task again. */
  readonly spec: object
  /** Class names by class number; empty where none are told apart. */
  readonly classes: readonly string[]
  /** What is reported, and decides when training ends. */
  readonly loss: Loss
  /** What is minimised, where that is more than the loss. */
  readonly objective?: Loss
  /** Changes the inputs of training steps at random, by the default generator. */
  readonly augment?: (x: Tensor) => Tensor
  readonly metrics: readonly (Metric | EpochMetric)[]
  /**
   * A fresh model, whose initial weights follow from `manualSeed`.
   *
   * @param train what it will be trained on, where it takes statistics from it; not needed to load weights
   */
  build(train?: ArrayDataset): Model
  optimizer(parameters: readonly Parameter[], lr: number): Optimizer
  /** Learning rate over a training of `steps` steps; constant if absent. */
  schedule?(steps: number): Schedule
  /**
   * Inputs and targets of all of another file.
   *
   * @throws GliaError if the file lacks what is needed
   */
  examples(source: Source): Promise<ArrayDataset>
  /**
   * What the model makes of another file, as text: a table with predictions, or what it has written.
   *
   * @throws GliaError if the file lacks what is needed
   */
  predict(model: Model, source: Source, options?: AskOptions): Promise<string>
  /** For models that write: how the model goes on from the first of some examples. */
  sample?(model: Model, data: ArrayDataset): Promise<string>
  /** For models that classify texts: what they make of the words of some examples, the most frequent first. */
  words?(model: Model, data: ArrayDataset): Promise<readonly RatedWord[]>
}

/** A task, and its examples. */
export interface Prepared {
  readonly task: Task
  readonly defaults: FileDefaults
  readonly train: ArrayDataset
  readonly validation: ArrayDataset
  /** What neither weights nor decisions depend on. */
  readonly test: ArrayDataset
  /** What rules without a network come to on the test examples, to be shown beside the model's scores. */
  readonly baselines?: readonly Baseline[]
  /** Everything that was decided, to be shown. */
  readonly choices: readonly Choice[]
  /** What was left out, and why: one sentence each. */
  readonly skipped?: readonly string[]
}

/** Trains on a kind of file. */
export interface FileRecipe {
  /** As on the command line. */
  readonly name: string
  /** One sentence. */
  readonly description: string
  /** Where the model is described first. */
  readonly paper: string
  /** What `--data` names: a text file, or a directory with pictures in a folder for each class. */
  readonly reads: 'text' | 'pictures'
  /**
   * Decides what to learn, and how, from a file.
   *
   * @throws GliaError saying what the file lacks, where, and what would help
   */
  prepare(source: Source, options?: FileOptions): Promise<Prepared>
  /** The task that `spec` was saved from. @throws GliaError if it is no such thing */
  restore(spec: unknown): Task
}
