/**
 * @file The cases of loss curves, each with the figures by which it is recognised. They are those that are taught (Brownlee
 * 2019, How to use learning curves to diagnose machine learning model performance), with the advice that goes with them.
 * All bounds are shares of what there is to learn: of the loss before training, or of the best blind guess.
 */

import { fall, figure, least, mean, smooth, unrest, withoutSpike } from './curves.ts'
import type { Finding } from './finding.ts'

/** What the cases look at. */
export interface Curves {
  /** Loss of each epoch. */
  readonly train: readonly number[]
  /** Empty without a validation set. */
  readonly val: readonly number[]
  /** Learning rate at the end of each epoch. */
  readonly lr: readonly number[]
  /** Loss before anything was learned. */
  readonly start: number
  /** Least loss of a prediction that does not look at the input. */
  readonly baseline: number | null
  /** Accuracy on the training set in the last epoch, and that of guessing. */
  readonly accuracy: { readonly reached: number; readonly guessing: number } | null
  /** Epoch whose weights the model has, where that is not the last by rule. */
  readonly kept: number | null
}

const PACE =
  'Batch size and learning rate belong together: with batches k times as large, take a learning rate up to k times as large.'

/** Epochs below which trends are not told from chance. */
const FEW = 4

const epochs = (count: number): string => (count === 1 ? '1 epoch' : `${count} epochs`)

/** Level at the end. */
function end(values: readonly number[]): number {
  return mean(values.slice(-Math.max(1, Math.min(3, Math.floor(values.length / 5)))))
}

/** Training loss that increases after some iterations: steps or momentum too large. */
export function rising({ train, start }: Curves): Finding | null {
  if (train.length < 3) return null
  const at = least(train)
  const [low, now] = [train[at], end(train)]
  const rise = now - low
  const learned = Math.max(start - low, 0.05 * Math.abs(start))
  const rises = rise > 0.15 * learned && rise > 0.1 * Math.abs(low) && at < train.length - 1
  // A single bad epoch is none.
  if (!rises || (train.length > 4 && fall(train.slice(at), train.length - at) > 0)) return null
  return {
    case: 'rising loss',
    epoch: at + 2,
    evidence:
      `The training loss was ${figure(low)} in epoch ${at + 1} and is ${figure(now)} after ${epochs(train.length)}: ` +
      'it grows while it is being minimised.',
    advice: [
      'Make the learning rate smaller, or reduce it with a schedule.',
      'Make the momentum smaller, or change the optimizer; clip the gradients.',
      'Use another loss, if possible.',
      PACE,
    ],
  }
}

/** A flat curve, or an uneasy one on a high level. */
export function underfitting({ train, start, baseline, accuracy }: Curves): Finding | null {
  if (train.length === 0) return null
  const blind = Math.min(baseline ?? start, start)
  const low = Math.min(...train)
  const byLoss = low > 0.9 * blind && blind > 0
  const byAccuracy =
    accuracy !== null && accuracy.reached < accuracy.guessing + 0.15 * (1 - accuracy.guessing) && low > 0.7 * blind
  if (!byLoss && !byAccuracy) return null
  const guess = baseline === null ? `${figure(start)} before training` : `${figure(baseline)} for the best blind guess`
  const share = accuracy
    ? ` Its accuracy is ${percent(accuracy.reached)}, that of guessing ${percent(accuracy.guessing)}.`
    : ''
  return {
    case: 'underfitting',
    evidence: `The training loss stays flat: ${figure(low)} at best, against ${guess}.${share}`,
    advice: [
      'Increase the capacity of the model: more layers, wider ones.',
      'Look for a learning rate that learns at all (findLearningRate), and at the scale of the inputs.',
      'Add more data, or inputs that tell more.',
      PACE,
    ],
  }
}

/** Curves that still fall when training ends. */
export function stoppedEarly({ train, val, lr, start }: Curves): Finding | null {
  const curve = val.length > 0 ? val : train
  const n = curve.length
  if (n < FEW) return null
  const window = Math.max(3, Math.ceil(n / 4))
  const gain = fall(curve, window)
  const total = start - end(curve)
  const level = Math.abs(end(curve))
  const falls = gain > 0.08 * total && gain > 0.05 * level && gain > 2 * unrest(curve) && total > 0
  const which = val.length > 0 ? 'validation' : 'training'
  if (least(smooth(curve)) < n - 2) return null
  // A schedule that dies out flattens any curve: what counts is how it ran until then.
  const lively = lr.findLastIndex((rate) => rate >= 0.3 * Math.max(...lr)) + 1
  const until = fall(curve.slice(0, lively), Math.max(3, window))
  const cut = lively < n && lively >= 3 && until > 0.15 * total && end(curve) > 0.3 * Math.abs(start) && total > 0
  if (!falls && !cut) return null
  return {
    case: 'stopped too early',
    evidence: falls
      ? `The ${which} loss was still falling: by ${figure(gain)} over the last ${epochs(window)}, ` +
        `${percent(gain / total)} of what was learned in all, to ${figure(end(curve))}.`
      : `The ${which} loss was still falling when the learning rate began to die out, in epoch ${lively}, and stayed at ` +
        `${figure(end(curve))}.`,
    advice: [
      'Train for more epochs.',
      'Make the learning rate larger if training takes too long.',
      'If a schedule has let the learning rate die out, give it more steps.',
    ],
  }
}

