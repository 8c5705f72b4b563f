/** @file Normalisation: elements minus their mean, divided by their standard deviation, over some axes. */
import { GliaError } from '../../core/errors.ts'
import { type Shape, sameShape, showShape } from '../../core/shape.ts'
import type { CustomVjp, Node } from '../../graph/node.ts'
import { ops } from '../../graph/ops.ts'
import { apply } from '../../tensor/apply.ts'
import type { TensorBase } from '../../tensor/base.ts'
import { countOf } from '../../tensor/reduce.ts'
import type { Tensor } from '../../tensor/tensor.ts'

/** Mean, deviations from it, and their mean square, over `axes`, which stay with extent 1. */
export function moments(x: Node, axes: readonly number[]): { mean: Node; centred: Node; variance: Node } {
  const count = countOf(x, axes)
  const mean = ops.div(ops.reduceSum(x, axes, true), count)
  const centred = ops.sub(x, mean)
  return { mean, centred, variance: ops.div(ops.reduceSum(ops.mul(centred, centred), axes, true), count) }
}

/**
 * x̂ = (x − mean) / √(variance + ε) over `axes`. Gradient: (g − mean(g) − x̂ mean(g x̂)) / σ.
 *
 * x̂ and 1/σ serve the gradient rule, too.
 */
export function standardised(x: Node, axes: readonly number[], eps: number): Node {
  const mean = (n: Node): Node => ops.div(ops.reduceSum(n, axes, true), countOf(n, axes))
  const { centred, variance } = moments(x, axes)
  const rstd = ops.div(1, ops.sqrt(ops.add(variance, eps)))
  const vjp: CustomVjp = (g, self) => {
    const [, , scale] = self.inputs
    return [ops.mul(ops.sub(ops.sub(g, mean(g)), ops.mul(self, mean(ops.mul(g, self)))), scale), null]
  }
  return ops.alias([ops.mul(centred, rstd), x, rstd], { name: 'standardise', vjp })
}

/** x̂ = x / √(mean(x²) + ε) over `axes`. Gradient: (g − x̂ mean(g x̂)) / rms. */
function scaled(x: Node, axes: readonly number[], eps: number): Node {
  const mean = (n: Node): Node => ops.div(ops.reduceSum(n, axes, true), countOf(n, axes))
  const rrms = ops.div(1, ops.sqrt(ops.add(mean(ops.mul(x, x)), eps)))
  const vjp: CustomVjp = (g, self) => [ops.mul(ops.sub(g, ops.mul(self, mean(ops.mul(g, self)))), self.inputs[2]), null]
  return ops.alias([ops.mul(x, rrms), x, rrms], { name: 'rmsNorm', vjp })
}

/** The last `shape.length` axes of `x`, whose extents must be `shape`. */
function trailing(operation: string, x: TensorBase, shape: Shape): number[] {
  const first = x.rank - shape.length
  if (shape.length === 0 || first < 0 || !sameShape(x.shape.slice(first), shape)) {
    throw new GliaError(
      `${operation}: expects an input whose last axes are ${showShape(shape)}; received ${showShape(x.shape)}.`,
    )
  }
  return shape.map((_, i) => first + i)
}

/** Scale and shift, each if there is one, both of a shape that broadcasts. */
export function affine(y: Node, shape: Shape, weight: Node | undefined, bias: Node | undefined): Node {
  const scaled = weight ? ops.mul(y, ops.reshape(weight, shape)) : y
  return bias ? ops.add(scaled, ops.reshape(bias, shape)) : scaled
}

/** The tensors that are there, and which of the nodes made of them is which. */
export function present(
  x: TensorBase,
  weight: TensorBase | null,
  bias: TensorBase | null,
): { inputs: TensorBase[]; pick: (nodes: readonly Node[]) => [Node | undefined, Node | undefined] } {
  const inputs = [x, weight, bias].filter((t) => t !== null)
  return { inputs, pick: (nodes) => (weight ? [nodes[0], nodes[1]] : [undefined, nodes[0]]) }
}

/**
 * Layer normalisation (Ba et al. 2016): x̂ over the last axes, then `· weight + bias`, both of shape `shape`.
 *
 * @param x `[…, ...shape]` → the same shape
 * @param eps added to the variance (default 1e-5)
 */
