/** @file Flatten: from images to vectors. */
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
