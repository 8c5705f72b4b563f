/** @file The products of Winograd convolutions as contractions: one matrix product for each element of a tile's square. */
import { indexOf, linearise, newVar, type Var } from '../index.ts'
import type { Contraction, ContractionDim } from '../kernel.ts'
import type { Machine } from '../vector.ts'
import type { Algebra } from './winograd-algebra.ts'
import type { Conv3x3 } from './winograd-match.ts'
import { planeOf } from './winograd-passes.ts'

/** Buffer 0: transformed filters (or gradients); 1: transformed images; 2: the sums. Layouts in elements. */
export interface Product {
  readonly contraction: Contraction
  /** From one channel to the next, in the images. */
  readonly row: number
  /** From one element of the square to the next, in the images and in the sums. */
  readonly imagePlane: number
  readonly line: number
}

/** Tiles to multiply instead of so many: sums that nobody looks at are cheaper than vectors that are cut off. */
export function wholeVectors(tiles: number, { lanes }: Machine): number {
  return Math.ceil(tiles / lanes) * lanes
}

/**
 * For `tiles` tiles. A convolution: sums[filter][element][tile] = Σ filters[element][filter][channel] ·
 * images[element][channel][tile]; its gradient: sums[element][filter][channel] = Σ gradients[element][filter][tile] ·
 * images[element][channel][tile]. `row`: elements from one channel of the images to the next. A vector of sums may be read
 * where their last elements are.
 */
export function productOf(name: string, conv: Conv3x3, { m }: Algebra, tiles: number, row: number = tiles): Product {
  const square = (m + 2) ** 2
  const [filters, channels] = [conv.filters.extent, conv.channels.extent]
  const convolution = conv.kind === 'convolution'
  const [e, f, c, t] = [newVar(square), newVar(filters), newVar(channels), newVar(tiles)]
  const dim = (v: Var, a: number, b: number, role: ContractionDim['role']): ContractionDim => ({ v, a, b, role })
  const imagePlane = planeOf(channels * row)
  const firstPlane = planeOf(filters * (convolution ? channels : tiles))
  const line = planeOf(convolution ? tiles : filters * channels)
  const index = convolution
    ? linearise([f, e, t].map(indexOf), [square * line, line, 1])
    : linearise([e, f, c].map(indexOf), [line, channels, 1])
  const sizes = [square * firstPlane, square * imagePlane, square * line * (convolution ? filters : 1) + 16]
  const contraction: Contraction = {
    kind: 'contraction',
    name: `${name} winograd ${m}`,
    buffers: sizes.map((size) => ({ dtype: 'float32', size })),
    dims: convolution
      ? [dim(e, firstPlane, imagePlane, 'batch'), dim(f, channels, 0, 'm'), dim(t, 0, 1, 'n'), dim(c, 1, row, 'k')]
      : [dim(e, firstPlane, imagePlane, 'batch'), dim(f, tiles, 0, 'm'), dim(c, 0, row, 'n'), dim(t, 1, 1, 'k')],
    a: { buffer: 0, offset: 0 },
    b: { buffer: 1, offset: 0 },
    stores: [{ buffer: 2, index, value: { op: 'accumulator', dtype: 'float32' } }],
  }
  return { contraction, row, imagePlane, line }
}
