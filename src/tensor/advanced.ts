/** @file Indexing by tensors and masks as PyTorch does it, reading and writing. */
import { GliaError } from '../core/errors.ts'
import { broadcastShapes, sameShape, showShape, sizeOf } from '../core/shape.ts'
import type { Node } from '../graph/node.ts'
import { ops } from '../graph/ops.ts'
import { apply, type Operand, unary } from './apply.ts'
import { TensorBase } from './base.ts'
import { basicIndex, checked, type Index, type Pick, pick } from './indexing.ts'
import { coordinatesOfNonzero, valuesNow } from './now.ts'
import { valueNode, withOperand, writeAt } from './scatter.ts'
import { Tensor } from './tensor.ts'

/**
 * Elements by position, one index per leading axis. Tensors of indices broadcast with each other, and their axes take the
 * place of the axes they index (at the front, when those are not neighbours). A mask stands for the indices of its places.
 */
export function index(x: TensorBase, indices: readonly Index[]): Tensor {
  const { view, tensors } = resolve('index', x, indices)
  if (tensors.length === 0) return view
  return gatherAt(view, tensors)
}

interface Advanced {
  /** What the numbers and ranges leave. */
  readonly view: Tensor
  /** Index tensors and the axes of the view that they index. */
  readonly tensors: readonly { readonly axis: number; readonly at: TensorBase }[]
}

function resolve(operation: string, x: TensorBase, indices: readonly Index[]): Advanced {
  const spread = indices.flatMap((i): Index[] => (isMask(i) ? maskIndices(operation, x, i) : [i]))
  if (spread.length > x.rank) {
    throw new GliaError(
      `${operation}: ${spread.length} indices for a tensor of shape ${showShape(x.shape)}; at most one per axis.`,
    )
  }
  checkMasks(operation, x, indices)
  const basic = spread.map((i) => (i instanceof TensorBase ? null : i))
  const tensors: { axis: number; at: TensorBase }[] = []
  let axis = 0
  for (const i of spread) {
    if (i instanceof TensorBase) tensors.push({ axis, at: i })
    if (typeof i !== 'number') axis++
  }
  return { view: basicIndex(x, basic), tensors }
}

const isMask = (i: Index): i is TensorBase => i instanceof TensorBase && i.dtype === 'bool'

function maskIndices(operation: string, x: TensorBase, mask: TensorBase): Tensor[] {
  const instead = 'Use where or maskedFill instead.'
  const axes = coordinatesOfNonzero(valuesNow(operation, mask, instead), mask.shape)
  return axes.map((at) => new Tensor(ops.data(at, [at.length], 'int32'), x.device))
}

function checkMasks(operation: string, x: TensorBase, indices: readonly Index[]): void {
  let axis = 0
  for (const i of indices) {
    if (isMask(i)) {
      if (i.rank === 0 || !sameShape(i.shape, x.shape.slice(axis, axis + i.rank))) {
        throw new GliaError(
          `${operation}: a mask of shape ${showShape(i.shape)} at axis ${axis} does not fit a tensor of shape ` +
            `${showShape(x.shape)}; its extents must be those of the axes it covers.`,
        )
      }
      axis += i.rank
    } else axis++
  }
}

function gatherAt(view: Tensor, tensors: Advanced['tensors']): Tensor {
  const axes = tensors.map((t) => t.axis)
  const shape = tensors.reduce<readonly number[]>((s, t) => broadcastShapes('index', s, t.at.shape), [])
  const rest = view.shape.map((_, i) => i).filter((i) => !axes.includes(i))
  const extents = axes.map((i) => view.shape[i])
  const restShape = rest.map((i) => view.shape[i])
  return apply('index', [view, ...tensors.map((t) => t.at)], (n, ...at) => {
    let flat: Node = ops.full(shape, 0, 'int32')
    at.forEach((indices, k) => {
      flat = ops.add(ops.mul(flat, extents[k]), checked(indices, extents[k], 'index'))
    })
    const cells = sizeOf(extents)
    const table = ops.reshape(ops.permute(n, [...axes, ...rest]), [cells, ...restShape])
    const taken = ops.gather(table, ops.bound(flat, cells, 'index'), 0)
    const neighbours = axes.every((axis, k) => k === 0 || axis === axes[k - 1] + 1)
    // [indices…, rest…] → the axes of the indices where the first of theirs was.
    const before = neighbours ? axes[0] : 0
    const order = Array.from({ length: before }, (_, i) => shape.length + i)
    for (let i = 0; i < shape.length; i++) order.push(i)
    for (let i = before; i < rest.length; i++) order.push(shape.length + i)
    return ops.permute(taken, order)
  })
}

export interface IndexPutOptions {
  /** Whether values are added to what is there, every one of them, rather than written (default false). */
  readonly accumulate?: boolean
}

/**
 * `x` with `x[indices] = values`: indices as for `index`, values that broadcast to what `index` gives. Of several values
 * for one place the last stays, unless they accumulate.
 */
export function indexPut(
  x: TensorBase,
  indices: readonly Index[],
  values: Operand,
  options: IndexPutOptions = {},
): Tensor {
  const { accumulate = false } = options
  const plain = indices.every((i) => !(i instanceof TensorBase))
  if (plain && !accumulate) return writeRange(x, indices, values)
  const places = unary('indexPut', x, () => ops.reshape(ops.iota(x.size), x.shape)).detach()
  const at = index(places, indices)
  checkValues(values, at.shape)
  return withOperand('indexPut', [x, at], values, (v, n, p) => writeAt('indexPut', n, p, v, accumulate))
}

function checkValues(values: Operand, shape: readonly number[]): void {
  if (typeof values === 'number') return
  if (sameShape(broadcastShapes('indexPut', values.shape, shape), shape)) return
  throw new GliaError(
    `indexPut: values of shape ${showShape(values.shape)} do not broadcast to ${showShape(shape)}, the shape of what is indexed.`,
  )
}

/** Without index tensors no place is written twice: the values are padded to x's shape, and a mask says where they count. */
function writeRange(x: TensorBase, indices: readonly Index[], values: Operand): Tensor {
  const basic = indices.map((i) => (i instanceof TensorBase ? null : i))
  const target = basicIndex(x, basic)
  checkValues(values, target.shape)
  const picks = x.shape.map((extent, axis) => pick(basic[axis] ?? null, extent, axis))
  if (target.size === 0) return unary('indexPut', x, (n) => n)
  return withOperand('indexPut', [x], values, (v, n) => {
    const part = valueNode('indexPut', v, n, target.shape)
    const placed = place(
      ops.reshape(
        part,
        picks.map((p) => p.size),
      ),
      x.shape,
      picks,
    )
    const mask = place(
      ops.full(
        picks.map((p) => p.size),
        1,
        'bool',
      ),
      x.shape,
      picks,
    )
    return ops.select(mask, placed, n)
  })
}

/** The adjoint of a basic index: the elements at their places, zeros elsewhere. */
function place(part: Node, shape: readonly number[], picks: readonly Pick[]): Node {
  const reversed = picks.flatMap((p, axis) => (p.reverse ? [axis] : []))
  return ops.pad(
    ops.flip(part, reversed),
    picks.map((p) => p.start),
    picks.map((p, axis) => shape[axis] - p.start - (p.size - 1) * p.step - 1),
    picks.map((p) => p.step - 1),
  )
}
