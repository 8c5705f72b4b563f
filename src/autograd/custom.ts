/** @file Functions with a gradient of the user's own. */
import { GliaError } from '../core/errors.ts'
import { sameShape, showShape } from '../core/shape.ts'
import { ops } from '../graph/ops.ts'
import { inputNode, joinHistories, sharedDevice } from '../tensor/apply.ts'
import type { TensorBase } from '../tensor/base.ts'
import { Tensor } from '../tensor/tensor.ts'
import { enableGrad, noGrad } from './mode.ts'

export interface CustomFunction {
  /** For messages and `explain` (default `custom`). */
  readonly name?: string
  /** The value, from the inputs. Runs without recording gradients. */
  readonly forward: (...inputs: Tensor[]) => Tensor
  /**
   * d(final)/d(input) for each input, null where there is none, given `g` = d(final)/d(output). Made of tensor
   * operations, it can be differentiated again.
   */
  readonly backward: (g: Tensor, inputs: readonly Tensor[], output: Tensor) => readonly (Tensor | null)[]
}

/**
 * A function of tensors with its own gradient: for a straight-through estimator, a reversed gradient, or a formula that
 * is more exact or cheaper than the chain rule's.
 *
 * ```ts
 * const roundThrough = customFunction({ forward: (x) => x.round(), backward: (g) => [g] })
 * ```
 */
export function customFunction(definition: CustomFunction): (...inputs: TensorBase[]) => Tensor {
  const { name = 'custom', forward, backward } = definition
  return (...inputs) => {
    const device = sharedDevice(name, inputs)
    const history = joinHistories(inputs)
    const nodes = inputs.map((t) => inputNode(t, history))
    const value = noGrad(() => forward(...nodes.map((n, k) => new Tensor(n, device, inputs[k].history))))
    if (history !== 'live') return value
    const node = ops.alias([value.node, ...nodes], {
      name,
      vjp: (g, self) => {
        const live = self.inputs.slice(1).map((n) => new Tensor(n, device, 'live'))
        const found = enableGrad(() => backward(new Tensor(g, device, 'live'), live, new Tensor(self, device, 'live')))
        return live.map((input, k) => {
          const d = found[k] ?? null
          if (d && !sameShape(d.shape, input.shape)) {
            throw new GliaError(
              `${name}: backward returned a gradient of shape ${showShape(d.shape)} for input ${k} of shape ${showShape(input.shape)}; they must be equal.`,
            )
          }
          return d?.node ?? null
        })
      },
    })
    return new Tensor(node, device, 'live')
  }
}
