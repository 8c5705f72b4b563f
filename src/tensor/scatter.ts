/**
 * @file Writing elements at given places: every function returns a new tensor. What is written twice keeps the last
 * value; a host function finds, for each place, who writes there last, and everything else is reading.
 */
import { GliaError } from '../core/errors.ts'
import { normaliseAxis, sameShape, showShape, sizeOf } from '../core/shape.ts'
import type { HostFunction, Node } from '../graph/node.ts'
import { ops } from '../graph/ops.ts'
import { apply, commonDtype, type Operand } from './apply.ts'
import type { TensorBase } from './base.ts'
import { checked, checkGather, flatPositions } from './indexing.ts'
import type { Tensor } from './tensor.ts'

/** Positions [K] → for each of the places, the number of the last one that names it, or −1. */
const lastWriter: HostFunction = {
  name: 'lastWriter',
  run: ([positions], [writer]) => {
    writer.data.fill(-1)
    for (let k = 0; k < positions.data.length; k++) writer.data[positions.data[k]] = k
  },
}

/** `x` with `rows` written at `positions` (checked, int32 `[K]`) of axis 0: x `[n, …]`, rows `[K, …]`. */
function writeRows(x: Node, positions: Node, rows: Node): Node {
  const [n, ...rest] = x.shape
  const count = positions.shape[0]
  if (count === 0 || sizeOf(x.shape) === 0) return x
  const [writer] = ops.hostCall([positions], { fn: lastWriter, outputs: [{ shape: [n], dtype: 'int32' }] })
  const taken = ops.gather(rows, ops.bound(ops.max(writer, 0), count, 'scatter'), 0)
  const written = ops.reshape(ops.le(0, writer), [n, ...rest.map(() => 1)])
  return ops.select(ops.broadcastTo(written, x.shape), taken, x)
}

/** `x` with `values` added at `positions` of axis 0. */
function addRows(x: Node, positions: Node, rows: Node): Node {
  return ops.add(x, ops.scatterAdd(positions, rows, 0, x.shape[0]))
}

/** What is written must fit into what it is written to: floats do not go into integers. */
function fitting(operation: string, value: Node, x: Node): Node {
  if (commonDtype(value, x) !== x.dtype) {
    throw new GliaError(
      `${operation}: ${value.dtype} values do not fit into a tensor of ${x.dtype}. Cast one of them first.`,
    )
  }
  return ops.cast(value, x.dtype)
}

/** The operand as a node of x's dtype, repeated to `shape`. */
export function valueNode(operation: string, value: Node | number, x: Node, shape: readonly number[]): Node {
  if (typeof value === 'number') return ops.full(shape, value, x.dtype)
  return ops.broadcastTo(fitting(operation, value, x), shape)
}

/** Writes (or adds) values at flat positions of `x`; both have one shape. */
export function writeAt(operation: string, x: Node, positions: Node, values: Node | number, accumulate: boolean): Node {
  const count = sizeOf(positions.shape)
  const size = sizeOf(x.shape)
  const at = ops.bound(ops.reshape(positions, [count]), size, operation)
  const rows = ops.reshape(valueNode(operation, values, x, positions.shape), [count])
  const flat = ops.reshape(x, [size])
  return ops.reshape(accumulate ? addRows(flat, at, rows) : writeRows(flat, at, rows), x.shape)
}

/** Inputs that are tensors, and a build function that gets numbers as they are. */
export function withOperand(
  operation: string,
  tensors: readonly TensorBase[],
  value: Operand,
  build: (value: Node | number, ...nodes: Node[]) => Node,
): Tensor {
  if (typeof value === 'number') return apply(operation, tensors, (...nodes) => build(value, ...nodes))
  return apply(operation, [value, ...tensors], build)
}

/**
 * `x` with every element of `source` written at its index along `axis`, as `out[indices[i][j]][j] = source[i][j]` for axis
 * 0; indices as for `gather`, of source's shape (a number is written everywhere). The last of several stays.
 */
export function scatter(x: TensorBase, axis: number, indices: TensorBase, source: Operand): Tensor {
  const a = normaliseAxis('scatter', axis, x.rank)
  checkGather('scatter', x.shape, a, indices)
  if (typeof source !== 'number' && !sameShape(indices.shape, source.shape)) {
    throw new GliaError(
      `scatter: indices of shape ${showShape(indices.shape)} and source of shape ${showShape(source.shape)} must agree.`,
    )
  }
  return withOperand('scatter', [x, indices], source, (s, n, i) =>
    writeAt('scatter', n, flatPositions(checked(i, x.shape[a], 'scatter'), x.shape, a), s, false),
  )
}

/** `axis` first, and the way back. */
function axisFirst(n: Node, axis: number): Node {
  return ops.permute(n, [axis, ...n.shape.map((_, i) => i).filter((i) => i !== axis)])
}

function axisBack(n: Node, axis: number): Node {
  const order = n.shape.map((_, i) => i).slice(1)
  order.splice(axis, 0, 0)
  return ops.permute(n, order)
}

function alongAxis(
  operation: string,
  x: TensorBase,
  axis: number,
  indices: TensorBase,
  source: Operand,
  write: (x: Node, positions: Node, rows: Node) => Node,
): Tensor {
  const a = normaliseAxis(operation, axis, x.rank)
  const expected = x.shape.map((d, i) => (i === a ? indices.size : d))
  if (indices.rank !== 1 || (typeof source !== 'number' && !sameShape(source.shape, expected))) {
    const given = typeof source === 'number' ? '' : ` and a source of shape ${showShape(source.shape)}`
    throw new GliaError(
      `${operation}: received indices of shape ${showShape(indices.shape)}${given} for axis ${axis} of ` +
        `${showShape(x.shape)}; the indices must be a vector, the source have x's shape with as many entries along the axis.`,
    )
  }
  return withOperand(operation, [x, indices], source, (s, n, i) => {
    const rows = axisFirst(valueNode(operation, s, n, expected), a)
    return axisBack(write(axisFirst(n, a), checked(i, x.shape[a], operation), rows), a)
  })
}

/** `x` with the entries of `source` along `axis` added at the indices: `[…, n, …]`, `[k]`, `[…, k, …]`. */
export function indexAdd(x: TensorBase, axis: number, indices: TensorBase, source: TensorBase): Tensor {
  return alongAxis('indexAdd', x, axis, indices, source, addRows)
}

/** `x` with the entries of `source` along `axis` (or a number) written at the indices. */
export function indexCopy(x: TensorBase, axis: number, indices: TensorBase, source: Operand): Tensor {
  return alongAxis('indexCopy', x, axis, indices, source, writeRows)
}
