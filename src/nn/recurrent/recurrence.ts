/**
 * @file What recurrent layers share: a stack of layers, each reading the sequence in one direction or both, as one loop
 * over time per direction. What happens at a step is up to the subclass.
 */
import { GliaError } from '../../core/errors.ts'
import { sameShape, showShape } from '../../core/shape.ts'
import { TensorBase } from '../../tensor/base.ts'
import { where } from '../../tensor/elementwise.ts'
import { arange, tensor, zeros } from '../../tensor/factories.ts'
import { cat, stack } from '../../tensor/movement.ts'
import { Parameter } from '../../tensor/parameter.ts'
import { scan } from '../../tensor/scan.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { checkCounts, checkProbability } from '../check.ts'
import { dropout, linear } from '../functional.ts'
import { uniform } from '../init.ts'
import { Module } from '../module.ts'

export interface RecurrentOptions {
  /** Layers on top of each other (default 1). */
  readonly numLayers?: number
  /** Whether each layer also reads the sequence backwards (default false). */
  readonly bidirectional?: boolean
  /** Whether sequences come as `[B, T, F]` rather than `[T, B, F]` (default false). */
  readonly batchFirst?: boolean
  /** Probability of dropout between layers, in training (default 0). */
  readonly dropout?: number
  /** Two bias vectors as PyTorch (true, the default), one as Keras (`'single'`), or none (false). */
  readonly bias?: boolean | 'single'
}

/** How many steps of each sequence of a batch count: int32 `[B]`, or as many numbers. */
export type Lengths = TensorBase | readonly number[]

/** The parameters of one direction of one layer, or of a cell. */
export interface Weights {
  readonly ih: Parameter
  readonly hh: Parameter
  /** Of the input's product and of the state's; only the first in the form with one. */
  readonly biases: readonly [] | readonly [ih: Parameter] | readonly [ih: Parameter, hh: Parameter]
  /** From the hidden state to a smaller one, where there is such a projection. */
  readonly hr: Parameter | null
}

/** One step: from the input's product and the states, h first, to the next states. */
export type Step = (wx: Tensor, states: readonly Tensor[]) => Tensor[]

/** The extents of a layer: gates per hidden unit, what comes in, what is kept, and what h is projected to (0: not). */
export interface Extents {
  readonly gates: number
  readonly features: number
  readonly hiddenSize: number
  readonly projSize?: number
}

/**
 * Makes parameters with PyTorch's names as properties of `owner`: uniform, bound 1/√H.
 *
 * @param suffix of the names: `_l0_reverse`
 */
export function makeWeights(
  owner: object,
  { gates, features, hiddenSize, projSize = 0 }: Extents,
  bias: boolean | 'single',
  suffix = '',
): Weights {
  if (![true, false, 'single'].includes(bias)) {
    throw new GliaError(`${owner.constructor.name}: bias must be true, false or 'single'; received '${bias}'.`)
  }
  const make = (name: string, shape: readonly number[]): Parameter => {
    const p = new Parameter(uniform(1 / Math.sqrt(hiddenSize))(shape))
    Object.assign(owner, { [name + suffix]: p })
    return p
  }
  const rows = gates * hiddenSize
  const ih = make('weight_ih', [rows, features])
  const hh = make('weight_hh', [rows, projSize || hiddenSize])
  const b0 = bias === false ? null : make('bias_ih', [rows])
  const b1 = bias === true ? make('bias_hh', [rows]) : null
  const hr = projSize > 0 ? make('weight_hr', [projSize, hiddenSize]) : null
  return { ih, hh, biases: b0 && b1 ? [b0, b1] : b0 ? [b0] : [], hr }
}

/** The sum of the biases there are. */
export function sumOfBiases({ biases: [first, second] }: Weights): Tensor | null {
  return first && second ? first.add(second) : (first ?? null)
}

/** The last layer's h at every step, `[T, B, H × directions]` (or batch first), and the last state of every layer. */
export type RecurrentResult<S> = readonly [output: Tensor, state: S]

/** @typeParam S state of all layers and directions */
export abstract class Recurrent<S> extends Module<
  [x: Tensor, first?: S | null, lengths?: Lengths | null],
  RecurrentResult<S>
