/**
 * @file The graph's only data structure: a node is a primitive applied to other nodes. Shape and dtype are inferred
 * when it is made, so that a mistake throws at the user's own line. Nodes own no memory but for `data` leaves.
 */
import type { DType, TypedArray } from '../core/dtype.ts'
import type { Shape } from '../core/shape.ts'
import type { BinaryOp, UnaryOp } from '../kernels/names.ts'
import type { Cell } from './cell.ts'

export type { BinaryOp, UnaryOp }

export interface ConvAttrs {
  /** Per spatial axis. */
  readonly stride: readonly number[]
  /** Zeros added before and after each spatial axis; may be negative (cropping). */
  readonly padLo: readonly number[]
  readonly padHi: readonly number[]
  /** Zeros between input elements (dilation − 1 of them): what a transposed convolution strides by. */
  readonly inputDilation: readonly number[]
  readonly kernelDilation: readonly number[]
  readonly groups: number
}

export interface WindowAttrs {
  /** Extents of the window over the last `window.length` axes. */
  readonly window: readonly number[]
  readonly stride: readonly number[]
  /** Padding by the reduction's identity (0 or −∞). */
  readonly padLo: readonly number[]
  readonly padHi: readonly number[]
  readonly dilation: readonly number[]
}

/** The body of a `loop`: a graph over `parameter` leaves. */
export interface LoopAttrs {
  readonly length: number
  /** Whether iterations run from length − 1 down to 0 (xs are read and ys written at that index). */
  readonly reverse: boolean
  /** How many of the inputs are carries, then how many are scanned xs; the rest are invariants. */
  readonly carries: number
  readonly scanned: number
  /** Parameters of the body: carries, one slice of each xs, invariants, in the order of the inputs. */
  readonly params: readonly Node[]
  /** Results of the body: new carries, then the slices of ys. */
  readonly results: readonly Node[]
}

/** The gradient of a custom function: `(g, node) =>` one gradient per input of `alias` after the first. */
export type CustomVjp = (g: Node, node: Node) => readonly (Node | null)[]

/** A function on the host that a plan stops for: linear algebra, FFT, sorting with a comparator … */
export interface HostFunction {
  readonly name: string
  readonly run: (inputs: readonly HostArray[], outputs: readonly HostArray[]) => void
  readonly vjp?: (g: readonly (Node | null)[], node: Node) => readonly (Node | null)[]
}

/** A contiguous row-major array on the host. */
export interface HostArray {
  readonly data: TypedArray
  readonly shape: Shape
  readonly dtype: DType
}

type None = Record<never, never>