export function layerNorm(
  x: TensorBase,
  shape: Shape,
  weight: TensorBase | null = null,
  bias: TensorBase | null = null,
  eps = 1e-5,
): Tensor {
  const axes = trailing('layerNorm', x, shape)
  const { inputs, pick } = present(x, weight, bias)
  return apply('layerNorm', inputs, (n, ...rest) => affine(standardised(n, axes, eps), shape, ...pick(rest)))
}

/**
 * Root-mean-square normalisation (Zhang & Sennrich 2019): x / √(mean(x²) + ε) over the last axes, then `· weight`.
 *
 * @param x `[…, ...shape]` → the same shape
 * @param eps default: the distance from 1 to the next float32, 2⁻²³
 */
export function rmsNorm(x: TensorBase, shape: Shape, weight: TensorBase | null = null, eps: number = 2 ** -23): Tensor {
  const axes = trailing('rmsNorm', x, shape)
  return apply('rmsNorm', weight ? [x, weight] : [x], (n, w) => affine(scaled(n, axes, eps), shape, w, undefined))
}

/**
 * Group normalisation (Wu & He 2018): x̂ per example and group of neighbouring channels, then `· weight + bias` per
 * channel.
 *
 * @param x `[B, C, …]` → the same shape; `groups` must divide C
 * @param weight, bias `[C]`
 */
export function groupNorm(
  x: TensorBase,
  groups: number,
  weight: TensorBase | null = null,
  bias: TensorBase | null = null,
  eps = 1e-5,
): Tensor {
  const [batch, channels] = x.shape
  if (x.rank < 2 || !Number.isInteger(groups) || groups < 1 || channels % groups !== 0) {
    throw new GliaError(
      `groupNorm: expects [B, C, …] with C a multiple of the ${groups} groups; received ${showShape(x.shape)}.`,
    )
  }
  const { inputs, pick } = present(x, weight, bias)
  return apply('groupNorm', inputs, (n, ...rest) => {
    const grouped = ops.reshape(n, [batch, groups, x.size / Math.max(1, batch * groups)])
    const y = ops.reshape(standardised(grouped, [2], eps), x.shape)
    return affine(y, columnOf(x), ...pick(rest))
  })
}

/** The shape in which `[C]` broadcasts over `[B, C, …]`. */
export function columnOf(x: TensorBase): number[] {
  return x.shape.map((d, i) => (i === 1 ? d : 1))
}

/**
 * Instance normalisation (Ulyanov et al. 2016): x̂ per example and channel over `[B, C, …]`, then `· weight + bias` per
 * channel.
 */
export function instanceNorm(
  x: TensorBase,
  weight: TensorBase | null = null,
  bias: TensorBase | null = null,
  eps = 1e-5,
): Tensor {
  if (x.rank < 3) {
    throw new GliaError(
      `instanceNorm: expects [B, C, …] with at least one spatial axis; received ${showShape(x.shape)}.`,
    )
  }
  const { inputs, pick } = present(x, weight, bias)
  const axes = x.shape.flatMap((_, i) => (i > 1 ? [i] : []))
  return apply('instanceNorm', inputs, (n, ...rest) => affine(standardised(n, axes, eps), columnOf(x), ...pick(rest)))
}

export interface LocalResponseOptions {
  /** Default 1e-4. */
  readonly alpha?: number
  /** Default 0.75. */
  readonly beta?: number
  /** Default 1. */
  readonly k?: number
}

/**
 * Local response normalisation (Krizhevsky et al. 2012): `x / (k + α mean(x²))^β`, the mean over `size` neighbouring
 * channels (zeros beyond the first and last) of `[B, C, …]`.
 */
export function localResponseNorm(x: TensorBase, size: number, options: LocalResponseOptions = {}): Tensor {
  const { alpha = 1e-4, beta = 0.75, k = 1 } = options
  if (x.rank < 3 || !Number.isInteger(size) || size < 1) {
    throw new GliaError(
      `localResponseNorm: expects [B, C, …] with at least one spatial axis, and a size of at least 1; received ` +
        `${showShape(x.shape)}, size ${size}.`,
    )
  }
  const over = (channel: number, rest: number): number[] => x.shape.slice(1).map((_, i) => (i === 0 ? channel : rest))
  return apply('localResponseNorm', [x], (n) => {
    const sum = ops.windowSum(ops.mul(n, n), {
      window: over(size, 1),
      stride: over(1, 1),
      padLo: over(size >> 1, 0),
      padHi: over((size - 1) >> 1, 0),
      dilation: over(1, 1),
    })
    return ops.div(n, ops.pow(ops.add(ops.mul(sum, alpha / size), k), beta))
  })
}
