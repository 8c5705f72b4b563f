/**
 * @file Computing one step operation by operation, to see where the first NaN or infinity comes from. The step is recorded
 * as `compile` would, its leaves get the values they have now, and the device computes every node for itself.
 */

import { isFloat, type TypedArray } from '../core/dtype.ts'
import { type Node, topological } from '../graph/node.ts'
import { Trace, withTrace } from '../graph/trace.ts'
import type { AnyModule } from '../nn/module.ts'
import type { Device } from '../plan/device.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { Learned } from './step.ts'

/** What is known of the values of one array. */
export interface Range {
  readonly nan: number
  readonly infinite: number
  /** Of the finite values; Infinity and −Infinity if there are none. */
  readonly least: number
  readonly most: number
}

/** Where values stopped being finite. */
export interface Origin {
  /** `data`: there already in the batch. `weights`: there already in the parameters. Else where in the step. */
  readonly phase: 'data' | 'weights' | 'forward' | 'backward' | 'update'
  /** The primitive, such as `log`; for `data` the column, for `weights` the parameter. */
  readonly operation: string
  /** Path of the layer, '' for the loss and what lies outside of layers. */
  readonly layer: string
  /** The parameter whose gradient or new value it is, in `backward` and `update`. */
  readonly parameter: string
  /** What came out. */
  readonly output: Range
  /** What went in. */
  readonly inputs: readonly Range[]
  /** Numbers within the batch of examples that are not finite, for `data`. */
  readonly examples: readonly number[]
}

/** Operations computed in one go. */
const CHUNK = 48

/** Operations whose values are known beforehand, or that stand for several results. */
const SKIPPED: ReadonlySet<string> = new Set(['data', 'constant', 'cell', 'iota', 'parameter', 'loop', 'hostCall'])

/** Finds what makes `run`, a step on `batch`, give values that are not finite; null if it does not. Updates nothing. */
export function inspect(
  model: AnyModule,
  device: Device,
  batch: { readonly x: Tensor; readonly y: Tensor },
  run: () => Learned,
): Origin | null {
  const given = inData(batch) ?? inWeights(model)
  if (given) return given
  const trace = new Trace('inspection')
  const { losses, gradients } = withTrace(trace, () => {
    const { values, minimised } = run()
    const named = model.namedParameters().flatMap(([name, p]): Named[] => (p.grad ? [[name, p.grad.node]] : []))
    return {
      losses: [...Object.values(values), ...(minimised ? [minimised] : [])].map((t) => t.node),
      gradients: named,
    }
  })
  for (const [cell, leaf] of trace.reads) {
    cell.evict()
    leaf.become(cell.value.as('data').values)
  }
  const writes = [...trace.writes].map(([cell, node]): Named => [cell.name, node])
  const roots = [...losses, ...gradients.map(([, n]) => n), ...writes.map(([, n]) => n)]
  const graph = new Recorded(roots)
  const forward = new Set(topological(losses))
  const backward = new Set(topological(gradients.map(([, n]) => n)))
  graph.compute(device)
  const born = graph.firstBorn(roots)
  if (!born) return null
  const phase = forward.has(born) ? 'forward' : backward.has(born) ? 'backward' : 'update'
  const owned = phase === 'backward' ? gradients : phase === 'update' ? writes : []
  return {
    phase,
    operation: graph.operation(born),
    layer: graph.layerOf(born),
    parameter: owned.find(([, root]) => graph.leadsTo(root, born))?.[0] ?? '',
    output: graph.range(born) ?? rangeOf([]),
    inputs: graph.inputs(born).flatMap((n) => graph.range(n) ?? []),
    examples: [],
  }
}

type Named = readonly [name: string, node: Node]

function inData({ x, y }: { readonly x: Tensor; readonly y: Tensor }): Origin | null {
  for (const [name, t] of Object.entries({ x, y })) {
    const values = t.hostValues()
    const range = rangeOf(values)
    if (range.nan + range.infinite === 0) continue
    const each = values.length / t.shape[0]
    const bad = Array.from({ length: t.shape[0] }, (_, i) => i).filter(
      (i) => !values.slice(i * each, (i + 1) * each).every(Number.isFinite),
    )
    const nowhere = { layer: '', parameter: '', inputs: [] }
    return { phase: 'data', operation: name, ...nowhere, output: range, examples: bad }
  }
  return null
}

function inWeights(model: AnyModule): Origin | null {
  for (const [name, t] of model.namedState()) {
    const range = rangeOf(t.hostValues())
    if (range.nan + range.infinite === 0) continue
    const layer = name.slice(0, Math.max(0, name.lastIndexOf('.')))
    return { phase: 'weights', operation: name, layer, parameter: name, output: range, inputs: [], examples: [] }
  }
  return null
}

