/** @file Lion: steps of one size, in the direction of the momentum's sign. */
import { checkNumber } from '../core/ranges.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { checkBetas, decayed, mix } from './formulas.ts'
import type { BaseOptions, Parameters } from './group.ts'
import { Optimizer, type State, type StepContext, type Update } from './optimizer.ts'

export interface LionOptions extends BaseOptions {
  /** Shares of the momentum in the step and in the next momentum (default [0.9, 0.99]). */
  readonly betas?: readonly [number, number]
  /** Decoupled: w ← w − lr · decay · w (default 0). */
  readonly weightDecay?: number
}

/**
 * Evolved sign momentum (Chen et al. 2023); lr is 1e-4 by default:
 *
 * ```text
 * w ← w − lr · (sign(β₁ m + (1 − β₁) g) + decay · w)      m ← β₂ m + (1 − β₂) g
 * ```
 */
export class Lion extends Optimizer<Required<LionOptions>> {
  constructor(params: Parameters<Required<LionOptions>>, options: Partial<LionOptions> = {}) {
    super(params, { lr: 1e-4, betas: [0.9, 0.99], weightDecay: 0, maximize: false, ...options })
  }

  protected check({ betas, weightDecay }: Required<LionOptions>): void {
    checkBetas('Lion', betas)
    checkNumber('Lion', 'weightDecay', weightDecay, { min: 0 })
  }

  protected override momentumOf({ betas }: Required<LionOptions>): number {
    return betas[0]
  }

  protected override counts(): boolean {
    return false
  }

  protected init(): Record<string, number> {
    return { exp_avg: 0 }
  }

  protected apply(
    w: Tensor,
    g: Tensor,
    state: State,
    { options, lr, momentum: beta1 }: StepContext<Required<LionOptions>>,
  ): Update {
    const { betas, weightDecay } = options
    const direction = mix(state.exp_avg, g, beta1).sign()
    const value = decayed(w, lr, weightDecay).sub(direction.mul(lr))
    return { value, state: { exp_avg: mix(state.exp_avg, g, betas[1]) } }
  }
}
