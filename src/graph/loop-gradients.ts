/**
 * @file The gradient of a loop: a loop that runs the other way. It carries the gradients of the carries, stacks those of
 * the slices, and sums those of the invariants. What its body needs of the forward body is either computed again (cheap
 * elementwise functions) or kept by the forward loop as a further result (products, reductions, exponentials).
 */
import { isFloat } from '../core/dtype.ts'
import { gradients, type Seed } from './autograd.ts'
import { type Aval, type LoopAttrs, Node, type Primitive, topological } from './node.ts'
import type { Ops } from './rule.ts'
import { deferred } from './summed.ts'

/**
 * Results of each loop body: the body's own, then what gradients have asked for so far. Every loop made again extends the
 * same list, so that of two loops with the same inputs one begins with the results of the other, and a planner runs one.
 */
const extended = new WeakMap<readonly Node[], Node[]>()

export function loopGradients(
  o: Ops,
  gs: readonly (Node | null | undefined)[],
  node: Node,
  needs: readonly boolean[],
): (Node | null)[] {
  const attrs = node.as('loop')
  const { length, reverse, carries, scanned, params, results } = attrs
  const found = new Array<Node | null>(node.inputs.length).fill(null)
  const carried = movingCarries(attrs, gs, needs)
  const stacked = results.flatMap((r, i) => (i >= carries && isFloat(r.dtype) && gs[i] ? [i] : []))

  const parameter = parameters()
  const gCarries = carried.map((i) => parameter(params[i]))
  const gYs = stacked.map((i) => parameter(results[i]))
  const seeds: Seed[] = [
    ...carried.map((i, k) => ({ node: results[i], g: gCarries[k] })),
    ...stacked.map((i, k) => ({ node: results[i], g: gYs[k] })),
  ]
  const others = params.flatMap((p, i) => (i >= carries && needs[i] && isFloat(p.dtype) ? [i] : []))
  const targets = [...carried, ...others]
  const back = gradients(
    o,
    seeds,
    targets.map((i) => params[i]),
  )
  const newCarries = carried.map((i, k) => back[k] ?? o.full(params[i].shape, 0, params[i].dtype))
  const reached = others.flatMap((i, k) => {
    const g = back[carried.length + k]
    return g ? [{ i, g }] : []
  })
  const slices = reached.filter(({ i }) => i < carries + scanned)
  const wholes = reached.filter(({ i }) => i >= carries + scanned)
  const splits = deferred(
    o,
    wholes.map((s) => s.g),
    [...params.slice(0, carries + scanned), ...gYs, ...slices.map((s) => s.g)],
  )
  const sums = wholes.map(({ i }, k) => ({ i, ...splits[k] }))
  const added = sums
    .filter((s) => s.rest !== null)
    .map(({ i, rest }) => ({ i, g: rest as Node, sum: parameter(params[i]) }))
  const emitted = [...new Set(sums.flatMap((s) => s.parts.flatMap((p) => p.values)))]

  // What the body needs: parameters of the forward body, and values that the forward loop keeps.
  const roots = [...newCarries, ...added.map((a) => a.g), ...slices.map((s) => s.g), ...emitted]
  const forward = new Set(topological(results))
  const { saved, used } = needed(roots, forward, new Set(emitted))
  const keep = [...saved, ...used.filter((p) => params.indexOf(p) < carries)]
  const stacks = keptBy(o, node, keep)
  const renamed = new Map<Node, Node>(saved.map((n) => [n, parameter(n)]))
  const inside = (n: Node): Node => renamed.get(n) ?? n
  const usedSlices = used.filter((p) => {
    const i = params.indexOf(p)
    return i >= carries && i < carries + scanned
  })
  const usedWhole = used.filter((p) => params.indexOf(p) >= carries + scanned)
  const outer = (p: Node): Node => node.inputs[params.indexOf(p)]

  const scannedParams = [...keep.map(inside), ...usedSlices, ...gYs]
  const scannedInputs = [...stacks, ...usedSlices.map(outer), ...stacked.map((i) => gs[i] as Node)]
  const bodyCarries = [...newCarries, ...added.map(({ g, sum }) => o.add(sum, g))]
  const bodyYs = [...new Set([...slices.map((s) => s.g), ...emitted])].filter((n) => !scannedParams.includes(inside(n)))
  const body = substitute([...bodyCarries, ...bodyYs], renamed)
  const outs = o.loop(
    [
      ...carried.map((i) => gs[i] ?? o.full(params[i].shape, 0, params[i].dtype)),
      ...added.map(({ i }) => o.full(params[i].shape, 0, params[i].dtype)),
      ...scannedInputs,
      ...usedWhole.map(outer),
    ],
    {
      length,
      reverse: !reverse,
      carries: bodyCarries.length,
      scanned: scannedParams.length,
      params: [...gCarries, ...added.map((a) => a.sum), ...scannedParams, ...usedWhole],
      results: body,
    },
  )

  carried.forEach((i, k) => {
    found[i] = outs[k]
  })
  /** All values that `n` of the body takes, stacked. */
  const stackOf = (n: Node): Node => {
    const k = scannedParams.indexOf(inside(n))
    return k >= 0 ? scannedInputs[k] : outs[bodyCarries.length + bodyYs.indexOf(n)]
  }
  slices.forEach(({ i, g }) => {
    found[i] = stackOf(g)
  })
  sums.forEach(({ i, parts }) => {
    const k = added.findIndex((a) => a.i === i)
    const terms = parts.map((part) => part.sum(part.values.map(stackOf)))
    if (k >= 0) terms.push(outs[carried.length + k])
    found[i] = terms.reduce((a, b) => o.add(a, b))
  })
  return found
}

