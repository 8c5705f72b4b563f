/**
 * @file Loops whose body is recorded once: recurrences as long as they like, in one small graph. What the body uses from
 * outside becomes an input of the loop.
 */
import { findLeaves } from '../autograd/leaves.ts'
import { gradEnabled } from '../autograd/mode.ts'
import { isFloat } from '../core/dtype.ts'
import { GliaError } from '../core/errors.ts'
import { sameShape, showShape } from '../core/shape.ts'
import { Node } from '../graph/node.ts'
import { ops } from '../graph/ops.ts'
import { defaultDevice } from '../plan/device.ts'
import { inputNode, joinHistories, sharedDevice } from './apply.ts'
import type { History, TensorBase } from './base.ts'
import { inLoop } from './random.ts'
import { Tensor } from './tensor.ts'

export interface ScanOptions {
  /** Whether to go from the last entry to the first (default false). Results are stacked at their entry's place. */
  readonly reverse?: boolean
  /** Number of iterations, needed when there are no `xs`. */
  readonly length?: number
}

export interface ScanResult {
  /** What the last iteration handed on. */
  readonly carry: Tensor[]
  /** What every iteration put out, stacked: `[length, …]`. */
  readonly ys: Tensor[]
}

/** One iteration: from what is carried and this iteration's slices, the new carry and what to stack. */
export type ScanBody = (
  carry: Tensor[],
  slices: Tensor[],
) => { readonly carry: readonly TensorBase[]; readonly ys?: readonly TensorBase[] }

/**
 * `for t in 0 … length − 1: (carry, ys[t]) = body(carry, xs[t])`, differentiable. JAX's `lax.scan`.
 *
 * The body runs once, to be recorded: it must not look at values or count iterations. Random draws (dropout) differ from
 * iteration to iteration.
 *
 * ```ts
 * const { ys } = scan(([h], [x]) => { const next = cell(x, h); return { carry: [next], ys: [next] } }, [h0], [sequence])
 * ```
 *
 * @param init what the first iteration gets; every iteration must hand on the same shapes and dtypes
 * @param xs tensors `[length, …]`; iteration t gets their slices `[…]`
 * @throws GliaError if lengths differ or the carry changes its shape or dtype
 */
export function scan(
  body: ScanBody,
  init: readonly TensorBase[],
  xs: readonly TensorBase[],
  options: ScanOptions = {},
): ScanResult {
  const length = lengthOf(xs, options.length)
  const inputs = [...init, ...xs]
  const device = inputs.length > 0 ? sharedDevice('scan', inputs) : defaultDevice()
  const first = new Node('constant', [], { value: 0 }, { shape: [], dtype: 'float32' }).id
  const owner = {}
  const leaf = (index: number, shape: readonly number[], dtype: Node['dtype']): Node =>
    new Node('parameter', [], { owner, index }, { shape, dtype })
  const slots = [
    ...init.map((t, k) => leaf(k, t.shape, t.dtype)),
    ...xs.map((t, k) => leaf(init.length + k, t.shape.slice(1), t.dtype)),
  ]
  const position = leaf(slots.length, [], 'int32')
  // Whatever starts unrelated to a leaf may meet one later, so inside everything counts as live.
  const inside: History = gradEnabled() ? 'live' : joinHistories(inputs)
  const bodyArgs = slots.map((n) => new Tensor(n, device, isFloat(n.dtype) ? inside : 'none'))
  const out = inLoop(position, length, () => body(bodyArgs.slice(0, init.length), bodyArgs.slice(init.length)))
  checkCarry(init, out.carry)
  sharedDevice('scan', [...inputs, ...out.carry, ...(out.ys ?? [])])
  const results = [...out.carry, ...(out.ys ?? [])].map((t) => t.node)

  const closed = closeOver(results, [...slots, position], first, (index, n) => leaf(index, n.shape, n.dtype))
  const counted = closed.used.has(position)
  const history = joinOutside(inputs, closed.captured)
  const nodes = ops.loop(
    [...inputs.map((t) => inputNode(t, history)), ...(counted ? [ops.iota(length)] : []), ...closed.captured],
    {
      length,
      reverse: options.reverse ?? false,
      carries: init.length,
      scanned: xs.length + (counted ? 1 : 0),
      params: [...slots, ...(counted ? [position] : []), ...closed.params],
      results: closed.results,
    },
  )
  const tensors = nodes.map((n) => new Tensor(n, device, isFloat(n.dtype) || history !== 'live' ? history : 'cut'))
  return { carry: tensors.slice(0, init.length), ys: tensors.slice(init.length) }
}

