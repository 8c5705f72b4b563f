/** @file Reductions along axes, running sums, and the stable softmax family. */
import { GliaError } from '../core/errors.ts'
import { normaliseAxis, sameShape, showShape } from '../core/shape.ts'
import type { Node } from '../graph/node.ts'
import { ops } from '../graph/ops.ts'
import { type Axes, apply, axesOf, toFloat, toNumber } from './apply.ts'
import type { TensorBase } from './base.ts'
import type { Tensor } from './tensor.ts'

export interface ReduceOptions {
  /** Whether the reduced axes stay, with extent 1 (default false). */
  readonly keepdim?: boolean
}

export interface VarianceOptions extends ReduceOptions {
  /** Divide by N − correction (default 1: the unbiased estimate; 0: the mean square). */
  readonly correction?: number
}

type Reduction = 'reduceSum' | 'reduceProd' | 'reduceMax' | 'reduceMin'

/** Sum, product, greatest or least element over `axes` (default all). Booleans count as int32. */
export function reduce(fn: Reduction, x: TensorBase, axes?: Axes, options: ReduceOptions = {}): Tensor {
  const name = fn.slice('reduce'.length).toLowerCase()
  const list = axesOf(name, axes, x.rank)
  if (fn === 'reduceMax' || fn === 'reduceMin') checkSome(name, x, list)
  return apply(name, [x], (n) => ops[fn](toNumber(n), list, options.keepdim ?? false))
}

function checkSome(name: string, x: TensorBase, axes: readonly number[]): void {
  if (axes.some((a) => x.shape[a] === 0)) {
    throw new GliaError(
      `${name}: there is no ${name} of no elements; received shape ${showShape(x.shape)}, axes [${axes}].`,
    )
  }
}

/** Arithmetic mean over `axes` (default all); integers become float32. Of no elements: NaN. */
export function mean(x: TensorBase, axes?: Axes, options: ReduceOptions = {}): Tensor {
  const list = axesOf('mean', axes, x.rank)
  return apply('mean', [x], (n) => meanNode(toFloat(n), list, options.keepdim ?? false))
}

/** Sum divided by the count, on nodes. */
export function meanNode(x: Node, axes: readonly number[], keep: boolean): Node {
  return ops.div(ops.reduceSum(x, axes, keep), countOf(x, axes))
}

export function countOf(x: { readonly shape: readonly number[] }, axes: readonly number[]): number {
  return axes.reduce((n, a) => n * x.shape[a], 1)
}

/** Variance over `axes` (default all), in two passes: Σ (x − mean)² / (N − correction). */
export function variance(x: TensorBase, axes?: Axes, options: VarianceOptions = {}): Tensor {
  const list = axesOf('var', axes, x.rank)
  return apply('var', [x], (n) => {
    const f = toFloat(n)
    const centred = ops.sub(f, meanNode(f, list, true))
    const divisor = Math.max(countOf(x, list) - (options.correction ?? 1), 0)
    return ops.div(ops.reduceSum(ops.mul(centred, centred), list, options.keepdim ?? false), divisor)
  })
}

/** Position of the first greatest (least) element along `axis`, or in the flattened tensor. NaN counts as the greatest (least). */
export function argReduce(fn: 'argmax' | 'argmin', x: TensorBase, axis?: number, options: ReduceOptions = {}): Tensor {
  const keep = options.keepdim ?? false
  if (axis === undefined) {
    return apply(fn, [x], (n) => {
      const flat = ops[fn](ops.reshape(toNumber(n), [x.size]), 0)
      return keep
        ? ops.reshape(
            flat,
            x.shape.map(() => 1),
          )
        : flat
    })
  }
  const a = normaliseAxis(fn, axis, x.rank)
  checkSome(fn, x, [a])
  return apply(fn, [x], (n) => {
    const result = ops[fn](toNumber(n), a)
    return keep
      ? ops.reshape(
          result,
          x.shape.map((d, i) => (i === a ? 1 : d)),
        )
      : result
  })
}

/** Whether all (any) elements are true, or not 0. */
export function allAny(fn: 'all' | 'any', x: TensorBase, axes?: Axes, options: ReduceOptions = {}): Tensor {
  const list = axesOf(fn, axes, x.rank)
  return apply(fn, [x], (n) => {
    const flags = ops.cast(ops.ne(n, 0), 'int32')
    // As a sum of misses or hits, so that it also holds of no elements.
    const hits = ops.reduceSum(fn === 'all' ? ops.sub(1, flags) : flags, list, options.keepdim ?? false)
    return fn === 'all' ? ops.eq(hits, 0) : ops.ne(hits, 0)
  })
}

/** Number of elements other than 0 over `axes` (default all), int32; NaN counts. */
export function countNonzero(x: TensorBase, axes?: Axes): Tensor {
  const list = axesOf('countNonzero', axes, x.rank)
  return apply('countNonzero', [x], (n) => ops.reduceSum(ops.cast(ops.ne(n, 0), 'int32'), list))
}

/** Sum over `axes` (default all) in which NaN counts as 0. */
export function nansum(x: TensorBase, axes?: Axes, options: ReduceOptions = {}): Tensor {
  const list = axesOf('nansum', axes, x.rank)
  return apply('nansum', [x], (node) => {
    const n = toNumber(node)
    return ops.reduceSum(ops.select(ops.ne(n, n), 0, n), list, options.keepdim ?? false)
  })
}

