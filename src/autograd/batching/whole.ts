/**
 * @file Batching of what has a body or a gradient of its own: aliases, host functions, loops. Their gradients are written
 * for one example; they are made for one, with leaves for its values, and batched in turn.
 */
import { sizeOf } from '../../core/shape.ts'
import type { HostArray, HostFunction } from '../../graph/node.ts'
import { Node } from '../../graph/node.ts'
import { ops } from '../../graph/ops.ts'
import type { BatchRule, Known, Part, Scope } from './rule.ts'

/** A leaf for one example's value of a batch. */
function example(batch: Node): Node {
  return new Node('parameter', [], { owner: {}, index: 0 }, { shape: batch.shape.slice(1), dtype: batch.dtype })
}

/** Leaves for one example's part of the batches, the others as they are. */
function examples(parts: readonly Part[], known: Map<Node, Known>): Node[] {
  return parts.map((part) => {
    if (!part.batched) return part.node
    const leaf = example(part.node)
    known.set(leaf, part)
    return leaf
  })
}

/** Gradients for one example as gradients of the inputs: summed over the examples for inputs that all share. */
function collect(
  scope: Scope,
  parts: readonly Part[],
  found: readonly (Node | null)[],
  known: ReadonlyMap<Node, Known>,
): (Node | null)[] {
  const present = found.filter((n) => n !== null && n !== undefined)
  const batches = scope.batch(present, known)
  return parts.map((part, k) => {
    const g = found[k]
    if (!g) return null
    const batch = scope.lead(batches[present.indexOf(g)])
    return part.batched ? batch : ops.reduceSum(batch, [0])
  })
}

export const alias: BatchRule<'alias'> = (scope, parts, attrs, node) => {
  const [value, ...others] = parts
  const { vjp, name } = attrs
  const inputs = [scope.lead(value), ...others.map((p) => p.node)]
  if (!vjp) return ops.alias(inputs, attrs)
  return ops.alias(inputs, {
    name,
    vjp: (g, self) => {
      const known = new Map<Node, Known>()
      const now = self.inputs.slice(1).map((n, k) => ({ node: n, batched: others[k].batched }))
      const [gradient, first] = [example(g), example(self.inputs[0])]
      known.set(gradient, { node: g, batched: true })
      known.set(first, { node: self.inputs[0], batched: true })
      const one = new Node('alias', [first, ...examples(now, known)], attrs, { shape: node.shape, dtype: node.dtype })
      known.set(one, { node: self, batched: true })
      return collect(scope, now, vjp(gradient, one), known)
    },
  })
}

export const hostCall: BatchRule<'hostCall'> = (scope, parts, { fn, outputs }) => {
  const pattern = parts.map((p) => p.batched)
  const wide = outputs.map((o) => ({ shape: [scope.size, ...o.shape], dtype: o.dtype }))
  return ops.hostCall(
    parts.map((p) => p.node),
    { fn: batchedFunction(fn, pattern, scope.size, scope.fresh), outputs: wide },
  )
}

const variants = new WeakMap<HostFunction, Map<string, HostFunction>>()

/** `fn` for every example. Plans are found again by their host functions, so there is one for each way of batching. */
function batchedFunction(
  fn: HostFunction,
  pattern: readonly boolean[],
  size: number,
  fresh: () => Scope,
): HostFunction {
  const known = variants.get(fn) ?? new Map<string, HostFunction>()
  variants.set(fn, known)
  const key = `${size} ${pattern}`
  const old = known.get(key)
  if (old) return old
  const run: HostFunction['run'] = (inputs, results) => runEach(fn, size, pattern, inputs, results)
  const { vjp } = fn
  const made: HostFunction = vjp
    ? { name: fn.name, run, vjp: (gs, node) => hostGradient(fn, vjp, pattern, fresh(), gs, node) }
    : { name: fn.name, run }
  known.set(key, made)
  return made
}

function hostGradient(
  fn: HostFunction,
  vjp: NonNullable<HostFunction['vjp']>,
  pattern: readonly boolean[],
  scope: Scope,
  gs: readonly (Node | null)[],
  node: Node,
): readonly (Node | null)[] {
  const known = new Map<Node, Known>()
  const parts = node.inputs.map((n, k) => ({ node: n, batched: pattern[k] }))
  const wide = node.as('hostCall').outputs
  const outputs = wide.map((o) => ({ shape: o.shape.slice(1), dtype: o.dtype }))
  const one = new Node('hostCall', examples(parts, known), { fn, outputs }, node)
  known.set(one, { outputs: wide.map((o, index) => new Node('output', [node], { index }, o)) })
  const seeds = Array.from(wide, (_, k) => {
    const g = gs[k]
    if (!g) return null
    const leaf = example(g)
    known.set(leaf, { node: g, batched: true })
    return leaf
  })
  return collect(scope, parts, vjp(seeds, one), known)
}

/** Runs `fn` for each example on its parts of the arrays. */
function runEach(
  fn: HostFunction,
  size: number,
  pattern: readonly boolean[],
  inputs: readonly HostArray[],
  results: readonly HostArray[],
): void {
  const part = (x: HostArray, i: number): HostArray => {
    const shape = x.shape.slice(1)
    const n = sizeOf(shape)
    return { data: x.data.subarray(i * n, (i + 1) * n), shape, dtype: x.dtype }
  }
  for (let i = 0; i < size; i++) {
    fn.run(
      inputs.map((x, k) => (pattern[k] ? part(x, i) : x)),
      results.map((y) => part(y, i)),
    )
  }
}

/**
 * The body runs on batches: what each iteration hands on and puts out is one for every example. Scanned inputs and outputs
 * keep the iterations in front, so examples come second there.
 */
export const loop: BatchRule<'loop'> = (scope, parts, attrs) => {
  const { carries, scanned, params, results, length } = attrs
  const known = new Map<Node, Known>()
  const inputs: Node[] = []
  const owner = {}
  const bodyParams = params.map((param, k) => {
    const part = parts[k]
    const isCarry = k < carries
    const isScanned = !isCarry && k < carries + scanned
    if (!isCarry && !part.batched) {
      inputs.push(part.node)
      return param
    }
    inputs.push(isCarry ? scope.lead(part) : isScanned ? swapFirst(part.node) : part.node)
    const shape = [scope.size, ...param.shape]
    const leaf = new Node('parameter', [], { owner, index: k }, { shape, dtype: param.dtype })
    known.set(param, { node: leaf, batched: true })
    return leaf
  })
  const body = scope.fresh().batch(results, known)
  const outputs = ops.loop(inputs, {
    length,
    reverse: attrs.reverse,
    carries,
    scanned,
    params: bodyParams,
    results: body.map((part) => scope.lead(part)),
  })
  return outputs.map((y, k) => (k < carries ? y : swapFirst(y)))
}

function swapFirst(x: Node): Node {
  return ops.permute(x, [1, 0, ...x.shape.map((_, i) => i).slice(2)])
}
