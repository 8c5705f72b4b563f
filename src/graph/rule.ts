/**
 * @file What a primitive is made of. One file per family (`primitives/*.ts`) holds its whole meaning: shape rule,
 * gradient rule, reference evaluation. The table in `primitives/table.ts` does not compile with one missing.
 */
import type { DType, TypedArray } from '../core/dtype.ts'
import type { Shape } from '../core/shape.ts'
import type {
  Attrs,
  Aval,
  BinaryOp,
  ConvAttrs,
  HostArray,
  LoopAttrs,
  Node,
  Primitive,
  UnaryOp,
  WindowAttrs,
} from './node.ts'

export interface Rule<P extends Primitive> {
  /** Shape and dtype of the result. @throws GliaError naming the operation, the shapes received and the rule. */
  readonly infer: (inputs: readonly Aval[], attrs: Attrs[P]) => Aval
  /**
   * Gradients with respect to the inputs, given `g` with respect to the result, built from primitives with `o`.
   * null where there is none (integer inputs, piecewise constant functions). `needs[i]` false: input i's is not asked for.
   */
  readonly vjp: (o: Ops, g: Node, node: Node, needs: readonly boolean[]) => readonly (Node | null)[]
  /** Reference evaluation on contiguous host arrays, in the result's own precision: slow, readable, the oracle. */
  readonly evaluate: (inputs: readonly HostArray[], attrs: Attrs[P], out: Aval) => TypedArray
}

export type Rules = { readonly [P in Primitive]: Rule<P> }

/** A node, or a number that becomes a constant of the other operand's dtype. */
export type Operand = Node | number

/**
 * Builds nodes: one method per primitive, plus the few compositions that gradient rules share. Binary operations
 * broadcast and promote; everything checks its arguments through `infer`.
 */
export interface Ops extends Record<UnaryOp, (x: Node) => Node>, Record<BinaryOp, (a: Operand, b: Operand) => Node> {
  constant(value: number, dtype: DType): Node
  data(values: TypedArray, shape: Shape, dtype?: DType): Node
  /** `value` in every element. */
  full(shape: Shape, value: number, dtype: DType): Node
  iota(size: number): Node
  select(condition: Node, a: Operand, b: Operand): Node
  cast(x: Node, dtype: DType): Node
  bound(indices: Node, size: number, operation: string): Node
  random(key: Node, counter: Node): Node
  reshape(x: Node, shape: Shape): Node
  permute(x: Node, order: readonly number[]): Node
  /** Swaps the last two axes. */
  transpose(x: Node): Node
  /** Broadcasts to `shape` by NumPy's rule (reshape, then expand). */
  broadcastTo(x: Node, shape: Shape): Node
  slice(x: Node, start: readonly number[], size: readonly number[], step?: readonly number[]): Node
  pad(x: Node, lo: readonly number[], hi: readonly number[], interior?: readonly number[], value?: number): Node
  concat(xs: readonly Node[], axis: number): Node
  flip(x: Node, axes: readonly number[]): Node
  /** `keep`: the reduced axes stay with extent 1. */
  reduceSum(x: Node, axes: readonly number[], keep?: boolean): Node
  reduceProd(x: Node, axes: readonly number[], keep?: boolean): Node
  reduceMax(x: Node, axes: readonly number[], keep?: boolean): Node
  reduceMin(x: Node, axes: readonly number[], keep?: boolean): Node
  /** Sums `x` over the axes along which `shape` was broadcast to get x's shape. */
  sumTo(x: Node, shape: Shape): Node
  argmax(x: Node, axis: number): Node
  argmin(x: Node, axis: number): Node
  cumsum(x: Node, axis: number, reverse?: boolean): Node
  cumprod(x: Node, axis: number, reverse?: boolean): Node
  matmul(a: Node, b: Node): Node
  conv(x: Node, w: Node, attrs: ConvAttrs): Node
  windowSum(x: Node, attrs: WindowAttrs): Node
  windowMax(x: Node, attrs: WindowAttrs): Node
  windowArgmax(x: Node, attrs: WindowAttrs): Node
  gather(x: Node, indices: Node, axis: number): Node
  scatterAdd(indices: Node, updates: Node, axis: number, size: number): Node
  argsort(x: Node, axis: number, descending: boolean): Node
  alias(inputs: readonly Node[], attrs: Attrs['alias']): Node
  loop(inputs: readonly Node[], attrs: LoopAttrs): Node[]
  hostCall(inputs: readonly Node[], attrs: Attrs['hostCall']): Node[]
}
