/** @file Adagrad: rates that shrink as squares of gradients add up. */
import { checkNumber } from '../core/ranges.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { withDecay } from './formulas.ts'
import type { BaseOptions, Parameters } from './group.ts'
import { Optimizer, type State, type StepContext, type Update } from './optimizer.ts'

export interface AdagradOptions extends BaseOptions {
  /** The rate is divided by 1 + lrDecay · (t − 1) (default 0). */
  readonly lrDecay?: number
  /** Added to the gradient, times the parameter (default 0). */
  readonly weightDecay?: number
  /** What the sums of squares start with (default 0). */
  readonly initialAccumulatorValue?: number
  /** Added to the denominator (default 1e-10). */
  readonly eps?: number
}

/** Adaptive gradients (Duchi et al. 2011): `s ← s + g²`, `w ← w − lr · g / (√s + ε)`; lr is 1e-2 by default. */
export class Adagrad extends Optimizer<Required<AdagradOptions>> {
  constructor(params: Parameters<Required<AdagradOptions>>, options: Partial<AdagradOptions> = {}) {
    const defaults = { lr: 1e-2, lrDecay: 0, weightDecay: 0, initialAccumulatorValue: 0, eps: 1e-10, maximize: false }
    super(params, { ...defaults, ...options })
  }

  protected check(options: Required<AdagradOptions>): void {
    for (const name of ['lrDecay', 'weightDecay', 'initialAccumulatorValue', 'eps'] as const) {
      checkNumber('Adagrad', name, options[name], { min: 0 })
    }
  }

  protected init({ initialAccumulatorValue }: Required<AdagradOptions>): Record<string, number> {
    return { sum: initialAccumulatorValue }
  }

  protected apply(
    w: Tensor,
    gradient: Tensor,
    state: State,
    { options, lr, step }: StepContext<Required<AdagradOptions>>,
  ): Update {
    const { lrDecay, weightDecay, eps } = options
    const g = withDecay(gradient, w, weightDecay)
    const sum = state.sum.add(g.square())
    const rate = lrDecay === 0 ? lr : lr.div(step.sub(1).mul(lrDecay).add(1))
    return { value: w.sub(g.mul(rate).div(sum.sqrt().add(eps))), state: { sum } }
  }
}
