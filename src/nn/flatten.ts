/** @file Flatten and Unflatten: from images to vectors and back. */
import { GliaError } from '../core/errors.ts'
import { normaliseAxis, type Shape, showShape, sizeOf } from '../core/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { Module } from './module.ts'

/** Axes `start` to `end` (both included) as one: `[B, C, H, W] → [B, C·H·W]` by default. */
export class Flatten extends Module {
  readonly start: number
  readonly end: number

  constructor(start = 1, end = -1) {
    super()
    this.start = start
    this.end = end
  }

  forward(x: Tensor): Tensor {
    return x.flatten(this.start, this.end)
  }
}

/** One axis as several: `new Unflatten(1, [C, H, W])` takes `[B, C·H·W] → [B, C, H, W]`. One extent may be −1. */
export class Unflatten extends Module {
  readonly axis: number
  readonly shape: Shape

  constructor(axis: number, shape: Shape) {
    super()
    const open = shape.filter((d) => d === -1).length
    if (!Number.isInteger(axis) || open > 1 || shape.some((d) => !Number.isInteger(d) || d < -1)) {
      throw new GliaError(
        `Unflatten: takes an axis and extents, one of which may be −1; received ${axis} and ${showShape(shape)}.`,
      )
    }
    this.axis = axis
    this.shape = shape
  }

  forward(x: Tensor): Tensor {
    const axis = normaliseAxis('Unflatten', this.axis, x.rank)
    const known = sizeOf(this.shape.filter((d) => d !== -1))
    const fits = this.shape.includes(-1) ? known > 0 && x.shape[axis] % known === 0 : x.shape[axis] === known
    if (!fits) {
      throw new GliaError(
        `Unflatten: ${showShape(this.shape)} does not divide axis ${this.axis} of the input ${showShape(x.shape)}.`,
      )
    }
    const shape = this.shape.map((d) => (d === -1 ? x.shape[axis] / known : d))
    return x.reshape([...x.shape.slice(0, axis), ...shape, ...x.shape.slice(axis + 1)])
  }
}
