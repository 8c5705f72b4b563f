/**
 * @file Kernel descriptions: what a kernel computes, independent of the machine. The scheduler makes them; each is
 * lowered to vector programs for a CPU (`lower/`), or to another language by a GPU target.
 */
import type { DType } from '../core/dtype.ts'
import type { Expr, Store } from './expr.ts'
import type { Var } from './index.ts'
import type { VectorProgram } from './vector.ts'

/** A buffer that a kernel reads or writes: argument `i` of the kernel is the address of `buffers[i]`. */
export interface BufferInfo {
  readonly dtype: DType
  /** Elements. */
  readonly size: number
  /** Whether it outgrows the caches, so that what is written need not pass through them. Default false. */
  readonly streamed?: boolean
}

interface KernelBase {
  readonly name: string
  readonly buffers: readonly BufferInfo[]
}

/**
 * Loops over `outer` (independent iterations, divided among threads); inside, the passes one after the other, each
 * looping over its own `inner` variables. A pass may reduce over its inner loops, and later passes use the result:
 * softmax is one nest of three passes. A plain elementwise kernel is one pass with no inner loops.
 */
export interface Nest extends KernelBase {
  readonly kind: 'nest'
  readonly outer: readonly Var[]
  readonly passes: readonly Pass[]
}

export interface Pass {
  readonly inner: readonly Var[]
  readonly reductions: readonly Reduction[]
  /** Done at every inner iteration. A later pass of the same nest may load what was stored, at the same outer iteration. */
  readonly stores: readonly Store[]
}

export interface Reduction {
  /** Unique in the nest; `reduced` expressions name it. */
  readonly id: number
  /** `argmax`/`argmin`: the value of `position` (int32) at the first greatest/least value; NaN counts as such. */
  readonly op: 'sum' | 'prod' | 'max' | 'min' | 'argmax' | 'argmin'
  readonly value: Expr
  readonly position?: Expr
  /**
   * `running`: the stores of this very pass may use the value so far (the present element included); the inner loops
   * then run strictly in order (cumulative sums).
   */
  readonly running?: boolean
}

/** One loop of a contraction with the element strides by which it moves in each operand (0: not indexed by it). */
export interface ContractionDim {
  readonly v: Var
  readonly a: number
  readonly b: number
  /** batch: indexes both operands and the result; m: a and the result; n: b and the result; k: summed. */
  readonly role: 'batch' | 'm' | 'n' | 'k'
}

/**
 * result[batch, m, n] = Σ_k a[…] · b[…] with affine addresses: matrix products and, because two dims may move the same
 * operand (output row and kernel row), convolutions and their gradients. float32.
 */
export interface Contraction extends KernelBase {
  readonly kind: 'contraction'
  readonly dims: readonly ContractionDim[]
  readonly a: { readonly buffer: number; readonly offset: number }
  readonly b: { readonly buffer: number; readonly offset: number }
  /** Epilogue: stores over the batch, m and n variables, whose expressions may use `accumulator`. */
  readonly stores: readonly Store[]
}

/**
 * out[outer, row, inner] = Σ over positions p with indices[p] = row of updates[outer, p, inner], rows without updates 0.
 * Updates are added in the order of p.
 */
export interface Scatter extends KernelBase {
  readonly kind: 'scatter'
  readonly outer: number
  readonly rows: number
  readonly positions: number
  readonly inner: number
  /** Buffers (int32 indices already bound to 0 … rows − 1, all contiguous). */
  readonly indices: number
  readonly updates: number
  readonly out: number
}

export type Kernel = Nest | Contraction | Scatter

/** What a kernel becomes on a CPU: programs run one after the other. */
export interface Lowered {
  readonly calls: readonly LoweredCall[]
  /** Bytes of each scratch buffer that the calls share (packed panels, partial sums). */
  readonly scratch: readonly number[]
}

export interface LoweredCall {
  readonly program: VectorProgram
  /** The program's address parameters in order; begin and end follow them. */
  readonly args: readonly Argument[]
  /** Work units to divide among the threads. */
  readonly units: number
  /** Whether all threads must have finished the call before. */
  readonly after: boolean
}

export type Argument = { readonly buffer: number } | { readonly scratch: number } | { readonly status: true }