> {
  readonly inputSize: number
  readonly hiddenSize: number
  readonly options: RecurrentOptions
  /** Extents of the states, h first. */
  readonly #sizes: readonly number[]
  readonly #weights: readonly Weights[]

  /** @param kept how many states of `hiddenSize` there are beside h */
  constructor(
    gates: number,
    inputSize: number,
    hiddenSize: number,
    options: RecurrentOptions & { readonly projSize?: number },
    kept = 0,
  ) {
    super()
    const { numLayers = 1, bidirectional = false, bias = true, projSize = 0 } = options
    checkCounts(new.target.name, { inputSize, hiddenSize, numLayers })
    checkProbability(new.target.name, options.dropout ?? 0)
    this.inputSize = inputSize
    this.hiddenSize = hiddenSize
    this.options = options
    const directions = bidirectional ? ['', '_reverse'] : ['']
    const width = projSize || hiddenSize
    this.#sizes = [width, ...new Array<number>(kept).fill(hiddenSize)]
    this.#weights = Array.from({ length: numLayers }, (_, layer) => {
      const features = layer === 0 ? inputSize : width * directions.length
      const extents = { gates, features, hiddenSize, projSize }
      return directions.map((direction) => makeWeights(this, extents, bias, `_l${layer}${direction}`))
    }).flat()
  }

  /** The step of a layer with these weights. */
  protected abstract step(weights: Weights): Step

  /** What is added to the products with the inputs of all steps. */
  protected abstract inputBias(weights: Weights): Tensor | null

  /** The state as a list, h first. */
  protected abstract split(state: S): readonly Tensor[]

  /** Undoes `split`. */
  protected abstract join(states: readonly Tensor[]): S

  /**
   * @param x `[T, B, F]`, `[B, T, F]` with `batchFirst`, or one sequence `[T, F]`
   * @param first state to begin with, `[layers × directions, B, H]` (without B for one sequence; default zeros)
   * @param lengths steps of each sequence that count: later ones give zeros and leave the state as it is, and the
   * backward direction begins at the last that counts
   */
  forward(x: Tensor, first: S | null = null, lengths: Lengths | null = null): RecurrentResult<S> {
    const { name } = this.constructor
    const batchFirst = this.options.batchFirst ?? false
    if ((x.rank !== 3 && x.rank !== 2) || x.shape[x.rank - 1] !== this.inputSize) {
      const expected = batchFirst ? 'B, T' : 'T, B'
      throw new GliaError(
        `${name}: expects [${expected}, ${this.inputSize}], or [T, ${this.inputSize}]; received ${showShape(x.shape)}.`,
      )
    }
    if (x.rank === 2) {
      const batch = first === null ? null : this.join(this.split(first).map((t) => t.unsqueeze(1)))
      const [y, state] = this.forward(x.unsqueeze(batchFirst ? 0 : 1), batch, lengths)
      return [y.squeeze(batchFirst ? 0 : 1), this.join(this.split(state).map((t) => t.squeeze(1)))]
    }
    let sequence = batchFirst ? x.transpose(0, 1) : x
    const [steps, count] = sequence.shape
    const start = this.#start(first, count, x)
    const mask = lengths === null ? null : maskOf(name, lengths, steps, count, x)
    const directions = this.options.bidirectional ? 2 : 1
    const last: (readonly Tensor[])[] = []
    for (let k = 0; k < this.#weights.length; k += directions) {
      if (k > 0 && this.training && this.options.dropout) sequence = dropout(sequence, this.options.dropout)
      const outputs = this.#weights.slice(k, k + directions).map((weights, d) => {
        const { y, states } = this.#run(sequence, start(k + d), weights, d === 1, mask)
        last.push(states)
        return y
      })
      sequence = outputs.length === 1 ? outputs[0] : cat(outputs, 2)
    }
    const state = this.join(this.#sizes.map((_, s) => stack(last.map((states) => states[s]))))
    return [batchFirst ? sequence.transpose(0, 1) : sequence, state]
  }

  /** One direction of one layer: `[T, B, F] → [T, B, H]`. */
  #run(
    x: Tensor,
    start: readonly Tensor[],
    weights: Weights,
    reverse: boolean,
    mask: Tensor | null,
  ): { y: Tensor; states: readonly Tensor[] } {
    // The inputs of all steps in one product; only what depends on the state is left to the loop.
    const inputs = linear(x, weights.ih, this.inputBias(weights))
    const step = this.step(weights)
    const { carry, ys } = scan(
      (states, [wx, counts]) => {
        const next = step(wx, states)
        if (!counts) return { carry: next, ys: [next[0]] }
        return { carry: next.map((t, s) => where(counts, t, states[s])), ys: [where(counts, next[0], 0)] }
      },
      start,
      mask ? [inputs, mask] : [inputs],
      { reverse },
    )
    return { y: ys[0], states: carry }
  }

  /** The states that each direction of each layer begins with. */
  #start(first: S | null, batch: number, x: Tensor): (index: number) => readonly Tensor[] {
    if (first === null) {
      const zero = new Map(this.#sizes.map((size) => [size, zeros([batch, size], { device: x.device })]))
      return () => this.#sizes.map((size) => zero.get(size) as Tensor)
    }
    const given = this.split(first)
    given.forEach((t, s) => {
      const expected = [this.#weights.length, batch, this.#sizes[s]]
      if (!sameShape(t.shape, expected)) {
        throw new GliaError(
          `${this.constructor.name}: the first state must be ${showShape(expected)} (layers × directions, batch, size); ` +
            `received ${showShape(t.shape)}.`,
        )
      }
    })
    return (index) => given.map((t) => t.select(0, index))
  }
}

/** bool `[T, B, 1]`: whether a step counts. */
function maskOf(operation: string, lengths: Lengths, steps: number, batch: number, x: Tensor): Tensor {
  const given = lengths instanceof TensorBase ? null : lengths
  if (given?.some((n) => !Number.isInteger(n) || n < 0 || n > steps)) {
    throw new GliaError(
      `${operation}: lengths must be whole numbers from 0 to the ${steps} steps; received [${given.join(', ')}].`,
    )
  }
  const counts = given ? tensor(Int32Array.from(given), { device: x.device }) : (lengths as Tensor)
  if (!sameShape(counts.shape, [batch]) || counts.dtype !== 'int32') {
    throw new GliaError(
      `${operation}: lengths must be int32, one per sequence, [${batch}]; received ${counts.dtype} ${showShape(counts.shape)}.`,
    )
  }
  return arange(0, steps, 1, { device: x.device })
    .reshape([steps, 1, 1])
    .lt(counts.reshape([1, batch, 1]))
}
