/** @file Functions of one example, applied to batches of them. */
import { isFloat } from '../core/dtype.ts'
import { GliaError } from '../core/errors.ts'
import { normaliseAxis, showShape } from '../core/shape.ts'
import { Node } from '../graph/node.ts'
import { ops } from '../graph/ops.ts'
import { inputNode, joinHistories, sharedDevice } from '../tensor/apply.ts'
import type { History, TensorBase } from '../tensor/base.ts'
import { inBatch } from '../tensor/random.ts'
import { Tensor } from '../tensor/tensor.ts'
import { whileBatching } from './batching/active.ts'
import type { Known, Scope } from './batching/rule.ts'
import { createScope } from './batching/scope.ts'
import { findLeaves } from './leaves.ts'
import { gradEnabled } from './mode.ts'

/** A tensor, or tensors in arrays and objects. */
export type Tensors = Tensor | readonly Tensors[] | { readonly [name: string]: Tensors }

export interface VmapOptions {
  /** Which axis of each argument counts the examples; null: all share the argument (default 0 for every argument). */
  readonly in?: number | null | readonly (number | null)[]
  /** Where that axis is in the results (default 0). */
  readonly out?: number
  /** Whether random draws differ from example to example (the default) or are the same. */
  readonly randomness?: 'different' | 'same'
}

/**
 * `fn`, written for one example, as a function of batches: JAX's and PyTorch's `vmap`. `fn` runs once, on tensors without
 * the axis of the examples, and every operation it records becomes one on the whole batch; nothing loops.
 *
 * Gradients taken inside are those of each example:
 *
 * ```ts
 * const loss = (x: Tensor, t: Tensor) => crossEntropy(model.forward(x.unsqueeze(0)), t.unsqueeze(0))
 * const perSample = vmap((x: Tensor, t: Tensor) => grad(loss(x, t), model.parameters()))(images, targets)
 * ```
 *
 * `fn` must not read values nor change parameters or running statistics (layers that do must be in evaluation mode). It may
 * contain `scan`, `vmap` and linear algebra. Results that do not depend on a batched argument are repeated.
 *
 * @throws GliaError if no argument has an axis for the examples, or they disagree on how many there are
 */
export function vmap<A extends readonly Tensor[], R extends Tensors>(
  fn: (...args: A) => R,
  options: VmapOptions = {},
): (...args: { [K in keyof A]: TensorBase }) => R {
  return (...args) => {
    const axes = axesOf(args, options)
    const size = sizeOf(args, axes)
    const device = sharedDevice('vmap', args)
    const joined = joinHistories(args)
    const known = new Map<Node, Known>()
    const owner = {}
    const leaf = (index: number, shape: readonly number[], dtype: Node['dtype']): Node =>
      new Node('parameter', [], { owner, index }, { shape, dtype })
    const inside: History = gradEnabled() ? 'live' : joined
    const examples = args.map((t, k) => {
      const node = inputNode(t, joined)
      const axis = axes[k]
      if (axis === null) return new Tensor(node, device, t.history)
      const order = [axis, ...t.shape.map((_, i) => i).filter((i) => i !== axis)]
      const one = leaf(
        k,
        t.shape.filter((_, i) => i !== axis),
        t.dtype,
      )
      known.set(one, { node: ops.permute(node, order), batched: true })
      return new Tensor(one, device, isFloat(t.dtype) ? inside : 'none')
    })
    const position = leaf(args.length, [], 'int32')
    known.set(position, { node: ops.iota(size), batched: true })
    const run = (): R => fn(...(examples as unknown as A))
    const placeholders = new Set(known.keys())
    const result = whileBatching(placeholders, () =>
      options.randomness === 'same' ? run() : inBatch(position, size, run),
    )
    const batch = { scope: createScope(size, known), placeholders, first: args[0], joined, out: options.out ?? 0 }
    return collect(result, batch) as R
  }
}

function axesOf(args: readonly TensorBase[], options: VmapOptions): (number | null)[] {
  const given = options.in === undefined ? 0 : options.in
  if (args.length === 0) throw new GliaError('vmap: the function was called without tensors; it needs at least one.')
  if (Array.isArray(given) && given.length !== args.length) {
    throw new GliaError(`vmap: in lists ${given.length} axes, but the function received ${args.length} tensors.`)
  }
  return args.map((t, k) => {
    const axis = Array.isArray(given) ? (given as readonly (number | null)[])[k] : (given as number | null)
    return axis === null ? null : normaliseAxis(`vmap (argument ${k})`, axis, t.rank)
  })
}

function sizeOf(args: readonly TensorBase[], axes: readonly (number | null)[]): number {
  let size: number | null = null
  args.forEach((t, k) => {
    const axis = axes[k]
    if (axis === null) return
    if (size !== null && size !== t.shape[axis]) {
      throw new GliaError(
        `vmap: argument ${k} of shape ${showShape(t.shape)} has ${t.shape[axis]} examples along axis ${axis}, but those ` +
          `before it have ${size}.`,
      )
    }
    size = t.shape[axis]
  })
  if (size === null) throw new GliaError('vmap: no argument has an axis for the examples; in is null for all of them.')
  return size
}

interface Batch {
  readonly scope: Scope
  readonly placeholders: ReadonlySet<Node>
  /** One of the arguments, which says on which device the results must be. */
  readonly first: TensorBase
  /** What the arguments were computed from. */
  readonly joined: History
  readonly out: number
}

/** The results as batches, in the arrays and objects they came in. */
function collect(result: Tensors, batch: Batch): Tensors {
  if (result instanceof Tensor) return batched(result, batch)
  if (Array.isArray(result)) return result.map((r: Tensors) => collect(r, batch))
  if (result !== null && typeof result === 'object') {
    return Object.fromEntries(Object.entries(result).map(([name, r]) => [name, collect(r as Tensors, batch)]))
  }
  throw new GliaError(
    `vmap: the function returned ${typeof result}; it must return tensors, or arrays or objects of tensors.`,
  )
}

function batched(t: Tensor, { scope, placeholders, first, joined, out }: Batch): Tensor {
  const device = sharedDevice('vmap', [first, t])
  const [part] = scope.batch([t.node], new Map())
  const node = scope.lead(part)
  const axis = normaliseAxis('vmap (out)', out, node.shape.length)
  const order = node.shape.map((_, i) => i).slice(1)
  order.splice(axis, 0, 0)
  return new Tensor(ops.permute(node, order), device, historyOf(t, joined, placeholders))
}

/** Inside, everything counts as live; outside, what was computed from something that is. */
function historyOf(t: Tensor, joined: History, placeholders: ReadonlySet<Node>): History {
  if (t.history !== 'live') return joined === 'none' ? t.history : 'cut'
  if (joined === 'live' || findLeaves([t.node], placeholders).size > 0) return 'live'
  return joined
}