function lengthOf(xs: readonly TensorBase[], given: number | undefined): number {
  const length = given ?? xs[0]?.shape[0]
  if (length === undefined) throw new GliaError('scan: give xs with at least one axis, or options.length.')
  for (const x of xs) {
    if (x.shape[0] !== length) {
      throw new GliaError(
        `scan: xs must all have ${length} entries along axis 0; received shape ${showShape(x.shape)}.`,
      )
    }
  }
  return length
}

function checkCarry(init: readonly TensorBase[], carry: readonly TensorBase[]): void {
  if (carry.length !== init.length) {
    throw new GliaError(`scan: the body handed on ${carry.length} tensors but received ${init.length}.`)
  }
  init.forEach((t, k) => {
    const c = carry[k]
    if (sameShape(c.shape, t.shape) && c.dtype === t.dtype) return
    throw new GliaError(
      `scan: carry ${k} went in as ${t.dtype} ${showShape(t.shape)} and came out as ${c.dtype} ${showShape(c.shape)}; they must agree.`,
    )
  })
}

function joinOutside(inputs: readonly TensorBase[], captured: readonly Node[]): History {
  const history = joinHistories(inputs)
  if (history === 'live') return 'live'
  return gradEnabled() && findLeaves(captured).size > 0 ? 'live' : 'cut'
}

interface Closed {
  readonly results: Node[]
  /** Nodes of the outside that the body uses, and the leaves that stand for them. */
  readonly captured: Node[]
  readonly params: Node[]
  /** The slots that the results depend on. */
  readonly used: ReadonlySet<Node>
}

/**
 * Rewrites the body so that it depends on leaves alone. Nodes made before `first`, and those made in the body that do not
 * depend on a slot, are computed outside, once.
 */
function closeOver(
  roots: readonly Node[],
  slots: readonly Node[],
  first: number,
  newLeaf: (index: number, of: Node) => Node,
): Closed {
  const varies = new Map<Node, boolean>(slots.map((s) => [s, true]))
  const used = new Set<Node>()
  const order: Node[] = []
  visit(
    roots,
    (node) => (node.id < first ? [] : node.inputs),
    (node) => {
      order.push(node)
      if (slots.includes(node)) used.add(node)
      else varies.set(node, node.id > first && node.inputs.some((input) => varies.get(input)))
    },
  )
  const captured: Node[] = []
  const params: Node[] = []
  const renamed = new Map<Node, Node>(slots.map((s) => [s, s]))
  const inner = (node: Node): Node => {
    let n = renamed.get(node)
    if (!n) {
      n = isFree(node) ? node : newLeaf(slots.length + captured.length, node)
      if (n !== node) {
        captured.push(node)
        params.push(n)
      }
      renamed.set(node, n)
    }
    return n
  }
  for (const node of order) {
    if (!varies.get(node) || renamed.has(node)) continue
    const copy = new Node(node.op, node.inputs.map(inner), node.attrs, node)
    copy.origin = node.origin
    renamed.set(node, copy)
  }
  return { results: roots.map(inner), captured, params, used }
}

/** Constants and counters stay in the body, where they cost nothing. */
function isFree(node: Node): boolean {
  if (node.op === 'constant' || node.op === 'iota') return true
  return (node.op === 'expand' || node.op === 'reshape') && isFree(node.inputs[0])
}

/** Depth first, inputs before users, without recursion. */
function visit(roots: readonly Node[], inputsOf: (n: Node) => readonly Node[], done: (n: Node) => void): void {
  const seen = new Set<Node>()
  const stack: { readonly node: Node; next: number }[] = []
  for (const root of roots) {
    if (!seen.has(root)) stack.push({ node: root, next: 0 })
    seen.add(root)
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const input = inputsOf(top.node)[top.next++]
      if (!input) {
        done(top.node)
        stack.pop()
      } else if (!seen.has(input)) {
        seen.add(input)
        stack.push({ node: input, next: 0 })
      }
    }
  }
}
