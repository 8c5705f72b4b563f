/** @file NAdam: Adam that looks ahead. */
import { checkNumber } from '../core/ranges.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type AdamOptions, checkMoments } from './adam.ts'
import { complement, correction, mix, withDecay } from './formulas.ts'
import type { Parameters } from './group.ts'
import { Optimizer, type State, type StepContext, type Update } from './optimizer.ts'

/** As Adam's, without amsgrad; the learning rate is 2e-3 by default. */
export interface NAdamOptions extends Omit<AdamOptions, 'amsgrad'> {
  /** How fast momentum approaches β₁ (default 4e-3). */
  readonly momentumDecay?: number
}

/**
 * Adam with Nesterov momentum (Dozat 2016). With μₜ = β₁ (1 − 0.96^(t ψ) / 2) and M = μ₁ · … · μₜ:
 *
 * ```text
 * m ← β₁ m + (1 − β₁) g      v ← β₂ v + (1 − β₂) g²
 * w ← w − lr · (μₜ₊₁ m / (1 − M μₜ₊₁) + (1 − μₜ) g / (1 − M)) / (√(v / (1 − β₂ᵗ)) + ε)
 * ```
 */
export class NAdam extends Optimizer<Required<NAdamOptions>> {
  constructor(params: Parameters<Required<NAdamOptions>>, options: Partial<NAdamOptions> = {}) {
    const defaults = { lr: 2e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, momentumDecay: 4e-3 } as const
    super(params, { ...defaults, maximize: false, ...options })
  }

  protected check(options: Required<NAdamOptions>): void {
    checkMoments('NAdam', options)
    checkNumber('NAdam', 'momentumDecay', options.momentumDecay, { min: 0 })
  }

  protected override momentumOf({ betas }: Required<NAdamOptions>): number {
    return betas[0]
  }

  protected init(): Record<string, number> {
    return { exp_avg: 0, exp_avg_sq: 0 }
  }

  protected override scalars(): Record<string, number> {
    return { mu_product: 1 }
  }

  protected apply(
    w: Tensor,
    gradient: Tensor,
    state: State,
    { options, lr, step, momentum: beta1 }: StepContext<Required<NAdamOptions>>,
  ): Update {
    const { betas, eps, weightDecay, momentumDecay } = options
    const g = withDecay(gradient, w, weightDecay)
    const m = mix(state.exp_avg, g, beta1)
    const v = mix(state.exp_avg_sq, g.square(), betas[1])
    const muAt = (t: Tensor): Tensor =>
      t
        .mul(momentumDecay * Math.log(0.96))
        .exp()
        .mul(-0.5)
        .add(1)
        .mul(beta1)
    const [mu, ahead] = [muAt(step), muAt(step.add(1))]
    const product = state.mu_product.mul(mu)
    const fresh = g.mul(complement(mu)).div(complement(product))
    const kept = m.mul(ahead).div(complement(product.mul(ahead)))
    const denominator = v.div(correction(betas[1], step)).sqrt().add(eps)
    const value = w.sub(fresh.add(kept).mul(lr).div(denominator))
    return { value, state: { exp_avg: m, exp_avg_sq: v, mu_product: product } }
  }
}
