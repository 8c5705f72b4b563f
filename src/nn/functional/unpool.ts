/** @file Undoing a maximum pool: values go back to where they were. */
import { GliaError } from '../../core/errors.ts'
import { type Shape, sameShape, showShape, sizeOf } from '../../core/shape.ts'
import type { CustomVjp, Node } from '../../graph/node.ts'
import { ops } from '../../graph/ops.ts'
import { apply } from '../../tensor/apply.ts'
import type { TensorBase } from '../../tensor/base.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { checkImages, type Extent, perAxis } from './spatial.ts'

export interface MaxUnpoolOptions {
  /** Of the pool that is undone (default: the window's extent). */
  readonly stride?: Extent
  /** Of the pool that is undone (default 0). */
  readonly padding?: Extent
  /** Spatial extents of the result, where the pool dropped some (default (H − 1) stride − 2 padding + k). */
  readonly outputSize?: Shape
}

/**
 * Zeros but at `indices`, which hold `x`: undoes `maxPool` as far as that goes (Zeiler & Fergus 2014). Where windows
 * overlapped and name one place several times, it gets the mean of their values, which are equal after a pool.
 *
 * @param x `[B, C, H, W]`
 * @param indices as of `maxPoolIndices`, of x's shape
 * @returns `[B, C, H′, W′]`, H′ = (H − 1) stride − 2 padding + k unless `outputSize` says otherwise
 */
export function maxUnpool(
  x: TensorBase,
  indices: TensorBase,
  kernelSize: Extent,
  options: MaxUnpoolOptions = {},
): Tensor {
  const axes = typeof kernelSize === 'number' ? x.rank - 2 : kernelSize.length
  checkImages('maxUnpool', x, axes)
  if (!sameShape(x.shape, indices.shape)) {
    throw new GliaError(
      `maxUnpool: input and indices must agree; received ${showShape(x.shape)} and ${showShape(indices.shape)}.`,
    )
  }
  const kernel = perAxis('maxUnpool', 'kernelSize', kernelSize, axes, 1)
  const stride = perAxis('maxUnpool', 'stride', options.stride ?? kernelSize, axes, 1)
  const padding = perAxis('maxUnpool', 'padding', options.padding ?? 0, axes, 0)
  const usual = kernel.map((k, i) => (x.shape[2 + i] - 1) * stride[i] - 2 * padding[i] + k)
  const extents = options.outputSize ?? usual
  if (extents.length !== axes || extents.some((d, i) => Math.abs(d - usual[i]) >= stride[i])) {
    throw new GliaError(
      `maxUnpool: outputSize must be within less than the stride of ${showShape(usual)}; received ${showShape(extents)}.`,
    )
  }
  const shape = [...x.shape.slice(0, 2), ...extents]
  const isUnique = stride.every((s, i) => s >= kernel[i])
  return apply('maxUnpool', [x, indices], (n, i) => {
    const at = flatIndices(ops.bound(i, sizeOf(extents), 'maxUnpool'), sizeOf(extents))
    const scatter = (values: Node): Node =>
      ops.reshape(ops.scatterAdd(at, ops.reshape(values, [x.size]), 0, sizeOf(shape)), shape)
    if (isUnique) return scatter(n)
    const count = scatter(ops.full(x.shape, 1, n.dtype))
    const vjp: CustomVjp = (g, self) => {
      const places = ops.gather(ops.reshape(g, [sizeOf(shape)]), self.inputs[2], 0)
      return [ops.reshape(places, x.shape), null]
    }
    return ops.alias([ops.div(scatter(n), ops.max(count, 1)), n, at], { name: 'maxUnpool', vjp })
  })
}

/** Positions within each plane of `[B, C, …]` as positions in the whole array, flat. */
function flatIndices(positions: Node, plane: number): Node {
  const [batch, channels] = positions.shape
  const places = sizeOf(positions.shape.slice(2))
  const first = ops.mul(ops.reshape(ops.iota(batch * channels), [batch * channels, 1]), plane)
  const inPlane = ops.reshape(positions, [batch * channels, places])
  return ops.reshape(ops.add(inPlane, first), [batch * channels * places])
}
