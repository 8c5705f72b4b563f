/** @file Losses for yes-or-no targets: 0, 1 or a probability. */
import type { TensorBase } from '../tensor/base.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { checkSame, type LossOptions, reduced } from './reduction.ts'

export interface BceOptions extends LossOptions {
  /** Weight of each element's loss; broadcasts. */
  readonly weight?: TensorBase
}

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
  return reduced(options.weight ? losses.mul(options.weight) : losses, options.reduction)
}

/** Binary cross-entropy of probabilities p: −y log p − (1 − y) log(1 − p), logarithms kept above −100. */
export function bce(probabilities: Tensor, target: Tensor, options: BceOptions = {}): Tensor {
  checkSame('bce', probabilities, target)
  const y = target.cast(probabilities.dtype)
  const log = (p: Tensor): Tensor => p.log().clamp(-100)
  const losses = y
    .mul(log(probabilities))
    .add(
      y
        .neg()
        .add(1)
        .mul(log(probabilities.neg().add(1))),
    )
    .neg()
  return reduced(options.weight ? losses.mul(options.weight) : losses, options.reduction)
}