/** Mean over `axes` (default all) of the elements that are not NaN; NaN if there are none. */
export function nanmean(x: TensorBase, axes?: Axes, options: ReduceOptions = {}): Tensor {
  const list = axesOf('nanmean', axes, x.rank)
  const keep = options.keepdim ?? false
  return apply('nanmean', [x], (node) => {
    const n = toFloat(node)
    const absent = ops.ne(n, n)
    const count = ops.reduceSum(ops.cast(ops.not(absent), n.dtype), list, keep)
    return ops.div(ops.reduceSum(ops.select(absent, 0, n), list, keep), count)
  })
}

/** bool `[]`: whether the shapes agree and every element does; NaN equals nothing. */
export function equal(a: TensorBase, b: TensorBase): Tensor {
  if (!sameShape(a.shape, b.shape)) return apply('equal', [a, b], () => ops.constant(0, 'bool'))
  return allAny('all', apply('equal', [a, b], ops.eq))
}

/** Running sum or product along `axis`. */
export function cumulative(fn: 'cumsum' | 'cumprod', x: TensorBase, axis: number): Tensor {
  const a = normaliseAxis(fn, axis, x.rank)
  return apply(fn, [x], (n) => ops[fn](toNumber(n), a))
}

/** (Σ |x|ᵖ)^(1/p) over `axes` (default all); p may be 0 (how many are not 0) and ±Infinity. */
export function norm(x: TensorBase, p = 2, axes?: Axes, options: ReduceOptions = {}): Tensor {
  const list = axesOf('norm', axes, x.rank)
  const keep = options.keepdim ?? false
  return apply('norm', [x], (node) => {
    const n = toFloat(node)
    if (p === 2) return ops.sqrt(ops.reduceSum(ops.mul(n, n), list, keep))
    if (p === 1) return ops.reduceSum(ops.abs(n), list, keep)
    if (p === 0) return ops.reduceSum(ops.cast(ops.ne(n, 0), n.dtype), list, keep)
    if (p === Infinity) return ops.reduceMax(ops.abs(n), list, keep)
    if (p === -Infinity) return ops.reduceMin(ops.abs(n), list, keep)
    return ops.pow(ops.reduceSum(ops.pow(ops.abs(n), p), list, keep), 1 / p)
  })
}

/** The node `y` with a gradient of its own with respect to `x`. (`vjp` closes over no node: in a loop they are renamed.) */
function withGradient(name: string, y: Node, x: Node, vjp: (g: Node, y: Node, x: Node) => Node): Node {
  return ops.alias([y, x], { name, vjp: (g, self) => [vjp(g, self, self.inputs[1])] })
}

/** eˣ / Σ eˣ along `axis`, shifted by the maximum. Gradient: s (g − Σ g s). */
export function softmax(x: TensorBase, axis = -1): Tensor {
  const axes = [normaliseAxis('softmax', axis, x.rank)]
  return apply('softmax', [x], (node) => {
    const n = toFloat(node)
    const e = ops.exp(ops.sub(n, ops.reduceMax(n, axes, true)))
    const y = ops.div(e, ops.reduceSum(e, axes, true))
    return withGradient('softmax', y, n, (g, s) => ops.mul(s, ops.sub(g, ops.reduceSum(ops.mul(g, s), axes, true))))
  })
}

/** x − log Σ eˣ along `axis`, shifted by the maximum. Gradient: g − eʸ Σ g. */
export function logSoftmax(x: TensorBase, axis = -1): Tensor {
  const axes = [normaliseAxis('logSoftmax', axis, x.rank)]
  return apply('logSoftmax', [x], (node) => {
    const n = toFloat(node)
    const shifted = ops.sub(n, ops.reduceMax(n, axes, true))
    const y = ops.sub(shifted, ops.log(ops.reduceSum(ops.exp(shifted), axes, true)))
    return withGradient('logSoftmax', y, n, (g, l) => ops.sub(g, ops.mul(ops.exp(l), ops.reduceSum(g, axes, true))))
  })
}

/** log Σ eˣ over `axes` (default all), without overflow. Gradient: g e^(x − y). */
export function logsumexp(x: TensorBase, axes?: Axes, options: ReduceOptions = {}): Tensor {
  const list = axesOf('logsumexp', axes, x.rank)
  return apply('logsumexp', [x], (node) => {
    const n = toFloat(node)
    const max = ops.reduceMax(n, list, true)
    // Infinite maxima are not subtracted: ∞ − ∞ is NaN where the answer is ∞.
    const shift = ops.select(ops.eq(ops.abs(max), Infinity), 0, max)
    const full = ops.add(ops.log(ops.reduceSum(ops.exp(ops.sub(n, shift)), list, true)), shift)
    const y = options.keepdim
      ? full
      : ops.reshape(
          full,
          n.shape.filter((_, i) => !list.includes(i)),
        )
    const kept = full.shape
    return withGradient('logsumexp', y, n, (g, l, input) =>
      ops.mul(ops.reshape(g, kept), ops.exp(ops.sub(input, ops.reshape(l, kept)))),
    )
  })
}
