/** @file Looking at a step layer by layer: how large gradients and updates are, and which units have fallen silent. */

import { noGrad } from '../autograd/mode.ts'
import { ReLU, ReLU6, Sigmoid, Tanh } from '../nn/activations/elementwise.ts'
import { firstTensor } from '../nn/hooks.ts'
import type { AnyModule } from '../nn/module.ts'
import { stack } from '../tensor/movement.ts'
import type { Parameter } from '../tensor/parameter.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** One parameter in one step. Norms are Euclidean. */
export interface ParameterFigures {
  readonly name: string
  /** Number of its elements. */
  readonly size: number
  /** Norm of its gradient, as it came (after clipping, if that is asked for). */
  readonly gradient: number
  /** Norm of its value before the step. */
  readonly weight: number
  /** Norm of what the step added to it. */
  readonly update: number
}

/** One activation layer in one step, over the batch. */
export interface ActivationFigures {
  /** Path of the layer. */
  readonly name: string
  /** `ReLU`, `Tanh` … */
  readonly kind: string
  /** Share of units that put out 0 for every example (ReLU and the like), or of values next to a limit (sigmoid, tanh). */
  readonly silent: number
}

export interface LayersRecord {
  /** Steps taken, this one included. */
  readonly step: number
  readonly parameters: readonly ParameterFigures[]
  readonly activations: readonly ActivationFigures[]
}

/** Values this near to a sigmoid's or tanh's limits let next to no gradient through. */
const LIMIT = 0.97

/** Records a step with the tensors that the figures are read from. */
export class Watcher {
  readonly #parameters: readonly (readonly [name: string, p: Parameter])[]
  readonly #activations: readonly (readonly [name: string, m: AnyModule])[]

  constructor(model: AnyModule) {
    this.#parameters = model.namedParameters().filter(([, p]) => p.requiresGrad)
    this.#activations = model.namedModules().filter(([, m]) => isKnown(m))
  }

  /** Runs a training step, and returns beside its result the figures, in the order that `read` knows. */
  watch<R>(step: () => R): { result: R; figures: Tensor[] } {
    const before = this.#parameters.map(([, p]) => p.detach())
    const silent = new Map<string, Tensor>()
    const removers = this.#activations.map(([name, m]) =>
      m.onForward((output: unknown) => {
        const tensor = firstTensor(output)
        if (tensor && tensor.rank >= 2)
          silent.set(
            name,
            noGrad(() => silence(m, tensor.detach())),
          )
        return undefined
      }),
    )
    let result: R
    try {
      result = step()
    } finally {
      for (const remove of removers) remove()
    }
    const norms = noGrad(() =>
      this.#parameters.map(([, p], i) => {
        const gradient = p.grad ? norm(p.grad) : norm(before[i]).mul(0)
        return stack([gradient, norm(before[i]), norm(p.detach().sub(before[i]))])
      }),
    )
    const shares = this.#activations.map(([name]) => silent.get(name)).filter((t) => t !== undefined)
    this.#seen = this.#activations.filter(([name]) => silent.has(name))
    return { result, figures: [...norms, ...shares] }
  }

  /** Activation layers that the recorded step went through. */
  #seen: readonly (readonly [name: string, m: AnyModule])[] = []

  async read(step: number, figures: readonly Tensor[]): Promise<LayersRecord> {
    const parameters: ParameterFigures[] = []
    for (const [i, [name, p]] of this.#parameters.entries()) {
      const [gradient, weight, update] = await figures[i].data()
      parameters.push({ name, size: p.size, gradient, weight, update })
    }
    const activations: ActivationFigures[] = []
    for (const [i, [name, m]] of this.#seen.entries()) {
      const silent = await figures[this.#parameters.length + i].item()
      activations.push({ name, kind: m.constructor.name, silent })
    }
    return { step, parameters, activations }
  }
}

function isKnown(m: AnyModule): boolean {
  return [ReLU, ReLU6, Sigmoid, Tanh].some((kind) => m instanceof kind)
}

function norm(t: Tensor): Tensor {
  return t.square().sum().sqrt()
}

/** See `ActivationFigures.silent`. */
function silence(m: AnyModule, output: Tensor): Tensor {
  if (m instanceof Tanh) return output.abs().gt(LIMIT).float().mean()
  if (m instanceof Sigmoid)
    return output
      .sub(0.5)
      .abs()
      .gt(LIMIT - 0.5)
      .float()
      .mean()
  // A unit is a feature: the channel of images, the last axis of vectors. Of [B, ?, ?] it may be either.
  const { rank } = output
  const axes = rank === 2 ? [1] : rank === 3 ? [1, 2] : [1]
  const shares = axes.map((axis) => {
    const others = output.shape.map((_, a) => a).filter((a) => a !== axis)
    return output.abs().max(others).eq(0).float().mean()
  })
  return shares.reduce((a, b) => a.minimum(b))
}
