/** @file SGD: gradient descent, stochastic or not, with momentum if asked for. */
import { GliaError } from '../core/errors.ts'
import { checkNumber } from '../core/ranges.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { withDecay } from './formulas.ts'
import type { BaseOptions, Parameters } from './group.ts'
import { Optimizer, type State, type StepContext, type Update } from './optimizer.ts'

export interface SGDOptions extends BaseOptions {
  /** Share of the last step that is kept (default 0; Polyak 1964). */
  readonly momentum?: number
  /** Share of the gradient that momentum does without (default 0). */
  readonly dampening?: number
  /** Whether to look ahead by the momentum (default false; Nesterov 1983). */
  readonly nesterov?: boolean
  /** Added to the gradient, times the parameter (default 0). */
  readonly weightDecay?: number
}

/**
 * `w ← w − lr · v`, with `v ← momentum · v + (1 − dampening) · g` (v = g in the first step).
 *
 * Nesterov: `w ← w − lr · (g + momentum · v)`. With the gradient of all the data it is plain gradient descent, and also
 * exported as `GD`.
 */
export class SGD extends Optimizer<Required<SGDOptions>> {
  constructor(params: Parameters<Required<SGDOptions>>, options: SGDOptions) {
    super(params, { momentum: 0, dampening: 0, nesterov: false, weightDecay: 0, maximize: false, ...options })
  }

  protected check({ momentum, dampening, nesterov, weightDecay }: Required<SGDOptions>): void {
    checkNumber('SGD', 'momentum', momentum, { min: 0 })
    checkNumber('SGD', 'dampening', dampening)
    checkNumber('SGD', 'weightDecay', weightDecay, { min: 0 })
    if (nesterov && (momentum === 0 || dampening !== 0)) {
      throw new GliaError(
        `SGD: nesterov needs a momentum above 0 and no dampening; received momentum ${momentum}, dampening ${dampening}.`,
      )
    }
  }

  protected override momentumOf({ momentum }: Required<SGDOptions>): number {
    return momentum
  }

  protected override counts({ dampening }: Required<SGDOptions>): boolean {
    return dampening !== 0
  }

  protected init({ momentum }: Required<SGDOptions>): Record<string, number> {
    return momentum === 0 ? {} : { momentum_buffer: 0 }
  }

  protected apply(
    w: Tensor,
    gradient: Tensor,
    state: State,
    { options, lr, step, momentum }: StepContext<Required<SGDOptions>>,
  ): Update {
    const { dampening, nesterov, weightDecay } = options
    const g = withDecay(gradient, w, weightDecay)
    if (options.momentum === 0) return { value: w.sub(g.mul(lr)), state: {} }
    const share = dampening === 0 ? g : g.mul(firstOnly(step, dampening))
    const v = state.momentum_buffer.mul(momentum).add(share)
    const direction = nesterov ? g.add(v.mul(momentum)) : v
    return { value: w.sub(direction.mul(lr)), state: { momentum_buffer: v } }
  }
}

/** 1 in the first step, 1 − dampening afterwards. */
function firstOnly(step: Tensor, dampening: number): Tensor {
  return step
    .eq(1)
    .float()
    .mul(dampening)
    .add(1 - dampening)
}
