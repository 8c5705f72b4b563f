/** @file Reductions, positions of extremes, and running sums and products. */
import { isFloat, type TypedArray } from '../../core/dtype.ts'
import { GliaError } from '../../core/errors.ts'
import { showShape, sizeOf, stridesOf } from '../../core/shape.ts'
import { type Aval, type HostArray, Node } from '../node.ts'
import type { Ops, Rule } from '../rule.ts'
import { checkAxes, checkAxis, checkDtype, type Domain } from './check.ts'
import { fill } from './movement.ts'

type Reduce = 'reduceSum' | 'reduceProd' | 'reduceMax' | 'reduceMin'

/** Calls `visit` with every element over the reduced axes, in row-major order. */
function over(
  x: HostArray,
  axes: readonly number[],
  outer: readonly number[],
  visit: (value: number, position: number) => void,
): void {
  const strides = stridesOf(x.shape)
  let base = 0
  let k = 0
  for (let axis = 0; axis < x.shape.length; axis++) if (!axes.includes(axis)) base += outer[k++] * strides[axis]
  const extents = axes.map((a) => x.shape[a])
  const n = sizeOf(extents)
  for (let position = 0; position < n; position++) {
    let rest = position
    let p = base
    for (let i = axes.length - 1; i >= 0; i--) {
      p += (rest % extents[i]) * strides[axes[i]]
      rest = Math.floor(rest / extents[i])
    }
    visit(x.data[p], position)
  }
}

function least(dtype: Aval['dtype']): number {
  return isFloat(dtype) ? Number.NEGATIVE_INFINITY : dtype === 'int32' ? -(2 ** 31) : 0
}

function greatest(dtype: Aval['dtype']): number {
  return isFloat(dtype) ? Number.POSITIVE_INFINITY : dtype === 'int32' ? 2 ** 31 - 1 : dtype === 'bool' ? 1 : 255
}

const larger = (a: number, b: number): number => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.max(a, b))
const smaller = (a: number, b: number): number => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.min(a, b))

interface Row {
  readonly start: (dtype: Aval['dtype']) => number
  readonly fold: (a: number, b: number) => number
  readonly grad: (o: Ops, g: Node, x: Node, y: Node, axes: readonly number[]) => Node
  readonly takes: Domain
}

/** `y` with the reduced axes back, repeated to the shape of `x`. */
function spread(o: Ops, y: Node, x: Node, axes: readonly number[]): Node {
  return o.broadcastTo(
    o.reshape(
      y,
      x.shape.map((d, i) => (axes.includes(i) ? 1 : d)),
    ),
    x.shape,
  )
}

/** The gradient goes to all extremes alike (PyTorch's amax and amin). */
function toExtremes(o: Ops, g: Node, x: Node, y: Node, axes: readonly number[]): Node {
  const hit = o.cast(o.eq(x, spread(o, y, x, axes)), g.dtype)
  const share = o.div(g, o.reduceSum(hit, axes))
  return o.mul(hit, spread(o, share, x, axes))
}

/** The product of the elements before each one along an axis (after, if reversed), 1 for the first. */
function exclusive(o: Ops, x: Node, axis: number, reverse: boolean): Node {
  const without = (axisExtent: number): number[] => x.shape.map((d, i) => (i === axis ? axisExtent : d))
  const ones = o.full(without(1), 1, x.dtype)
  const start = x.shape.map((_, i) => (i === axis && reverse ? 1 : 0))
  const running = o.cumprod(o.slice(x, start, without(x.shape[axis] - 1)), axis, reverse)
  return o.concat(reverse ? [running, ones] : [ones, running], axis)
}

/** Product of all other elements, right with zeros: products before times products after. */
function productGradient(o: Ops, g: Node, x: Node, _y: Node, axes: readonly number[]): Node {
  const kept = x.shape.map((_, i) => i).filter((i) => !axes.includes(i))
  const order = [...kept, ...axes]
  const flat = o.reshape(o.permute(x, order), [...kept.map((i) => x.shape[i]), sizeOf(axes.map((a) => x.shape[a]))])
  const rank = kept.length
  const n = flat.shape[rank]
  if (n === 0) return o.full(x.shape, 0, g.dtype)
  const others = o.mul(exclusive(o, flat, rank, false), exclusive(o, flat, rank, true))
  const inverse = order.map((_, i) => order.indexOf(i))
  const back = o.permute(
    o.reshape(
      others,
      order.map((i) => x.shape[i]),
    ),
    inverse,
  )
  return o.mul(spread(o, g, x, axes), back)
}

const rows: { readonly [R in Reduce]: Row } = {
  reduceSum: {
    start: () => 0,
    fold: (a, b) => a + b,
    grad: (o, g, x, _y, axes) => spread(o, g, x, axes),
    takes: 'wide',
  },
  reduceProd: { start: () => 1, fold: (a, b) => a * b, grad: productGradient, takes: 'wide' },
  reduceMax: { start: least, fold: larger, grad: toExtremes, takes: 'any' },
  reduceMin: { start: greatest, fold: smaller, grad: toExtremes, takes: 'any' },
}

