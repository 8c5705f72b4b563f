/** @file Adamax: Adam with the greatest gradient in place of the mean square. */
import type { Tensor } from '../tensor/tensor.ts'
import { type AdamOptions, checkMoments } from './adam.ts'
import { correction, mix, withDecay } from './formulas.ts'
import type { Parameters } from './group.ts'
import { Optimizer, type State, type StepContext, type Update } from './optimizer.ts'

/** As Adam's, without amsgrad; the learning rate is 2e-3 by default. */
export type AdamaxOptions = Omit<AdamOptions, 'amsgrad'>

/**
 * Adam with the infinity norm (Kingma & Ba 2015, section 7.1):
 *
 * ```text
 * m ← β₁ m + (1 − β₁) g      u ← max(β₂ u, |g| + ε)
 * w ← w − lr / (1 − β₁ᵗ) · m / u
 * ```
 */
export class Adamax extends Optimizer<Required<AdamaxOptions>> {
  constructor(params: Parameters<Required<AdamaxOptions>>, options: Partial<AdamaxOptions> = {}) {
    super(params, { lr: 2e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, maximize: false, ...options })
  }

  protected check(options: Required<AdamaxOptions>): void {
    checkMoments('Adamax', options)
  }

  protected override momentumOf({ betas }: Required<AdamaxOptions>): number {
    return betas[0]
  }

  protected init(): Record<string, number> {
    return { exp_avg: 0, exp_inf: 0 }
  }

  protected apply(
    w: Tensor,
    gradient: Tensor,
    state: State,
    { options, lr, step, momentum: beta1 }: StepContext<Required<AdamaxOptions>>,
  ): Update {
    const { betas, eps, weightDecay } = options
    const g = withDecay(gradient, w, weightDecay)
    const m = mix(state.exp_avg, g, beta1)
    const u = state.exp_inf.mul(betas[1]).maximum(g.abs().add(eps))
    const value = w.sub(m.mul(lr.div(correction(beta1, step))).div(u))
    return { value, state: { exp_avg: m, exp_inf: u } }
  }
}
