/** @file RMSprop: gradients divided by the root of their running mean square. */
import { checkNumber } from '../core/ranges.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { mix, withDecay } from './formulas.ts'
import type { BaseOptions, Parameters } from './group.ts'
import { Optimizer, type State, type StepContext, type Update } from './optimizer.ts'

export interface RMSpropOptions extends BaseOptions {
  /** How slowly the running mean square forgets (default 0.99). */
  readonly alpha?: number
  /** Added to the root (default 1e-8). */
  readonly eps?: number
  /** Added to the gradient, times the parameter (default 0). */
  readonly weightDecay?: number
  /** Share of the last step that is kept (default 0). */
  readonly momentum?: number
  /** Whether to take the variance in place of the mean square (default false; Graves 2013). */
  readonly centered?: boolean
}

/**
 * RMSprop (Tieleman & Hinton 2012): `v ← α v + (1 − α) g²`, `w ← w − lr · g / (√v + ε)`; lr is 1e-2 by default.
 *
 * With momentum the quotient is added up: `b ← momentum · b + g / (√v + ε)`, `w ← w − lr · b`.
 */
export class RMSprop extends Optimizer<Required<RMSpropOptions>> {
  constructor(params: Parameters<Required<RMSpropOptions>>, options: Partial<RMSpropOptions> = {}) {
    const defaults = { lr: 1e-2, alpha: 0.99, eps: 1e-8, weightDecay: 0, momentum: 0, centered: false, maximize: false }
    super(params, { ...defaults, ...options })
  }

  protected check({ alpha, eps, weightDecay, momentum }: Required<RMSpropOptions>): void {
    checkNumber('RMSprop', 'alpha', alpha, { min: 0, max: 1 })
    checkNumber('RMSprop', 'eps', eps, { min: 0 })
    checkNumber('RMSprop', 'weightDecay', weightDecay, { min: 0 })
    checkNumber('RMSprop', 'momentum', momentum, { min: 0 })
  }

  protected override momentumOf({ momentum }: Required<RMSpropOptions>): number {
    return momentum
  }

  protected init({ momentum, centered }: Required<RMSpropOptions>): Record<string, number> {
    return { square_avg: 0, ...(momentum > 0 ? { momentum_buffer: 0 } : {}), ...(centered ? { grad_avg: 0 } : {}) }
  }

  protected apply(
    w: Tensor,
    gradient: Tensor,
    state: State,
    { options, lr, momentum }: StepContext<Required<RMSpropOptions>>,
  ): Update {
    const { alpha, eps, weightDecay, centered } = options
    const g = withDecay(gradient, w, weightDecay)
    const v = mix(state.square_avg, g.square(), alpha)
    const mean = centered ? { grad_avg: mix(state.grad_avg, g, alpha) } : {}
    const root = (mean.grad_avg ? v.sub(mean.grad_avg.square()) : v).sqrt()
    const d = g.div(root.add(eps))
    if (options.momentum === 0) return { value: w.sub(d.mul(lr)), state: { square_avg: v, ...mean } }
    const b = state.momentum_buffer.mul(momentum).add(d)
    return { value: w.sub(b.mul(lr)), state: { square_avg: v, momentum_buffer: b, ...mean } }
  }
}
