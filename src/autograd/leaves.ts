/**
 * @file Leaves: the nodes at which differentiation ends, each with the tensor whose `grad` it feeds. A parameter has a
 * leaf per version of its value, so that a loss finds the parameter it was computed from even after an update.
 */
import { GliaError } from '../core/errors.ts'
import type { Node } from '../graph/node.ts'
import { ops } from '../graph/ops.ts'
import type { TensorBase } from '../tensor/base.ts'

const owners = new WeakMap<Node, TensorBase>()
const released = new WeakSet<Node>()

/** Makes `node` a leaf of `tensor`. */
export function registerLeaf(node: Node, tensor: TensorBase): void {
  if (owners.get(node) !== tensor) owners.set(node, tensor)
}

/** Notes that the graph below `node` was let go after backward, so that a second backward can say so. */
export function markReleased(node: Node): void {
  released.add(node)
}

/** The same values, but gradients do not flow through. */
export function barrier(node: Node): Node {
  return ops.alias([node], { vjp: () => [], name: 'detach' })
}

/** A fresh node with the same values, cut off from the history of `node`. */
export function freshLeaf(node: Node): Node {
  return node.op === 'data' ? ops.data(node.as('data').values, node.shape, node.dtype) : barrier(node)
}

/**
 * The leaves that `roots` were computed from and that require a gradient, with their tensors.
 * @throws GliaError if part of the way to them was let go
 */
export function findLeaves(roots: readonly Node[], stops: ReadonlySet<Node> = new Set()): Map<Node, TensorBase> {
  const found = new Map<Node, TensorBase>()
  const seen = new Set<Node>(stops)
  const stack = [...roots]
  while (stack.length > 0) {
    const node = stack.pop() as Node
    if (seen.has(node)) continue
    seen.add(node)
    if (released.has(node)) {
      throw new GliaError(
        'backward: part of this graph was let go by an earlier backward and optimizer step. Add the losses and call ' +
          'backward once, or call backward with { retainGraph: true } the first time.',
      )
    }
    const tensor = owners.get(node)
    if (tensor) {
      if (tensor.requiresGrad) found.set(node, tensor)
    } else for (const input of sources(node)) stack.push(input)
  }
  return found
}

/** The inputs that gradients flow to: an alias with a gradient of its own takes the first one as a value only. */
function sources(node: Node): readonly Node[] {
  return node.op === 'alias' && node.as('alias').vjp !== null ? node.inputs.slice(1) : node.inputs
}
