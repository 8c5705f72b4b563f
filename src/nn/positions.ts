/** @file Layers that tell what follows where in a sequence something stands. */
import { GliaError } from '../core/errors.ts'
import { normaliseAxis, showShape } from '../core/shape.ts'
import { Parameter } from '../tensor/parameter.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { checkCounts, checkProbability } from './check.ts'
import { dropout } from './functional/dropout.ts'
import { type RotaryOptions, rotary, sinusoidalPositions } from './functional/positions.ts'
import { type Init, initialiser, normal } from './init.ts'
import { Module } from './module.ts'

export interface PositionOptions {
  /** Which axis counts the steps (default −2: `[…, T, D]`; 0 for `[T, B, D]`). */
  readonly axis?: number
}

/** Adds a table `[T, D]` along the axis of steps and the last one. */
function addAlong(name: string, x: Tensor, axis: number, dimensions: number, table: (steps: number) => Tensor): Tensor {
  const a = normaliseAxis(name, axis, x.rank)
  if (a === x.rank - 1 || x.shape[x.rank - 1] !== dimensions) {
    throw new GliaError(
      `${name}: expects an input with steps along axis ${axis} and ${dimensions} entries along the last; received ${showShape(x.shape)}.`,
    )
  }
  const steps = x.shape[a]
  const shape = x.shape.map((d, i) => (i === a || i === x.rank - 1 ? d : 1))
  return x.add(table(steps).reshape(shape))
}

export interface SinusoidalPositionsOptions extends PositionOptions {
  /** Probability of dropout of the sum, in training (default 0). */
  readonly dropout?: number
  /** Default 10000. */
  readonly base?: number
}

/** Adds sines and cosines of the position to `[…, T, D]`, each pair of another wavelength (Vaswani et al. 2017). */
export class SinusoidalPositions extends Module {
  readonly dimensions: number
  readonly options: SinusoidalPositionsOptions

  constructor(dimensions: number, options: SinusoidalPositionsOptions = {}) {
    super()
    checkCounts('SinusoidalPositions', { dimensions })
    checkProbability('SinusoidalPositions', options.dropout ?? 0)
    sinusoidalPositions(1, 1, options.base)
    this.dimensions = dimensions
    this.options = options
  }

  forward(x: Tensor): Tensor {
    const { axis = -2, dropout: p = 0, base } = this.options
    const y = addAlong('SinusoidalPositions', x, axis, this.dimensions, (steps) =>
      sinusoidalPositions(steps, this.dimensions, base, { device: x.device }),
    )
    return this.training && p > 0 ? dropout(y, p) : y
  }
}

export interface LearnedPositionsOptions extends PositionOptions {
  /** Initial table (default: normal with deviation 0.02). */
  readonly init?: Init
}

/**
 * Adds a learned vector per position to `[…, T, D]`, T at most `maxLength`.
 *
 * Parameter: `weight` `[maxLength, D]`.
 */
export class LearnedPositions extends Module {
  weight: Parameter
  readonly axis: number

  constructor(maxLength: number, dimensions: number, options: LearnedPositionsOptions = {}) {
    super()
    checkCounts('LearnedPositions', { maxLength, dimensions })
    this.weight = new Parameter(initialiser(options.init ?? normal(0.02))([maxLength, dimensions]))
    this.axis = options.axis ?? -2
  }

  forward(x: Tensor): Tensor {
    const [maxLength, dimensions] = this.weight.shape
    return addAlong('LearnedPositions', x, this.axis, dimensions, (steps) => {
      if (steps > maxLength) {
        throw new GliaError(`LearnedPositions: has ${maxLength} positions; received ${steps} steps.`)
      }
      return this.weight.narrow(0, 0, steps)
    })
  }
}

/** Turns pairs of entries of queries or keys `[…, T, D]` by angles that grow with the position (Su et al. 2021). */
export class Rotary extends Module {
  readonly options: RotaryOptions

  constructor(options: RotaryOptions = {}) {
    super()
    if (options.base !== undefined && !(options.base > 0)) {
      throw new GliaError(`Rotary: base must be positive; received ${options.base}.`)
    }
    this.options = options
  }

  forward(x: Tensor): Tensor {
    return rotary(x, this.options)
  }
}