function rangeOf(values: TypedArray | readonly number[]): Range {
  let [nan, infinite, least, most] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const v of values) {
    if (Number.isNaN(v)) nan++
    else if (!Number.isFinite(v)) infinite++
    else {
      if (v < least) least = v
      if (v > most) most = v
    }
  }
  return { nan, infinite, least, most }
}

/** Operations that pass on, or put in place, what a constant filled in. */
const FILLING: ReadonlySet<string> = new Set('expand reshape permute slice select pad alias concat'.split(' '))

const bad = (r: Range | undefined): boolean => r !== undefined && r.nan + r.infinite > 0

/** A step's graph as it was before it was computed, and what came out. */
class Recorded {
  readonly #order: readonly Node[]
  readonly #made: ReadonlyMap<Node, { readonly op: string; readonly inputs: readonly Node[]; readonly place: number }>
  readonly #ranges = new Map<Node, Range>()

  constructor(roots: readonly Node[]) {
    this.#order = topological(roots)
    this.#made = new Map(this.#order.map((n, place) => [n, { op: n.op, inputs: n.inputs, place }]))
  }

  operation(node: Node): string {
    return this.#made.get(node)?.op ?? node.op
  }

  inputs(node: Node): readonly Node[] {
    return this.#made.get(node)?.inputs ?? []
  }

  range(node: Node): Range | undefined {
    return this.#ranges.get(node)
  }

  /** Computes every node and notes its range; values that nobody needs any more are let go. */
  compute(device: Device): void {
    const users = new Map<Node, number>()
    for (const node of this.#order) for (const input of node.inputs) users.set(input, (users.get(input) ?? 0) + 1)
    for (const leaf of this.#order) {
      if (leaf.op === 'constant') this.#ranges.set(leaf, rangeOf([leaf.as('constant').value]))
      else if (leaf.op === 'data' && isFloat(leaf.dtype)) this.#ranges.set(leaf, rangeOf(leaf.as('data').values))
    }
    const wanted = this.#order.filter((n) => !SKIPPED.has(n.op))
    for (let i = 0; i < wanted.length; i += CHUNK) {
      const chunk = wanted.slice(i, i + CHUNK)
      device.realise(chunk)
      for (const node of chunk) {
        if (isFloat(node.dtype)) this.#ranges.set(node, rangeOf(node.as('data').values))
      }
      for (const input of chunk.flatMap((n) => this.inputs(n))) {
        const left = (users.get(input) ?? 0) - 1
        users.set(input, left)
        // Only what was computed here: data leaves belong to others.
        if (left === 0 && input.op === 'data' && this.operation(input) !== 'data') input.become(new Float32Array())
      }
    }
  }

  /**
   * The first operation from which values that are not finite reach a root. NaN counts before infinity: masks fill with −∞
   * on purpose. But where NaN is made of infinities that an operation computed, these come first.
   */
  firstBorn(roots: readonly Node[]): Node | null {
    const place = (n: Node): number => this.#made.get(n)?.place ?? 0
    const origins = roots.flatMap((root) => (bad(this.range(root)) ? [this.#trackDown(root)] : []))
    return origins.sort((a, b) => place(a) - place(b))[0] ?? null
  }

  #trackDown(root: Node): Node {
    let node = root
    for (;;) {
      const inputs = this.inputs(node)
      const nan = inputs.find((n) => (this.range(n)?.nan ?? 0) > 0)
      const next = nan ?? inputs.find((n) => bad(this.range(n)) && !this.#isFilled(n))
      if (!next) return node
      node = next
    }
  }

  /** Whether its infinities are a constant's: a mask's. */
  #isFilled(node: Node): boolean {
    if (this.operation(node) === 'constant') return true
    return FILLING.has(this.operation(node)) && this.inputs(node).every((n) => !bad(this.range(n)) || this.#isFilled(n))
  }

  /** Path of the layer that made the node, or the nearest one before it. */
  layerOf(node: Node): string {
    const seen = new Set<Node>([node])
    let front = [node]
    for (let depth = 0; depth < 8 && front.length > 0; depth++) {
      const found = front.find((n) => n.origin?.module)
      if (found) return found.origin?.module ?? ''
      front = front.flatMap((n) => this.inputs(n)).filter((n) => !seen.has(n) && seen.add(n))
    }
    return ''
  }

  /** Whether `root` is computed from `node`. */
  leadsTo(root: Node, node: Node): boolean {
    const seen = new Set<Node>([root])
    const stack = [root]
    for (let n = stack.pop(); n; n = stack.pop()) {
      if (n === node) return true
      for (const input of this.inputs(n)) if (!seen.has(input) && seen.add(input)) stack.push(input)
    }
    return false
  }
}
