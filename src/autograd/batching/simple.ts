/** @file Batching where one more axis in front is all that changes: elementwise functions, views, reductions, windows. */
import type { Attrs, BinaryOp, Primitive, UnaryOp } from '../../graph/node.ts'
import { ops } from '../../graph/ops.ts'
import { binaryNames, unaryNames } from '../../kernels/names.ts'
import type { BatchRule } from './rule.ts'

const unaryRule =
  (op: UnaryOp): BatchRule<UnaryOp> =>
  (_scope, [x]) =>
    ops[op](x.node)

const binaryRule =
  (op: BinaryOp): BatchRule<BinaryOp> =>
  (scope, [a, b]) =>
    ops[op](scope.lead(a), scope.lead(b))

export const unary: { readonly [F in UnaryOp]: BatchRule<F> } = Object.fromEntries(
  (Object.keys(unaryNames) as UnaryOp[]).map((op) => [op, unaryRule(op)]),
) as { [F in UnaryOp]: BatchRule<F> }

export const binary: { readonly [F in BinaryOp]: BatchRule<F> } = Object.fromEntries(
  (Object.keys(binaryNames) as BinaryOp[]).map((op) => [op, binaryRule(op)]),
) as { [F in BinaryOp]: BatchRule<F> }

export const select: BatchRule<'select'> = (scope, [condition, a, b]) =>
  ops.select(scope.lead(condition), scope.lead(a), scope.lead(b))

export const cast: BatchRule<'cast'> = (_scope, [x], { dtype }) => ops.cast(x.node, dtype)

export const bound: BatchRule<'bound'> = (_scope, [x], { size, operation }) => ops.bound(x.node, size, operation)

export const reshape: BatchRule<'reshape'> = (scope, [x], { shape }) => ops.reshape(x.node, [scope.size, ...shape])

export const permute: BatchRule<'permute'> = (_scope, [x], { order }) => ops.permute(x.node, [0, ...after(order)])

export const expand: BatchRule<'expand'> = (scope, [x], { shape }) => ops.broadcastTo(x.node, [scope.size, ...shape])

export const slice: BatchRule<'slice'> = (scope, [x], { start, size, step }) =>
  ops.slice(x.node, [0, ...start], [scope.size, ...size], [1, ...step])

export const pad: BatchRule<'pad'> = (_scope, [x], { lo, hi, interior, value }) =>
  ops.pad(x.node, [0, ...lo], [0, ...hi], [0, ...interior], value)

export const concat: BatchRule<'concat'> = (scope, parts, { axis }) => ops.concat(parts.map(scope.lead), axis + 1)

export const flip: BatchRule<'flip'> = (_scope, [x], { axes }) => ops.flip(x.node, after(axes))

/** Axes of one example as axes of a batch. */
const after = (axes: readonly number[]): number[] => axes.map((a) => a + 1)

type Reduce = 'reduceSum' | 'reduceProd' | 'reduceMax' | 'reduceMin'

const reduction =
  <R extends Reduce>(op: R): BatchRule<R> =>
  (_scope, [x], attrs) =>
    ops[op](x.node, after((attrs as Attrs[Reduce]).axes))

export const reduceSum: BatchRule<'reduceSum'> = reduction('reduceSum')
export const reduceProd: BatchRule<'reduceProd'> = reduction('reduceProd')
export const reduceMax: BatchRule<'reduceMax'> = reduction('reduceMax')
export const reduceMin: BatchRule<'reduceMin'> = reduction('reduceMin')

export const argmax: BatchRule<'argmax'> = (_scope, [x], { axis }) => ops.argmax(x.node, axis + 1)
export const argmin: BatchRule<'argmin'> = (_scope, [x], { axis }) => ops.argmin(x.node, axis + 1)

export const cumsum: BatchRule<'cumsum'> = (_scope, [x], { axis, reverse }) => ops.cumsum(x.node, axis + 1, reverse)
export const cumprod: BatchRule<'cumprod'> = (_scope, [x], { axis, reverse }) => ops.cumprod(x.node, axis + 1, reverse)

export const argsort: BatchRule<'argsort'> = (_scope, [x], { axis, descending }) =>
  ops.argsort(x.node, axis + 1, descending)

/** Windows lie over the last axes. */
export const windowSum: BatchRule<'windowSum'> = (_scope, [x], attrs) => ops.windowSum(x.node, attrs)
export const windowMax: BatchRule<'windowMax'> = (_scope, [x], attrs) => ops.windowMax(x.node, attrs)
export const windowArgmax: BatchRule<'windowArgmax'> = (_scope, [x], attrs) => ops.windowArgmax(x.node, attrs)

/** Leaves have no operands, so nothing can make them batches. */
export const leaf: BatchRule<Primitive> = () => {
  throw new Error('internal: a leaf is the same for all examples')
}
