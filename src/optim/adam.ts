/** @file Adam and AdamW. */
import { checkNumber } from '../core/ranges.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { checkBetas, correction, decayed, mix, withDecay } from './formulas.ts'
import type { BaseOptions, Parameters } from './group.ts'
import { Optimizer, type State, type StepContext, type Update } from './optimizer.ts'

export interface AdamOptions extends BaseOptions {
  /** How slowly the running means of the gradient and of its square forget (default [0.9, 0.999]). */
  readonly betas?: readonly [number, number]
  /** Added to the denominator (default 1e-8). */
  readonly eps?: number
  /** Added to the gradient, times the parameter (default 0). */
  readonly weightDecay?: number
  /** Whether to divide by the greatest mean square so far (default false; Reddi et al. 2018). */
  readonly amsgrad?: boolean
}

/** Checks of Adam and its relatives. */
export function checkMoments(
  name: string,
  { betas, eps, weightDecay }: Required<Pick<AdamOptions, 'betas' | 'eps' | 'weightDecay'>>,
): void {
  checkBetas(name, betas)
  checkNumber(name, 'eps', eps, { min: 0 })
  checkNumber(name, 'weightDecay', weightDecay, { min: 0 })
}

/**
 * Adaptive moments (Kingma & Ba 2015), with bias correction:
 *
 * ```text
 * m ← β₁ m + (1 − β₁) g      v ← β₂ v + (1 − β₂) g²
 * w ← w − lr · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
 * ```
 */
export class Adam extends Optimizer<Required<AdamOptions>> {
  constructor(params: Parameters<Required<AdamOptions>>, options: Partial<AdamOptions> = {}) {
    const defaults = {
      lr: 1e-3,
      betas: [0.9, 0.999],
      eps: 1e-8,
      weightDecay: 0,
      amsgrad: false,
      maximize: false,
    } as const
    super(params, { ...defaults, ...options })
  }

  protected check(options: Required<AdamOptions>): void {
    checkMoments(this.constructor.name, options)
  }

  protected override momentumOf({ betas }: Required<AdamOptions>): number {
    return betas[0]
  }

  protected init({ amsgrad }: Required<AdamOptions>): Record<string, number> {
    return { exp_avg: 0, exp_avg_sq: 0, ...(amsgrad ? { max_exp_avg_sq: 0 } : {}) }
  }

  protected apply(
    w: Tensor,
    gradient: Tensor,
    state: State,
    { options, lr, step, momentum: beta1 }: StepContext<Required<AdamOptions>>,
  ): Update {
    const { betas, eps, weightDecay } = options
    const g = withDecay(gradient, w, weightDecay)
    const m = mix(state.exp_avg, g, beta1)
    const v = mix(state.exp_avg_sq, g.square(), betas[1])
    const largest = state.max_exp_avg_sq?.maximum(v)
    const denominator = (largest ?? v).sqrt().div(correction(betas[1], step).sqrt()).add(eps)
    const value = w.sub(m.mul(lr.div(correction(beta1, step))).div(denominator))
    return { value, state: { exp_avg: m, exp_avg_sq: v, ...(largest ? { max_exp_avg_sq: largest } : {}) } }
  }
}

/** Adam with decoupled weight decay, 1e-2 by default: first `w ← w − lr · decay · w` (Loshchilov & Hutter 2019). */
export class AdamW extends Adam {
  constructor(params: Parameters<Required<AdamOptions>>, options: Partial<AdamOptions> = {}) {
    super(params, { weightDecay: 1e-2, ...options })
  }

  protected override apply(w: Tensor, g: Tensor, state: State, context: StepContext<Required<AdamOptions>>): Update {
    const { options, lr } = context
    const before = decayed(w, lr, options.weightDecay)
    return super.apply(before, g, state, { ...context, options: { ...options, weightDecay: 0 } })
  }
}
