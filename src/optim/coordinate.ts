/** @file Coordinate descent: one number at a time. */
import { GliaError } from '../core/errors.ts'
import { where } from '../tensor/elementwise.ts'
import { arange } from '../tensor/factories.ts'
import { cat } from '../tensor/movement.ts'
import type { Parameter } from '../tensor/parameter.ts'
import { type RandomOptions, randint } from '../tensor/random.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { BaseOptions, Parameters } from './group.ts'
import { Optimizer, type State, type StepContext, type Update } from './optimizer.ts'

export interface CoordinateDescentOptions extends BaseOptions {
  /** Which coordinate is next: one after the other (the default), at random, or that of the steepest slope. */
  readonly order?: 'cyclic' | 'random' | 'greedy'
}

/**
 * `wᵢ ← wᵢ − lr · gᵢ` for a single coordinate i of all parameters, numbered through (Wright 2015): cyclic, random, or
 * greedy by |gᵢ| (Gauss–Southwell). With lr = 1 / (second derivative along i) each step minimises a quadratic along i.
 */
export class CoordinateDescent extends Optimizer<Required<CoordinateDescentOptions>> {
  readonly #random: RandomOptions

  constructor(
    params: Parameters<Required<CoordinateDescentOptions>>,
    options: CoordinateDescentOptions,
    random: RandomOptions = {},
  ) {
    super(params, { order: 'cyclic', maximize: false, ...options })
    this.#random = random
  }

  protected check({ order }: Required<CoordinateDescentOptions>): void {
    if (order !== 'cyclic' && order !== 'random' && order !== 'greedy') {
      throw new GliaError(`CoordinateDescent: order must be 'cyclic', 'random' or 'greedy'; received ${String(order)}.`)
    }
  }

  protected override counts(): boolean {
    return false
  }

  protected init(): Record<string, number> {
    return {}
  }

  protected override select(gradients: ReadonlyMap<Parameter, Tensor>, step: Tensor): ReadonlyMap<Parameter, Tensor> {
    const total = [...gradients.values()].reduce((n, g) => n + g.size, 0)
    if (total === 0) return gradients
    const chosen = this.#choose([...gradients.values()], total, step)
    let start = 0
    const selected = new Map<Parameter, Tensor>()
    for (const [p, g] of gradients) {
      const places = arange(start, start + g.size, 1, { device: g.device }).reshape(g.shape)
      selected.set(p, where(places.eq(chosen), g, 0))
      start += g.size
    }
    return selected
  }

  #choose(gradients: readonly Tensor[], total: number, step: Tensor): Tensor {
    const { order } = this.groups[0].options
    if (order === 'cyclic') return step.sub(1).mod(total)
    if (order === 'random') return randint(0, total, [], { device: step.device, ...this.#random })
    return cat(gradients.map((g) => g.abs().flatten())).argmax()
  }

  protected apply(
    w: Tensor,
    g: Tensor,
    _state: State,
    { lr }: StepContext<Required<CoordinateDescentOptions>>,
  ): Update {
    return { value: w.sub(g.mul(lr)), state: {} }
  }
}
