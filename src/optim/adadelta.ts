/** @file Adadelta: steps in the parameter's own units. */
import { checkNumber } from '../core/ranges.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { mix, withDecay } from './formulas.ts'
import type { BaseOptions, Parameters } from './group.ts'
import { Optimizer, type State, type StepContext, type Update } from './optimizer.ts'

export interface AdadeltaOptions extends BaseOptions {
  /** How slowly the running mean squares forget (default 0.9). */
  readonly rho?: number
  /** Added to both mean squares (default 1e-6). */
  readonly eps?: number
  /** Added to the gradient, times the parameter (default 0). */
  readonly weightDecay?: number
}

/**
 * Adadelta (Zeiler 2012); lr is 1 by default:
 *
 * ```text
 * v ← ρ v + (1 − ρ) g²      d = √(u + ε) / √(v + ε) · g      u ← ρ u + (1 − ρ) d²      w ← w − lr · d
 * ```
 */
export class Adadelta extends Optimizer<Required<AdadeltaOptions>> {
  constructor(params: Parameters<Required<AdadeltaOptions>>, options: Partial<AdadeltaOptions> = {}) {
    super(params, { lr: 1, rho: 0.9, eps: 1e-6, weightDecay: 0, maximize: false, ...options })
  }

  protected check({ rho, eps, weightDecay }: Required<AdadeltaOptions>): void {
    checkNumber('Adadelta', 'rho', rho, { min: 0, max: 1 })
    checkNumber('Adadelta', 'eps', eps, { min: 0 })
    checkNumber('Adadelta', 'weightDecay', weightDecay, { min: 0 })
  }

  protected init(): Record<string, number> {
    return { square_avg: 0, acc_delta: 0 }
  }

  protected apply(
    w: Tensor,
    gradient: Tensor,
    state: State,
    { options, lr }: StepContext<Required<AdadeltaOptions>>,
  ): Update {
    const { rho, eps, weightDecay } = options
    const g = withDecay(gradient, w, weightDecay)
    const v = mix(state.square_avg, g.square(), rho)
    const d = state.acc_delta.add(eps).sqrt().div(v.add(eps).sqrt()).mul(g)
    return { value: w.sub(d.mul(lr)), state: { square_avg: v, acc_delta: mix(state.acc_delta, d.square(), rho) } }
  }
}
