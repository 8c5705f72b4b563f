/** @file Builds nodes. Every method checks its arguments through the primitive's shape rule and skips what changes nothing. */

import { callSite, modulePath } from '../core/debug.ts'
import { type DType, dtypeOf, isFloat, promote, type TypedArray } from '../core/dtype.ts'
import { GliaError } from '../core/errors.ts'
import { broadcastShapes, normaliseAxis, type Shape, sameShape, showShape, sizeOf } from '../core/shape.ts'
import { binaryNames, unaryNames } from '../kernels/names.ts'
import { type Attrs, type BinaryOp, type LoopAttrs, Node, type Primitive, type UnaryOp } from './node.ts'
import { rules } from './primitives/table.ts'
import type { Operand, Ops, Rule } from './rule.ts'

const none = {}

function make<P extends Primitive>(op: P, inputs: readonly Node[], attrs: Attrs[P]): Node {
  const rule = rules[op] as Rule<P>
  const node = new Node(op, inputs, attrs, rule.infer(inputs, attrs))
  const site = callSite()
  const module = modulePath()
  if (module !== '' || site !== '') node.origin = { module, site }
  return node
}

function broadcastTo(x: Node, shape: Shape): Node {
  if (sameShape(x.shape, shape)) return x
  const padded = [...new Array<number>(Math.max(0, shape.length - x.shape.length)).fill(1), ...x.shape]
  return expand(reshape(x, padded), shape)
}

function expand(x: Node, shape: Shape): Node {
  return sameShape(x.shape, shape) ? x : make('expand', [x], { shape })
}

/** Reshapes of reshapes stay two: the one between may be what a gradient is asked for. */
function reshape(x: Node, shape: Shape): Node {
  return sameShape(x.shape, shape) ? x : make('reshape', [x], { shape })
}

/** Integers drop the fraction, bool is "not 0". */
function constant(value: number, dtype: DType): Node {
  const held = isFloat(dtype) ? value : dtype === 'bool' ? Number(value !== 0) : Math.trunc(value)
  return new Node('constant', [], { value: dtype === 'float32' ? Math.fround(held) : held }, { shape: [], dtype })
}

function full(shape: Shape, value: number, dtype: DType): Node {
  return broadcastTo(constant(value, dtype), shape)
}

function cast(x: Node, dtype: DType): Node {
  return x.dtype === dtype ? x : make('cast', [x], { dtype })
}

/** A number as a constant of its neighbour's dtype. */
function beside(operation: string, value: number, other: Node): Node {
  if (!isFloat(other.dtype) && !Number.isInteger(value)) {
    throw new GliaError(
      `${operation}: received the number ${value} beside ${other.dtype} ${showShape(other.shape)}, which cannot hold it. ` +
        'Cast the tensor with float() first.',
    )
  }
  return constant(value, other.dtype)
}

/** Numbers become constants of the other operand's dtype; dtypes are promoted, shapes broadcast. */
function align(operation: string, a: Operand, b: Operand): [Node, Node] {
  if (typeof a === 'number' && typeof b === 'number') {
    throw new GliaError(`${operation}: at least one operand must be a node; received the numbers ${a} and ${b}.`)
  }
  const other = typeof a === 'number' ? (b as Node) : a
  const x = typeof a === 'number' ? beside(operation, a, other) : a
  const y = typeof b === 'number' ? beside(operation, b, other) : b
  const dtype = promote(x.dtype, y.dtype)
  const shape = broadcastShapes(operation, x.shape, y.shape)
  return [broadcastTo(cast(x, dtype), shape), broadcastTo(cast(y, dtype), shape)]
}

/** Sums and products of uint8 are int32. */
function reduction(op: 'reduceSum' | 'reduceProd' | 'reduceMax' | 'reduceMin') {
  return (x: Node, axes: readonly number[], keep = false): Node => {
    if (axes.length === 0) return x
    const sorted = axes.map((a) => normaliseAxis(op, a, x.shape.length)).sort((a, b) => a - b)
    const adds = op === 'reduceSum' || op === 'reduceProd'
    const y = make(op, [adds && x.dtype === 'uint8' ? cast(x, 'int32') : x], { axes: sorted })
    return keep
      ? reshape(
          y,
          x.shape.map((d, i) => (sorted.includes(i) ? 1 : d)),
        )
      : y
  }
}

const reduceSum = reduction('reduceSum')

function outputs(node: Node, count: number): Node[] {
  return Array.from({ length: count }, (_, index) => make('output', [node], { index }))
}

