/** @file Reverse mode: walks a graph from its outputs and builds the graph of its gradients. */
import { isFloat } from '../core/dtype.ts'
import { type LoopAttrs, Node, type Primitive, topological } from './node.ts'
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
      list[index] = g
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

/**
 * The gradient of a loop is a loop that runs the other way over the carries that the first one had at each step (so the
 * first is made again with those as further results; a planner computes it once). Gradients of carries are carried,
 * those of xs are stacked, those of invariants are summed.
 */
function loopGradients(
  o: Ops,
  gs: readonly (Node | null | undefined)[],
  node: Node,
  needs: readonly boolean[],
): (Node | null)[] {
  const attrs = node.attrs as LoopAttrs
  const { length, reverse, carries, scanned, params, results } = attrs
  const saved = o
    .loop(node.inputs, { ...attrs, results: [...results, ...params.slice(0, carries)] })
    .slice(results.length)
  const owner = {}
  let count = 0
  const parameter = (like: { shape: readonly number[]; dtype: Node['dtype'] }): Node =>
    new Node('parameter', [], { owner, index: count++ }, like)

  const xs = params.slice(carries, carries + scanned)
  const floats = (list: readonly Node[], from: number): number[] =>
    list.flatMap((p, i) => (isFloat(p.dtype) ? [i + from] : []))
  const carried = floats(params.slice(0, carries), 0)
  const sliced = floats(xs, carries).filter((i) => needs[i])
  const summed = floats(params.slice(carries + scanned), carries + scanned).filter((i) => needs[i])
  const stacked = results.flatMap((r, i) => (i >= carries && isFloat(r.dtype) && gs[i] ? [i] : []))

  const gCarries = carried.map((i) => parameter(params[i]))
  const gSums = summed.map((i) => parameter(params[i]))
  const gYs = stacked.map((i) => parameter(results[i]))
  const seeds: Seed[] = [
    ...carried.map((i, k) => ({ node: results[i], g: gCarries[k] })),
    ...stacked.map((i, k) => ({ node: results[i], g: gYs[k] })),
  ]
  const targets = [...carried, ...summed, ...sliced]
  const back = gradients(
    o,
    seeds,
    targets.map((i) => params[i]),
  )
  const zeroLike = (n: Node): Node => o.full(n.shape, 0, n.dtype)
  const found = back.map((g, k) => g ?? zeroLike(params[targets[k]]))
  const newCarries = found.slice(0, carried.length)
  const newSums = found.slice(carried.length, carried.length + summed.length).map((g, k) => o.add(gSums[k], g))
  const newSlices = found.slice(carried.length + summed.length)

  const outs = o.loop(
    [
      ...carried.map((i) => gs[i] ?? zeroLike(params[i])),
      ...summed.map((i) => zeroLike(params[i])),
      ...saved,
      ...node.inputs.slice(carries, carries + scanned),
      ...stacked.map((i) => gs[i] as Node),
      ...node.inputs.slice(carries + scanned),
    ],
    {
      length,
      reverse: !reverse,
      carries: carried.length + summed.length,
      scanned: carries + scanned + stacked.length,
      params: [...gCarries, ...gSums, ...params.slice(0, carries), ...xs, ...gYs, ...params.slice(carries + scanned)],
      results: [...newCarries, ...newSums, ...newSlices],
    },
  )
  const result = new Array<Node | null>(node.inputs.length).fill(null)
  targets.forEach((i, k) => {
    result[i] = outs[k]
  })
  return result
}