/** Every primitive and the attributes it takes. This is the closed set: everything else is composed from it. */
export interface Attrs extends Record<UnaryOp, None>, Record<BinaryOp, None> {
  // Leaves
  /** Values on the host. */
  data: { readonly values: TypedArray }
  /** One number, shape `[]`. Its value is a plan argument, not part of a plan's structure. */
  constant: { readonly value: number }
  /** The value of a cell that lives in a device's memory, at one version. */
  cell: { readonly cell: Cell; readonly version: number }
  /** An argument of a traced function or a loop body. */
  parameter: { readonly owner: object; readonly index: number }
  /** 0, 1, … size − 1 as int32 `[size]`. */
  iota: { readonly size: number }
  // Elementwise, beside UnaryOp and BinaryOp
  /** (condition: bool, a, b) → a where condition, else b. */
  select: None
  cast: { readonly dtype: DType }
  /** int32 indices that must lie in [−size, size); negative ones count from the end. Outside: the run fails. */
  bound: { readonly size: number; readonly operation: string }
  /** (key: int32 [2], counter: int32) → random bits (int32) of the counter's shape: Threefry-2x32, first word of (counter, 0). */
  random: None
  // Movement: views, no copies
  reshape: { readonly shape: Shape }
  /** Output axis i is input axis `order[i]`. */
  permute: { readonly order: readonly number[] }
  /** Axes of extent 1 repeated to `shape` (same rank). */
  expand: { readonly shape: Shape }
  /** `start`, `start + step`, … `size` elements, per axis; step > 0. */
  slice: { readonly start: readonly number[]; readonly size: readonly number[]; readonly step: readonly number[] }
  /** `lo`/`hi` elements added per axis (negative: cropped), `interior` between neighbours, all equal to `value`. */
  pad: {
    readonly lo: readonly number[]
    readonly hi: readonly number[]
    readonly interior: readonly number[]
    readonly value: number
  }
  concat: { readonly axis: number }
  flip: { readonly axes: readonly number[] }
  // Reductions: the axes disappear from the shape
  reduceSum: { readonly axes: readonly number[] }
  reduceProd: { readonly axes: readonly number[] }
  /** NaN if any element is NaN. Over no elements: −∞ (or the least integer). */
  reduceMax: { readonly axes: readonly number[] }
  reduceMin: { readonly axes: readonly number[] }
  /** int32 position of the first greatest (least) element; NaN counts as the greatest (least). */
  argmax: { readonly axis: number }
  argmin: { readonly axis: number }
  /** Running sum or product along an axis, the element itself included. */
  cumsum: { readonly axis: number; readonly reverse: boolean }
  cumprod: { readonly axis: number; readonly reverse: boolean }
  // Contractions
  /** `[…, M, K] × […, K, N] → […, M, N]`, equal leading axes. */
  matmul: None
  /** Correlation: `[B, C, …] × [O, C/groups, …] → [B, O, …]`. */
  conv: ConvAttrs
  // Windows over the last axes
  windowSum: WindowAttrs
  windowMax: WindowAttrs
  /** int32 position of the first greatest element, counted row-major over the input's windowed axes (unpadded). */
  windowArgmax: WindowAttrs
  // Data-dependent addresses. Indices must have passed `bound`.
  /** x `[…, n at axis, …]`, indices I → `[… I …]`: the axis is replaced by the shape of the indices. */
  gather: { readonly axis: number }
  /** (indices I, updates `[… I …]`) → zeros `[…, size at axis, …]` with every update added at its index. */
  scatterAdd: { readonly axis: number; readonly size: number }
  /** int32 order that sorts along an axis; stable; NaN last (first when descending). */
  argsort: { readonly axis: number; readonly descending: boolean }
  // Control
  /** The first input, unchanged; the others are dependencies (custom gradients, checkpoints). */
  alias: { readonly vjp: CustomVjp | null; readonly name: string }
  loop: LoopAttrs
  /** Output `index` of a `loop` or `hostCall`. */
  output: { readonly index: number }
  hostCall: { readonly fn: HostFunction; readonly outputs: readonly Aval[] }
}

export type Primitive = keyof Attrs

/** Abstract value: what is known of an array before it is computed. */
export interface Aval {
  readonly shape: Shape
  readonly dtype: DType
}

let nextId = 0

/**
 * One application of a primitive. Only the engine changes a node, and only from `unrealised` to `data` (`become`), so
 * that a computed graph lets go of its inputs.
 */
export class Node implements Aval {
  readonly id: number = nextId++
  op: Primitive
  attrs: Attrs[Primitive]
  inputs: readonly Node[]
  readonly shape: Shape
  readonly dtype: DType
  /** Module path and user's call site, for messages and `explain`. */
  origin: Origin | null = null

  constructor(op: Primitive, inputs: readonly Node[], attrs: Attrs[Primitive], aval: Aval) {
    this.op = op
    this.inputs = inputs
    this.attrs = attrs
    this.shape = aval.shape
    this.dtype = aval.dtype
  }

  /** The attributes, where the caller knows the primitive. */
  as<P extends Primitive>(op: P): Attrs[P] {
    if (this.op !== op) throw new Error(`internal: node is ${this.op}, not ${op}`)
    return this.attrs as Attrs[P]
  }

  /** Turns a computed node into a leaf that holds its values. */
  become(values: TypedArray): void {
    this.op = 'data'
    this.inputs = []
    this.attrs = { values }
  }
}

export interface Origin {
  /** Path of the module whose forward made the node, such as `features.0`. */
  readonly module: string
  /** File and line of the user's call, captured only in debug mode. */
  readonly site: string
}

/** Nodes below `roots`, inputs before users. Loop bodies are not entered. Iterative: graphs may be deep. */
export function topological(roots: readonly Node[]): Node[] {
  const order: Node[] = []
  const seen = new Set<Node>()
  const stack: { node: Node; next: number }[] = []
  for (const root of roots) {
    if (seen.has(root)) continue
    seen.add(root)
    stack.push({ node: root, next: 0 })
    while (stack.length > 0) {
      const top = stack[stack.length - 1]
      if (top.next < top.node.inputs.length) {
        const input = top.node.inputs[top.next++]
        if (!seen.has(input)) {
          seen.add(input)
          stack.push({ node: input, next: 0 })
        }
      } else {
        order.push(top.node)
        stack.pop()
      }
    }
  }
  return order
}
