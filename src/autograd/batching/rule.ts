/**
 * @file What a batching rule is: how a primitive, written for one example, is applied to a batch of them at once. A batch is
 * a node with a new first axis; operands that are the same for all examples stay as they are.
 */
import type { Attrs, Node, Primitive } from '../../graph/node.ts'

/** An operand or result. */
export interface Part {
  readonly node: Node
  /** Whether its first axis counts examples. */
  readonly batched: boolean
}

export interface Scope {
  /** Number of examples. */
  readonly size: number
  /** The part with an axis for the examples, along which it is repeated if it has none. */
  lead(part: Part): Node
  /** Another scope of this size, which knows nothing yet. */
  readonly fresh: () => Scope
  /**
   * Nodes written for one example, as batches. `known` says what stands for some of the nodes that they are made of; the
   * others are looked up or made.
   */
  batch(roots: readonly Node[], known: ReadonlyMap<Node, Known>): Part[]
}

/** What stands for a node: a part, or the batches of the results of a loop or host function. */
export type Known = Part | { readonly outputs: readonly Node[] }

/** Called when at least one operand is a batch. The result is a batch; of loops and host functions, every result is. */
export type BatchRule<P extends Primitive> = (
  scope: Scope,
  parts: readonly Part[],
  attrs: Attrs[P],
  node: Node,
) => Node | readonly Node[]

export type BatchRules = { readonly [P in Primitive]: BatchRule<P> }
