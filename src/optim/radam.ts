/** @file RAdam: Adam that trusts its mean square only once it has seen enough. */
import { where } from '../tensor/elementwise.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type AdamOptions, checkMoments } from './adam.ts'
import { correction, mix, withDecay } from './formulas.ts'
import type { Parameters } from './group.ts'
import { Optimizer, type State, type StepContext, type Update } from './optimizer.ts'

/** As Adam's, without amsgrad. */
export type RAdamOptions = Omit<AdamOptions, 'amsgrad'>

/**
 * Rectified Adam (Liu et al. 2020). With ρ the length of the mean of squares, at most ρ∞ = 2 / (1 − β₂) − 1:
 *
 * ```text
 * m ← β₁ m + (1 − β₁) g      v ← β₂ v + (1 − β₂) g²      m̂ = m / (1 − β₁ᵗ)
 * r = √((ρ − 4)(ρ − 2) ρ∞ / ((ρ∞ − 4)(ρ∞ − 2) ρ))
 * w ← w − lr · m̂ · (ρ > 5 ? r √(1 − β₂ᵗ) / (√v + ε) : 1)
 * ```
 */
export class RAdam extends Optimizer<Required<RAdamOptions>> {
  constructor(params: Parameters<Required<RAdamOptions>>, options: Partial<RAdamOptions> = {}) {
    super(params, { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, maximize: false, ...options })
  }

  protected check(options: Required<RAdamOptions>): void {
    checkMoments('RAdam', options)
  }

  protected override momentumOf({ betas }: Required<RAdamOptions>): number {
    return betas[0]
  }

  protected init(): Record<string, number> {
    return { exp_avg: 0, exp_avg_sq: 0 }
  }

  protected apply(
    w: Tensor,
    gradient: Tensor,
    state: State,
    { options, lr, step, momentum: beta1 }: StepContext<Required<RAdamOptions>>,
  ): Update {
    const { betas, eps, weightDecay } = options
    const g = withDecay(gradient, w, weightDecay)
    const m = mix(state.exp_avg, g, beta1)
    const v = mix(state.exp_avg_sq, g.square(), betas[1])
    const most = 2 / (1 - betas[1]) - 1
    const rho = lengthOf(step, betas[1])
    const enough = rho.gt(5)
    const safe = where(enough, rho, 6)
    const rectified = safe
      .sub(4)
      .mul(safe.sub(2))
      .div(safe)
      .mul(most / ((most - 4) * (most - 2)))
      .sqrt()
    const scale = rectified.mul(correction(betas[1], step).sqrt()).div(v.sqrt().add(eps))
    const rate = lr.div(correction(beta1, step))
    const value = w.sub(m.mul(rate).mul(where(enough, scale, 1)))
    return { value, state: { exp_avg: m, exp_avg_sq: v } }
  }
}

/**
 * ρ∞ − 2 t βᵗ / (1 − βᵗ). With a = −t log β that is ρ∞ − (2 / −log β) · a / (eᵃ − 1), whose leading terms cancel for small
 * a: there a / (eᵃ − 1) = 1 − a/2 + a²/12 − a⁴/720 + a⁶/30240 − a⁸/1209600 + …
 */
function lengthOf(step: Tensor, beta: number): Tensor {
  const rate = -Math.log(beta)
  const most = 2 / (1 - beta) - 1
  const a = step.mul(rate)
  const square = a.square()
  const series = square
    .mul(-1 / 1209600)
    .add(1 / 30240)
    .mul(square)
    .sub(1 / 720)
    .mul(square)
    .add(1 / 12)
    .mul(square)
  const near = step.add(most - 2 / rate).sub(series.mul(2 / rate))
  const far = a
    .div(a.expm1())
    .mul(-2 / rate)
    .add(most)
  return where(a.lt(1), near, far)
}
