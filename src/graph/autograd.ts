/** @file Reverse mode: walks a graph from its outputs and builds the graph of its gradients. */
import { isFloat } from '../core/dtype.ts'
import { loopGradients } from './loop-gradients.ts'
import { type Node, type Primitive, topological } from './node.ts'
import { rules } from './primitives/table.ts'
import type { Ops, Rule } from './rule.ts'

/** A node and the gradient that arrives at it. */
export interface Seed {
  readonly node: Node
  readonly g: Node
}

/** Gradients with respect to `wrt`; null where the outputs do not depend on it. */
export function gradients(o: Ops, outputs: readonly Seed[], wrt: readonly Node[]): (Node | null)[] {
  const order = topological(outputs.map((s) => s.node))
  const wanted = new Set(wrt)
  const depends = new Set<Node>()
  for (const n of order) if (wanted.has(n) || n.inputs.some((i) => depends.has(i))) depends.add(n)

  const totals = new Map<Node, Node>()
  /** Gradients of the several results of loops and host calls. */
  const several = new Map<Node, (Node | null)[]>()
  const give = (n: Node, g: Node | null): void => {
    if (!g || !depends.has(n)) return
    const sum = totals.get(n)
    totals.set(n, sum ? o.add(sum, g) : g)
  }
  for (const { node, g } of outputs) give(node, g)
  for (let i = order.length - 1; i >= 0; i--) {
    const n = order[i]
    if (!depends.has(n)) continue
    const needs = n.inputs.map((x) => depends.has(x) && isFloat(x.dtype))
    const parts = several.get(n)
    const g = totals.get(n)
    if (parts) {
      const back =
        n.op === 'loop' ? loopGradients(o, parts, n, needs) : (n.as('hostCall').fn.vjp?.(parts, n) ?? noGradient(n))
      n.inputs.forEach((x, k) => {
        if (needs[k]) give(x, back[k] ?? null)
      })
    } else if (g && n.op === 'output') {
      const whole = n.inputs[0]
      const { index } = n.as('output')
      const list = several.get(whole) ?? []
      const sum = list[index]
      list[index] = sum ? o.add(sum, g) : g
      several.set(whole, list)
    } else if (g && n.inputs.length > 0) {
      const rule = rules[n.op] as Rule<Primitive>
      const back = rule.vjp(o, g, n, needs)
      n.inputs.forEach((x, k) => {
        if (needs[k]) give(x, back[k] ?? null)
      })
    }
  }
  return wrt.map((n) => totals.get(n) ?? null)
}

function noGradient(n: Node): never {
  throw new Error(`${n.as('hostCall').fn.name} has no gradient.`)
}