const elementwise = {
  ...(Object.fromEntries(
    (Object.keys(unaryNames) as UnaryOp[]).map((op) => [op, (x: Node): Node => make(op, [x], none)]),
  ) as Record<UnaryOp, (x: Node) => Node>),
  ...(Object.fromEntries(
    (Object.keys(binaryNames) as BinaryOp[]).map((op) => [
      op,
      (a: Operand, b: Operand): Node => make(op, align(op, a, b), none),
    ]),
  ) as Record<BinaryOp, (a: Operand, b: Operand) => Node>),
}

export const ops: Ops = {
  ...elementwise,
  constant,
  data: (values: TypedArray, shape: Shape, dtype: DType = dtypeOf(values)) => {
    if (values.length !== sizeOf(shape)) {
      throw new GliaError(
        `data: ${values.length} values do not fill shape ${showShape(shape)}, which needs ${sizeOf(shape)}.`,
      )
    }
    return new Node('data', [], { values }, { shape, dtype })
  },
  full,
  iota: (size) => make('iota', [], { size }),
  select: (condition, a, b) => {
    const [x, y] = align('where', a, b)
    const shape = broadcastShapes('where', condition.shape, x.shape)
    return make('select', [broadcastTo(condition, shape), broadcastTo(x, shape), broadcastTo(y, shape)], none)
  },
  cast,
  bound: (indices, size, operation) => make('bound', [cast(indices, 'int32')], { size, operation }),
  random: (key, counter) => make('random', [key, counter], none),
  reshape,
  permute: (x, order) => (order.every((o, i) => o === i) ? x : make('permute', [x], { order })),
  transpose: (x) => {
    const order = x.shape.map((_, i) => i)
    order.push(order.splice(-2, 1)[0])
    return make('permute', [x], { order })
  },
  broadcastTo,
  slice: (x, start, size, step = x.shape.map(() => 1)) =>
    sameShape(size, x.shape) ? x : make('slice', [x], { start, size, step }),
  pad: (x, lo, hi, interior = x.shape.map(() => 0), value = 0) =>
    [...lo, ...hi, ...interior].every((p) => p === 0) ? x : make('pad', [x], { lo, hi, interior, value }),
  concat: (xs, axis) => {
    if (xs.length === 0) throw new GliaError('cat: received no tensors; it needs at least one.')
    if (xs.length === 1) return xs[0]
    const dtype = xs.map((x) => x.dtype).reduce(promote)
    return make(
      'concat',
      xs.map((x) => cast(x, dtype)),
      { axis: normaliseAxis('cat', axis, xs[0].shape.length) },
    )
  },
  flip: (x, axes) => (axes.length === 0 ? x : make('flip', [x], { axes })),
  reduceSum,
  reduceProd: reduction('reduceProd'),
  reduceMax: reduction('reduceMax'),
  reduceMin: reduction('reduceMin'),
  sumTo: (x, shape) => {
    const extra = x.shape.length - shape.length
    const axes = x.shape.flatMap((d, i) => (i < extra || (shape[i - extra] === 1 && d !== 1) ? [i] : []))
    return reshape(reduceSum(x, axes), shape)
  },
  argmax: (x, axis) => make('argmax', [x], { axis: normaliseAxis('argmax', axis, x.shape.length) }),
  argmin: (x, axis) => make('argmin', [x], { axis: normaliseAxis('argmin', axis, x.shape.length) }),
  cumsum: (x, axis, reverse = false) =>
    make('cumsum', [x], { axis: normaliseAxis('cumsum', axis, x.shape.length), reverse }),
  cumprod: (x, axis, reverse = false) =>
    make('cumprod', [x], { axis: normaliseAxis('cumprod', axis, x.shape.length), reverse }),
  matmul: (a, b) => make('matmul', [a, b], none),
  conv: (x, w, attrs) => make('conv', [x, w], attrs),
  windowSum: (x, attrs) => make('windowSum', [x], attrs),
  windowMax: (x, attrs) => make('windowMax', [x], attrs),
  windowArgmax: (x, attrs) => make('windowArgmax', [x], attrs),
  gather: (x, indices, axis) => make('gather', [x, indices], { axis: normaliseAxis('gather', axis, x.shape.length) }),
  scatterAdd: (indices, updates, axis, size) => make('scatterAdd', [indices, updates], { axis, size }),
  argsort: (x, axis, descending) =>
    make('argsort', [x], { axis: normaliseAxis('argsort', axis, x.shape.length), descending }),
  alias: (inputs, attrs) => make('alias', inputs, attrs),
  loop: (inputs, attrs: LoopAttrs) => outputs(make('loop', inputs, attrs), attrs.results.length),
  hostCall: (inputs, attrs) => outputs(make('hostCall', inputs, attrs), attrs.outputs.length),
}
