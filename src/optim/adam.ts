/** @file Adam and AdamW. */
import type { Tensor } from '../tensor/tensor.ts'
import { Optimizer, type Parameters, type State, type StepContext } from './optimizer.ts'

export interface AdamOptions {
  /** Learning rate (default 1e-3). */
  readonly lr: number
  /** How slowly the running means of the gradient and of its square forget (default [0.9, 0.999]). */
  readonly betas?: readonly [number, number]
  /** Added to the denominator (default 1e-8). */
  readonly eps?: number
  /** Added to the gradient, times the parameter (default 0). */
  readonly weightDecay?: number
  /** Whether to divide by the greatest mean square so far (default false; Reddi et al. 2018). */
  readonly amsgrad?: boolean
}

/**
 * Adaptive moments (Kingma & Ba 2015), with bias correction:
 *
 * ```text
 * m ← β₁ m + (1 − β₁) g      v ← β₂ v + (1 − β₂) g²
 * w ← w − lr · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
 * ```
 */
export class Adam extends Optimizer<AdamOptions> {
  constructor(params: Parameters<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(params, { lr: 1e-3, ...options })
  }

  protected init({ amsgrad = false }: AdamOptions): Record<string, number> {
    return { exp_avg: 0, exp_avg_sq: 0, ...(amsgrad ? { max_exp_avg_sq: 0 } : {}) }
  }

  protected apply(w: Tensor, gradient: Tensor, state: State, { options, lr, step }: StepContext<AdamOptions>) {
    const { betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0 } = options
    const g = weightDecay === 0 ? gradient : gradient.add(w.mul(weightDecay))
    const m = state.exp_avg.mul(betas[0]).add(g.mul(1 - betas[0]))
    const v = state.exp_avg_sq.mul(betas[1]).add(g.square().mul(1 - betas[1]))
    const largest = state.max_exp_avg_sq?.maximum(v)
    const denominator = (largest ?? v).sqrt().div(correction(betas[1], step).sqrt()).add(eps)
    const value = w.sub(m.mul(lr.div(correction(betas[0], step))).div(denominator))
    return { value, state: { exp_avg: m, exp_avg_sq: v, ...(largest ? { max_exp_avg_sq: largest } : {}) } }
  }
}

/** 1 − βᵗ, exact for β near 1 where a float32 power is not. */
function correction(beta: number, step: Tensor): Tensor {
  return step.mul(Math.log(beta)).expm1().neg()
}

/** Adam with decoupled weight decay, 1e-2 by default: first `w ← w − lr · decay · w` (Loshchilov & Hutter 2019). */
export class AdamW extends Adam {
  constructor(params: Parameters<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(params, { weightDecay: 1e-2, ...options })
  }

  protected override apply(w: Tensor, g: Tensor, state: State, context: StepContext<AdamOptions>) {
    const { weightDecay = 0 } = context.options
    const decayed = w.sub(w.mul(context.lr.mul(weightDecay)))
    return super.apply(decayed, g, state, { ...context, options: { ...context.options, weightDecay: 0 } })
  }
}