function parameters(): (like: Aval) => Node {
  const owner = {}
  let index = 0
  return (like) => new Node('parameter', [], { owner, index: index++ }, like)
}

/** The float carries through which a gradient passes: those that depend on an input in question and reach a gradient. */
function movingCarries(
  { carries, params, results }: LoopAttrs,
  gs: readonly (Node | null | undefined)[],
  needs: readonly boolean[],
): number[] {
  const order = topological(results)
  const floats = Array.from({ length: carries }, (_, i) => i).filter((i) => isFloat(params[i].dtype))
  const sources = new Set(params.filter((_, i) => needs[i]))
  for (let before = -1; before !== sources.size; ) {
    before = sources.size
    const depends = new Set<Node>(sources)
    for (const n of order) if (n.inputs.some((x) => depends.has(x))) depends.add(n)
    for (const i of floats) if (depends.has(results[i])) sources.add(params[i])
  }
  const ends = new Set(results.filter((_, i) => gs[i]))
  for (let before = -1; before !== ends.size; ) {
    before = ends.size
    const reaching = new Set(topological([...ends]))
    for (const i of floats) if (reaching.has(params[i])) ends.add(results[i])
  }
  const reaching = new Set(topological([...ends]))
  return floats.filter((i) => sources.has(params[i]) && (gs[i] || reaching.has(params[i])))
}

/** Costly enough to be kept rather than computed again. */
const costly: ReadonlySet<Primitive> = new Set<Primitive>([
  ...(['exp', 'expm1', 'log', 'log1p', 'sin', 'cos', 'atan', 'tanh', 'erf', 'sigmoid', 'pow'] as const),
  ...(['reduceSum', 'reduceProd', 'reduceMax', 'reduceMin', 'argmax', 'argmin', 'cumsum', 'cumprod'] as const),
  ...(['matmul', 'conv', 'windowSum', 'windowMax', 'windowArgmax'] as const),
  ...(['gather', 'scatterAdd', 'argsort', 'output'] as const),
])

/**
 * What `roots` take from the forward body: its parameters, and values to keep (the costly ones, and those in `always`).
 */
function needed(
  roots: readonly Node[],
  forward: ReadonlySet<Node>,
  always: ReadonlySet<Node>,
): { saved: Node[]; used: Node[] } {
  const saved: Node[] = []
  const used: Node[] = []
  const seen = new Set<Node>()
  const stack = [...roots]
  for (let n = stack.pop(); n; n = stack.pop()) {
    if (seen.has(n)) continue
    seen.add(n)
    if (n.op === 'parameter') {
      if (forward.has(n)) used.push(n)
    } else if (forward.has(n) && n.inputs.length > 0 && (costly.has(n.op) || always.has(n))) saved.push(n)
    else stack.push(...n.inputs)
  }
  return { saved, used }
}

/** What values of the body were at every iteration, from the loop itself or from one with further results. */
function keptBy(o: Ops, node: Node, values: readonly Node[]): Node[] {
  if (values.length === 0) return []
  const attrs = node.as('loop')
  const all = extended.get(attrs.params) ?? [...attrs.results]
  extended.set(attrs.params, all)
  const places = values.map((v) => {
    const k = all.indexOf(v, attrs.carries)
    return k >= 0 ? k : all.push(v) - 1
  })
  const outs = o.loop(node.inputs, { ...attrs, results: [...all] })
  return places.map((k) => outs[k])
}

/** The graphs of `roots` with some nodes replaced. */
function substitute(roots: readonly Node[], renamed: Map<Node, Node>): Node[] {
  if (renamed.size === 0) return [...roots]
  const done = new Map(renamed)
  for (const n of topological(roots)) {
    if (done.has(n)) continue
    const inputs = n.inputs.map((x) => done.get(x) ?? x)
    if (inputs.every((x, i) => x === n.inputs[i])) continue
    const copy = new Node(n.op, inputs, n.attrs, n)
    copy.origin = n.origin
    done.set(n, copy)
  }
  return roots.map((n) => done.get(n) ?? n)
}
