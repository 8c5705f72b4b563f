/** @file SGD: stochastic gradient descent, with momentum if asked for. */
import type { Tensor } from '../tensor/tensor.ts'
import { Optimizer, type State, type StepContext } from './optimizer.ts'

export interface SGDOptions {
  /** Learning rate. */
  readonly lr: number
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
 * Nesterov: `w ← w − lr · (g + momentum · v)`.
 */
export class SGD extends Optimizer<SGDOptions> {
  protected init({ momentum = 0 }: SGDOptions): Record<string, number> {
    return momentum === 0 ? {} : { momentum_buffer: 0 }
  }

  protected apply(
    w: Tensor,
    gradient: Tensor,
    state: State,
    { options, lr, step }: StepContext<SGDOptions>,
  ): { value: Tensor; state: State } {
    const { momentum = 0, dampening = 0, nesterov = false, weightDecay = 0 } = options
    const g = weightDecay === 0 ? gradient : gradient.add(w.mul(weightDecay))
    if (momentum === 0) return { value: w.sub(g.mul(lr)), state: {} }
    const share =
      dampening === 0
        ? g
        : g.mul(
            step
              .eq(1)
              .float()
              .mul(dampening)
              .add(1 - dampening),
          )
    const v = state.momentum_buffer.mul(momentum).add(share)
    const direction = nesterov ? g.add(v.mul(momentum)) : v
    return { value: w.sub(direction.mul(lr)), state: { momentum_buffer: v } }
  }
}