function reduceRule(op: Reduce, row: Row): Rule<Reduce> {
  return {
    infer: ([x], { axes }) => {
      checkAxes(op, x, axes)
      checkDtype(op, x, row.takes)
      return { shape: x.shape.filter((_, i) => !axes.includes(i)), dtype: x.dtype }
    },
    vjp: (o, g, y) => {
      const x = y.inputs[0]
      return [isFloat(x.dtype) ? row.grad(o, g, x, y, y.as(op).axes) : null]
    },
    evaluate: ([x], { axes }, out) =>
      fill(out, (outer) => {
        let a = row.start(out.dtype)
        over(x, axes, outer, (v) => {
          a = out.dtype === 'int32' && op === 'reduceProd' ? Math.imul(a, v) : row.fold(a, v)
        })
        return a
      }),
  }
}

export const reduceSum = reduceRule('reduceSum', rows.reduceSum) as Rule<'reduceSum'>
export const reduceProd = reduceRule('reduceProd', rows.reduceProd) as Rule<'reduceProd'>
export const reduceMax = reduceRule('reduceMax', rows.reduceMax) as Rule<'reduceMax'>
export const reduceMin = reduceRule('reduceMin', rows.reduceMin) as Rule<'reduceMin'>

function positionRule<P extends 'argmax' | 'argmin'>(op: P): Rule<P> {
  return {
    infer: ([x], { axis }) => {
      checkAxis(op, x, axis)
      if (x.shape[axis] === 0) {
        throw new GliaError(
          `${op}: axis ${axis} of shape ${showShape(x.shape)} has no elements, so none is the greatest or least.`,
        )
      }
      return { shape: x.shape.filter((_, i) => i !== axis), dtype: 'int32' }
    },
    vjp: () => [null],
    evaluate: ([x], { axis }, out) =>
      fill(out, (outer) => {
        let best = 0
        let found: number | null = null
        over(x, [axis], outer, (v, position) => {
          const beats =
            found === null || (!Number.isNaN(found) && (Number.isNaN(v) || (op === 'argmax' ? v > found : v < found)))
          if (!beats) return
          found = v
          best = position
        })
        return best
      }),
  }
}

export const argmax: Rule<'argmax'> = positionRule('argmax')
export const argmin: Rule<'argmin'> = positionRule('argmin')

function running(
  x: HostArray,
  axis: number,
  reverse: boolean,
  start: number,
  fold: (a: number, b: number) => number,
): TypedArray {
  const result = x.data.slice()
  const n = x.shape[axis] ?? 0
  const inner = sizeOf(x.shape.slice(axis + 1))
  const outer = n * inner === 0 ? 0 : result.length / (n * inner)
  for (let p = 0; p < outer; p++) {
    for (let q = 0; q < inner; q++) {
      let a = start
      for (let i = 0; i < n; i++) {
        const at = (p * n + (reverse ? n - 1 - i : i)) * inner + q
        a = fold(a, x.data[at])
        result[at] = a
      }
    }
  }
  return result
}

function inferRunning(op: string, x: Aval, axis: number): Aval {
  checkAxis(op, x, axis)
  checkDtype(op, x, 'wide')
  return x
}

export const cumsum: Rule<'cumsum'> = {
  infer: ([x], { axis }) => inferRunning('cumsum', x, axis),
  vjp: (o, g, y) => {
    const { axis, reverse } = y.as('cumsum')
    return [isFloat(g.dtype) ? o.cumsum(g, axis, !reverse) : null]
  },
  evaluate: ([x], { axis, reverse }, out) =>
    running(x, axis, reverse, 0, out.dtype === 'int32' ? (a, b) => (a + b) | 0 : (a, b) => a + b),
}

/** s with s_k = g_k + x_{k+1} · s_{k+1} along the first axis, from its end (from its start, if reversed). */
function suffixes(o: Ops, g: Node, x: Node, reverse: boolean): Node {
  const owner = {}
  const leaf = (index: number): Node =>
    new Node('parameter', [], { owner, index }, { shape: x.shape.slice(1), dtype: x.dtype })
  const [rest, gk, xk] = [leaf(0), leaf(1), leaf(2)]
  const s = o.add(gk, rest)
  const [, sums] = o.loop([o.full(rest.shape, 0, x.dtype), g, x], {
    length: x.shape[0],
    reverse: !reverse,
    carries: 1,
    scanned: 2,
    params: [rest, gk, xk],
    results: [o.mul(xk, s), s],
  })
  return sums
}

export const cumprod: Rule<'cumprod'> = {
  infer: ([x], { axis }) => inferRunning('cumprod', x, axis),
  vjp: (o, g, y) => {
    // ∂/∂x_k = (Π_{j<k} x_j) · s_k with s_k = g_k + x_{k+1} · s_{k+1}: no division, so zeros are right.
    const { axis, reverse } = y.as('cumprod')
    const x = y.inputs[0]
    if (!isFloat(g.dtype)) return [null]
    if (sizeOf(x.shape) === 0) return [g]
    const order = [axis, ...x.shape.map((_, i) => i).filter((i) => i !== axis)]
    const sums = suffixes(o, o.permute(g, order), o.permute(x, order), reverse)
    const back = order.map((_, i) => order.indexOf(i))
    return [o.mul(exclusive(o, x, axis, reverse), o.permute(sums, back))]
  },
  evaluate: ([x], { axis, reverse }, out) =>
    running(x, axis, reverse, 1, out.dtype === 'int32' ? Math.imul : (a, b) => a * b),
}
