/** @file What layers over sequences, images and volumes share: how many spatial axes they have. */

import type { Tensor } from '../tensor/tensor.ts'
import { checkImages } from './functional/spatial.ts'
import { Module } from './module.ts'

/** A layer on `[B, C, L]`, `[B, C, H, W]` or `[B, C, D, H, W]`: each family has a class for one, two and three axes. */
export abstract class SpatialModule<A extends unknown[] = [x: Tensor], R = Tensor> extends Module<A, R> {
  /** Number of spatial axes. */
  declare protected static readonly axes: number
  protected readonly axes: number

  constructor() {
    super()
    this.axes = new.target.axes
  }

  /** @throws GliaError unless `x` has examples, channels and so many axes */
  protected check(x: Tensor): void {
    checkImages(this.constructor.name, x, this.axes)
  }
}
