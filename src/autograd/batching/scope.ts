/** @file Turns the graph of one example into the graph of a batch: node by node, inputs before users. */
import { Node, type Primitive } from '../../graph/node.ts'
import { ops } from '../../graph/ops.ts'
import type { BatchRule, Known, Part, Scope } from './rule.ts'
import { batchRules } from './table.ts'

/** A scope for `size` examples in which `known` stands for some nodes. */
export function createScope(size: number, known: ReadonlyMap<Node, Known> = new Map()): Scope {
  const lead = ({ node, batched }: Part): Node =>
    batched ? node : ops.broadcastTo(ops.reshape(node, [1, ...node.shape]), [size, ...node.shape])
  const scope: Scope = {
    size,
    lead,
    fresh: freshScopes(size),
    // What custom gradients refer to beside their arguments belongs to the outer graph, so that is known, too.
    batch: (roots, more) => batchNodes(roots, more.size === 0 ? memory : new Layered(memory, more), scope),
  }
  const memory = new Map<Node, Known>(known)
  return scope
}

/** Closes over the size alone: host functions keep it. */
function freshScopes(size: number): () => Scope {
  return () => createScope(size)
}

/** What is known, with more on top of it. */
class Layered {
  readonly #below: Memory
  readonly #own: Map<Node, Known>

  constructor(below: Memory, own: ReadonlyMap<Node, Known>) {
    this.#below = below
    this.#own = new Map(own)
  }

  get(node: Node): Known | undefined {
    return this.#own.get(node) ?? this.#below.get(node)
  }

  set(node: Node, known: Known): void {
    this.#own.set(node, known)
  }
}

interface Memory {
  get(node: Node): Known | undefined
  set(node: Node, known: Known): void
}

function batchNodes(roots: readonly Node[], memory: Memory, scope: Scope): Part[] {
  const stack: { readonly node: Node; next: number }[] = []
  for (const root of roots) {
    if (!memory.get(root)) stack.push({ node: root, next: 0 })
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const input = top.node.inputs[top.next++]
      if (!input) {
        if (!memory.get(top.node)) memory.set(top.node, batchNode(top.node, memory, scope))
        stack.pop()
      } else if (!memory.get(input)) stack.push({ node: input, next: 0 })
    }
  }
  return roots.map((root) => partOf(root, memory))
}

/** The part that stands for a node; itself, if nothing does. */
function partOf(node: Node, memory: Memory): Part {
  const known = memory.get(node)
  if (known && 'node' in known) return known
  return { node, batched: false }
}

function batchNode(node: Node, memory: Memory, scope: Scope): Known {
  if (node.op === 'output') {
    const whole = memory.get(node.inputs[0])
    if (whole && 'outputs' in whole) return { node: whole.outputs[node.as('output').index], batched: true }
    return { node, batched: false }
  }
  const parts = node.inputs.map((input) => partOf(input, memory))
  if (parts.every((part) => !part.batched)) return { node, batched: false }
  const rule = batchRules[node.op] as BatchRule<Primitive>
  const result = rule(scope, parts, node.attrs, node)
  return result instanceof Node ? { node: result, batched: true } : { outputs: result }
}
