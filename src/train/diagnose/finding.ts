/** @file What a diagnosis says. */

/** The cases that loss curves and layers are told apart by. */
export type Case =
  | 'underfitting'
  | 'stopped too early'
  | 'overfitting'
  | 'levelling off'
  | 'unrepresentative training set'
  | 'unrepresentative validation set'
  | 'rising loss'
  | 'vanishing gradients'
  | 'exploding gradients'
  | 'dead units'
  | 'saturated units'
  | 'too large updates'

export interface Finding {
  readonly case: Case
  /** What was seen, with its figures. One sentence. */
  readonly evidence: string
  /** What to try, the likeliest first. */
  readonly advice: readonly string[]
  /** From which epoch on, where there is one. */
  readonly epoch?: number
}
