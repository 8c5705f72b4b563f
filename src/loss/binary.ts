/** @file Losses for yes-or-no targets: 0, 1 or a probability. */
import { checkNumber } from '../core/ranges.ts'
import type { TensorBase } from '../tensor/base.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { checkSame, type WeightedOptions, weighed } from './reduction.ts'

export type BceOptions = WeightedOptions

export interface BceWithLogitsOptions extends BceOptions {
  /** Weight of the positive answers, per class; broadcasts. */
  readonly posWeight?: TensorBase
}

/** Binary cross-entropy of logits x: −w₊ y log σ(x) − (1 − y) log(1 − σ(x)), without overflow. */
export function bceWithLogits(logits: Tensor, target: Tensor, options: BceWithLogitsOptions = {}): Tensor {
  checkSame('bceWithLogits', logits, target)
  const y = target.cast(logits.dtype)
  const miss = logits.neg().softplus()
  // (1 − y) x + (1 + (w₊ − 1) y) log(1 + e^−x)
  const losses = y
    .neg()
    .add(1)
    .mul(logits)
    .add(options.posWeight ? miss.add(y.mul(options.posWeight).sub(y).mul(miss)) : miss)
  return weighed(losses, options)
}

/** Binary cross-entropy of probabilities p: −y log p − (1 − y) log(1 − p), logarithms kept above −100. */
export function bce(probabilities: Tensor, target: Tensor, options: BceOptions = {}): Tensor {
  checkSame('bce', probabilities, target)
  const y = target.cast(probabilities.dtype)
  const log = (p: Tensor): Tensor => p.log().clamp(-100)
  const hit = y.mul(log(probabilities))
  const miss = y
    .neg()
    .add(1)
    .mul(log(probabilities.neg().add(1)))
  return weighed(hit.add(miss).neg(), options)
}

export interface SigmoidFocalOptions extends WeightedOptions {
  /** Weight of the positive answers, 1 − α of the others (default 0.25); null weights neither. */
  readonly alpha?: number | null
  /** How strongly easy examples are played down (default 2); 0 gives `bceWithLogits`. */
  readonly gamma?: number
}

/** Focal loss of logits for yes-or-no targets (Lin et al. 2017): −α (1 − p_t)^γ log p_t, p_t = σ(x) or 1 − σ(x). */
export function sigmoidFocal(logits: Tensor, target: Tensor, options: SigmoidFocalOptions = {}): Tensor {
  checkSame('sigmoidFocal', logits, target)
  const { alpha = 0.25, gamma = 2 } = options
  checkNumber('sigmoidFocal', 'gamma', gamma, { min: 0 })
  if (alpha !== null) checkNumber('sigmoidFocal', 'alpha', alpha, { min: 0, max: 1 })
  const y = target.cast(logits.dtype)
  const p = logits.sigmoid()
  const miss = p.add(y).sub(p.mul(y).mul(2)) // 1 − p_t = p (1 − y) + (1 − p) y
  // Above 0, so that no power has an infinite slope.
  const losses = bceWithLogits(logits, y, { reduction: 'none' }).mul(miss.clamp(1e-12).pow(gamma))
  return weighed(alpha === null ? losses : losses.mul(y.mul(2 * alpha - 1).add(1 - alpha)), options)
}
