/** @file Counting: frequencies of integers, histograms, different values. */
import { GliaError } from '../core/errors.ts'
import { sameShape, showShape } from '../core/shape.ts'
import { ops } from '../graph/ops.ts'
import { apply, applyAll, toFloat } from './apply.ts'
import type { TensorBase } from './base.ts'
import { linspaceNode } from './factories.ts'
import { valuesNow } from './now.ts'
import { Tensor } from './tensor.ts'

export interface BincountOptions {
  /** float weights of x's shape, added up instead of counting. */
  readonly weights?: TensorBase
  /** Least number of entries of the result (default 0). */
  readonly minlength?: number
}

/**
 * How often each of 0, 1, 2 … occurs among the integers of `x`: int32 (with weights float32) `[max(x) + 1]`. The greatest
 * is read at once.
 *
 * @throws GliaError for negative integers, weights of another shape, and in a compiled function
 */
export function bincount(x: TensorBase, options: BincountOptions = {}): Tensor {
  const { weights, minlength = 0 } = options
  if (x.dtype.startsWith('float'))
    throw new GliaError(`bincount: takes integers; received ${x.dtype}. Cast with int().`)
  if (weights && !sameShape(weights.shape, x.shape)) {
    throw new GliaError(
      `bincount: weights of shape ${showShape(weights.shape)} must have the integers' shape ${showShape(x.shape)}.`,
    )
  }
  const values = valuesNow('bincount', x, 'Use oneHot(x, classes).sum(0) instead.')
  let length = minlength
  for (const v of values) {
    if (v < 0) throw new GliaError(`bincount: integers must be at least 0; received ${v}.`)
    length = Math.max(length, v + 1)
  }
  if (!weights) {
    const counts = new Int32Array(length)
    for (const v of values) counts[v]++
    return new Tensor(ops.data(counts, [length], 'int32'), x.device)
  }
  const positions = Int32Array.from(values)
  return apply('bincount', [weights], (w) => {
    const at = ops.bound(ops.data(positions, [x.size], 'int32'), length, 'bincount')
    return ops.scatterAdd(at, ops.reshape(toFloat(w), [x.size]), 0, length)
  })
}

export interface HistogramOptions {
  /** Ends of the first and the last bin (default: the least and the greatest element). Elements outside do not count. */
  readonly range?: readonly [number, number]
  /** float weights of x's shape, added up instead of counting. */
  readonly weights?: TensorBase
}

/**
 * Counts in `bins` intervals of equal width, the last one closed at its end: float32 `[bins]`, and the `[bins + 1]` edges
 * between them. NaN counts nowhere.
 */
export function histogram(
  x: TensorBase,
  bins: number,
  options: HistogramOptions = {},
): { counts: Tensor; edges: Tensor } {
  const { range, weights } = options
  const bad = !Number.isInteger(bins) || bins < 1 || (range && !(range[0] <= range[1])) || (!range && x.size === 0)
  if (bad || (weights && !sameShape(weights.shape, x.shape))) {
    throw new GliaError(
      `histogram: received ${bins} bins, range ${range ? `[${range}]` : 'of the elements'} and shape ${showShape(x.shape)}` +
        `${weights ? `, weights ${showShape(weights.shape)}` : ''}; it needs at least 1 bin, a range low ≤ high (or elements ` +
        'to take it from), and weights of the same shape.',
    )
  }
  const [counts, edges] = applyAll('histogram', weights ? [x, weights] : [x], (node, w) => {
    const n = ops.reshape(toFloat(node), [x.size])
    const low = range ? ops.constant(range[0], n.dtype) : ops.reduceMin(n, [0])
    const high = range ? ops.constant(range[1], n.dtype) : ops.reduceMax(n, [0])
    // All elements equal: an interval of width 1 around them, as PyTorch.
    const flat = ops.eq(low, high)
    const [from, to] = [ops.select(flat, ops.sub(low, 0.5), low), ops.select(flat, ops.add(high, 0.5), high)]
    const inside = ops.and(ops.le(from, n), ops.le(n, to))
    const scaled = ops.mul(ops.div(ops.sub(ops.select(inside, n, from), from), ops.sub(to, from)), bins)
    const at = ops.bound(ops.min(ops.cast(scaled, 'int32'), bins - 1), bins, 'histogram')
    const share = ops.select(inside, w ? ops.reshape(toFloat(w), [x.size]) : 1, ops.constant(0, 'float32'))
    return [ops.scatterAdd(at, share, 0, bins), linspaceNode(from, to, bins + 1)]
  })
  return { counts, edges: edges.detach() }
}

/**
 * The different elements in ascending order, `[n]`; for every element where its value is among them (int32, x's shape); and
 * how often each occurs (int32 `[n]`). The values are read at once; every NaN is different.
 *
 * @throws GliaError in a compiled function
 */
export function unique(x: TensorBase): { values: Tensor; inverse: Tensor; counts: Tensor } {
  const all = valuesNow('unique', x, 'Sort and compare neighbours instead.')
  const order = Uint32Array.from(all, (_, i) => i).sort((a, b) => compare(all[a], all[b]) || a - b)
  const inverse = new Int32Array(all.length)
  const firsts: number[] = []
  const counts: number[] = []
  order.forEach((position, k) => {
    if (k === 0 || all[order[k - 1]] !== all[position]) {
      firsts.push(position)
      counts.push(0)
    }
    counts[counts.length - 1]++
    inverse[position] = firsts.length - 1
  })
  const values = all.slice(0, firsts.length)
  firsts.forEach((position, k) => {
    values[k] = all[position]
  })
  const int = (list: ArrayLike<number>, shape: readonly number[]): Tensor =>
    new Tensor(ops.data(Int32Array.from(list), shape, 'int32'), x.device)
  return {
    values: new Tensor(ops.data(values, [values.length], x.dtype), x.device),
    inverse: int(inverse, x.shape),
    counts: int(counts, [counts.length]),
  }
}

/** NaN is the greatest. */
function compare(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
  return a < b ? -1 : a > b ? 1 : 0
}