/** Validation loss that increases while the training loss decreases. */
export function overfitting({ train, val, start, kept }: Curves): Finding | null {
  const n = val.length
  if (n < FEW) return null
  const smoothed = smooth(val)
  const at = least(smoothed)
  const [low, now] = [smoothed[at], end(val)]
  const rise = now - low
  const grows = rise > 0.1 * Math.abs(low) && rise > 0.02 * Math.abs(start) && rise > 2 * unrest(val) && at < n - 2
  if (!grows || end(train) >= mean(train.slice(at, at + 2))) return null
  return {
    case: 'overfitting',
    epoch: at + 2,
    evidence:
      `From epoch ${at + 2} on the validation loss rises, from ${figure(low)} to ${figure(now)}, while the training loss ` +
      `falls to ${figure(end(train))}: what is learned from there on holds for the training set alone.` +
      (kept === null ? '' : ` The model has the weights of epoch ${kept}, from before that.`),
    advice: [
      ...(kept === null ? [`Stop when the validation loss is least (earlyStopping), here after epoch ${at + 1}.`] : []),
      'Reduce the capacity of the model: fewer layers, narrower ones.',
      'Regularise: dropout, weight decay, augmentation. Collect more data.',
      'Make the learning rate smaller if the network learns too fast.',
    ],
  }
}

/** How both curves run in the second half. */
function secondHalf({ train, val, start }: Curves): { byTrain: number; byVal: number; gap: number; before: number } {
  const half = Math.max(3, Math.ceil(val.length / 2))
  const share = (curve: readonly number[]): number => fall(curve, half) / Math.abs(mean(curve.slice(-half)))
  const learned = Math.max(start - end(train), 1e-12)
  const from = val.length - half
  const around = (curve: readonly number[]): number => mean(curve.slice(from, from + 2))
  return {
    byTrain: share(train),
    byVal: share(val),
    gap: (end(val) - end(train)) / learned,
    before: (around(val) - around(train)) / learned,
  }
}

/** Validation loss that levels off while the training loss decreases. */
export function levellingOff(curves: Curves): Finding | null {
  const { train, val } = curves
  if (val.length < 6) return null
  const { byTrain, byVal, gap } = secondHalf(curves)
  const quiet = Math.abs(byVal) < 0.07 || fall(val, Math.ceil(val.length / 2)) < unrest(val)
  const half = Math.ceil(val.length / 2)
  // Where hardly anything is left to fall, it is the gap that counts.
  const opens = fall(train, half) > 0.1 * (end(val) - end(train))
  if (!quiet || !opens || byTrain < 0.12 || gap < 0.08 || byVal > byTrain / 3) return null
  return {
    case: 'levelling off',
    epoch: val.length - half + 1,
    evidence:
      `Over the last ${epochs(half)} the training loss fell by ${percent(byTrain)} of its level, to ${figure(end(train))}, ` +
      `while the validation loss stayed at ${figure(end(val))}.`,
    advice: [
      'Collect more data, in case the training set is being learned by heart; or augment what there is.',
      'Change the architecture of the network.',
      'Regularise: dropout, weight decay.',
    ],
  }
}

/** Both losses improve, but a large gap remains. */
export function unrepresentativeTraining(curves: Curves): Finding | null {
  const { train, val, start } = curves
  if (val.length < FEW) return null
  const { gap, before } = secondHalf(curves)
  const learned = start - end(train) > 0.1 * Math.abs(start)
  const large = gap > 0.2 && end(val) > 1.5 * Math.abs(end(train)) && before > 0.6 * gap
  if (!learned || !large || end(val) > val[0] * 1.02) return null
  return {
    case: 'unrepresentative training set',
    evidence:
      `Both losses improved, but a large gap remains: ${figure(end(train))} in training, ${figure(end(val))} in validation, ` +
      'and it does not close.',
    advice: [
      'Add samples to the training set, of the kinds that the validation set has.',
      'Divide the data anew, at random, so that both sets have the same kinds of samples.',
      'Check that both sets are preprocessed alike.',
    ],
  }
}

/** Training loss that falls smoothly while the validation loss jumps about. */
export function unrepresentativeValidation({ train, val, start }: Curves): Finding | null {
  if (val.length < 6) return null
  const from = Math.floor(val.length / 3)
  // A single bad epoch is chance.
  const [jumps, steps] = [unrest(withoutSpike(val.slice(from))), unrest(train.slice(from))]
  const level = Math.abs(mean(val.slice(from)))
  if (jumps < 0.06 * level || jumps < 3 * steps || jumps < 0.015 * Math.abs(start)) return null
  return {
    case: 'unrepresentative validation set',
    evidence:
      `The training loss falls smoothly (it moves by ${figure(steps)} beside its course), but the validation loss jumps ` +
      `by ${figure(jumps)} at a level of ${figure(level)}.`,
    advice: [
      'Add samples to the validation set: it is too small, or too unlike the rest, to tell how good the model is.',
      'Divide the data anew; with little data, use cross-validation.',
      'If it is large enough, make the learning rate or the momentum of running statistics smaller.',
    ],
  }
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(share < 0.1 ? 2 : 3))} %`
}
