/** @file Images as columns of patches, and back, as layers. */
import type { Shape } from '../core/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { type Extent, perAxis } from './functional/spatial.ts'
import { fold, type UnfoldOptions, unfold } from './functional/unfold.ts'
import { Module } from './module.ts'

function checkPatches(name: string, kernelSize: Extent, options: UnfoldOptions): number[] {
  perAxis(name, 'dilation', options.dilation ?? 1, 2, 1)
  perAxis(name, 'padding', options.padding ?? 0, 2, 0)
  perAxis(name, 'stride', options.stride ?? 1, 2, 1)
  return perAxis(name, 'kernelSize', kernelSize, 2, 1)
}

/** Sliding patches as columns (im2col): `[B, C, H, W] → [B, C · kH · kW, L]`, L patches in row-major order. */
export class Unfold extends Module {
  readonly kernelSize: readonly number[]
  readonly options: UnfoldOptions

  constructor(kernelSize: Extent, options: UnfoldOptions = {}) {
    super()
    this.kernelSize = checkPatches('Unfold', kernelSize, options)
    this.options = options
  }

  forward(x: Tensor): Tensor {
    return unfold(x, this.kernelSize, this.options)
  }
}

/** Columns of patches added up where they overlap (col2im): `[B, C · kH · kW, L] → [B, C, ...outputSize]`. */
export class Fold extends Module {
  readonly outputSize: Shape
  readonly kernelSize: readonly number[]
  readonly options: UnfoldOptions

  /** @param outputSize height and width */
  constructor(outputSize: Extent, kernelSize: Extent, options: UnfoldOptions = {}) {
    super()
    this.outputSize = perAxis('Fold', 'outputSize', outputSize, 2, 1)
    this.kernelSize = checkPatches('Fold', kernelSize, options)
    this.options = options
  }

  forward(x: Tensor): Tensor {
    return fold(x, this.outputSize, this.kernelSize, this.options)
  }
}
