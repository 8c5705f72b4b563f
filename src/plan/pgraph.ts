/**
 * @file The planner's own copy of a graph: common subexpressions merged, trivial operations dropped, convolution
 * padding made explicit. Its key describes the structure (not the values), so that plans can be reused.
 */

import type { DType } from '../core/dtype.ts'
import { GliaError } from '../core/errors.ts'
import { sameShape } from '../core/shape.ts'
import {
  type Attrs,
  type HostFunction,
  type LoopAttrs,
  type Node,
  type Origin,
  type Primitive,
  topological,
} from '../graph/node.ts'
import { makeConv } from './convolution.ts'
import { must } from './must.ts'

export class PNode {
  readonly id: number
  readonly op: Primitive
  readonly attrs: Attrs[Primitive]
  readonly inputs: readonly PNode[]
  readonly shape: readonly number[]
  readonly dtype: DType
  readonly origin: Origin | null
  /** The body of a loop. */
  readonly body: PGraph | null
  /** Nodes that take this one as an input, once per use. Filled when the graph is finished. */
  users: PNode[] = []

  constructor(
    id: number,
    op: Primitive,
    attrs: Attrs[Primitive],
    inputs: readonly PNode[],
    shape: readonly number[],
    dtype: DType,
    origin: Origin | null,
    body: PGraph | null = null,
  ) {
    this.id = id
    this.op = op
    this.attrs = attrs
    this.inputs = inputs
    this.shape = shape
    this.dtype = dtype
    this.origin = origin
    this.body = body
  }

  as<P extends Primitive>(_op: P): Attrs[P] {
    return this.attrs as Attrs[P]
  }
}

export interface PGraph {
  /** Inputs before users; only what the roots need. */
  readonly nodes: readonly PNode[]
  readonly roots: readonly PNode[]
  /** Leaves whose values a run provides, in the order of the key. */
  readonly leaves: readonly { readonly node: Node; readonly pnode: PNode }[]
  /** Constants that are arguments of the plan, in order. */
  readonly constants: readonly PNode[]
  /** Equal keys: the same plan serves. */
  readonly key: string
}

export interface BuildOptions {
  /** Whether constants are part of the structure (a compiled step) or arguments of the plan. */
  readonly bakeConstants: boolean
}

export function buildGraph(roots: readonly Node[], options: BuildOptions): PGraph {
  return new Builder(options).build(roots)
}

const leafOps = new Set<Primitive>(['data', 'cell', 'parameter'])

/** −1, 0 and 1 steer simplification, so they are always structure. */
function structural(value: number): boolean {
  return value === 0 || value === 1 || value === -1
}

class Builder {
  readonly #options: BuildOptions
  readonly #byKey = new Map<string, PNode>()
  readonly #keys: string[] = []
  readonly #leaves: { node: Node; pnode: PNode }[] = []
  readonly #constants: PNode[] = []
  readonly #constantValues = new Map<string, PNode>()
  #count = 0

  constructor(options: BuildOptions) {
    this.#options = options
  }

  build(roots: readonly Node[]): PGraph {
    const map = new Map<Node, PNode>()
    const order = topological(roots)
    const widest = widestLoops(order)
    for (const node of order) {
      const wide = node.op === 'loop' ? (widest.get(node) ?? node) : node
      map.set(
        node,
        wide === node || !map.has(wide)
          ? this.#add(
              wide,
              wide.inputs.map((i) => must(map.get(i))),
            )
          : must(map.get(wide)),
      )
    }
    const proots = roots.map((r) => this.#ownMemory(must(map.get(r))))
    const nodes = reachable(proots)
    for (const n of nodes) for (const i of n.inputs) i.users.push(n)
    const key = `${this.#keys.join('\n')}\n>${proots.map((r) => r.id).join()}`
    return { nodes, roots: proots, leaves: this.#leaves, constants: this.#constants, key }
  }

  /** A result that is a cell's old value is copied before the cell may be overwritten: an identity with a buffer. */
  #ownMemory(root: PNode): PNode {
    let base = root
    while (base.op === 'reshape' || base.op === 'alias') base = base.inputs[0]
    if (base.op !== 'cell') return root
    const order = root.shape.map((_, i) => i)
    const key = `copy (${root.id})`
    const old = this.#byKey.get(key)
    return old ?? this.#store(key, 'permute', { order }, [root], root.shape, root.dtype, root.origin, null)
  }

  #add(node: Node, inputs: readonly PNode[]): PNode {
    switch (node.op) {
      case 'data':
      case 'cell':
      case 'parameter':
        return this.#leaf(node)
      case 'constant':
        return this.#constant(node)
      case 'conv':
        return makeConv((...parts) => this.#make(...parts), node, inputs[0], inputs[1])
      case 'loop':
        return this.#loop(node, inputs)
      default:
        return this.#make(node.op, node.attrs, inputs, node.shape, node.dtype, node.origin)
    }
  }

  #leaf(node: Node): PNode {
    const pnode = this.#fresh(
      `${node.op} ${node.dtype} ${node.shape}`,
      node.op,
      {},
      [],
      node.shape,
      node.dtype,
      node.origin,
    )
    this.#leaves.push({ node, pnode })
    return pnode
  }

  #constant(node: Node): PNode {
    const { value } = node.as('constant')
    const identity = `${node.dtype} ${Object.is(value, -0) ? '-0' : value}`
    const old = this.#constantValues.get(identity)
    if (old) return old
    const baked = this.#options.bakeConstants || structural(value)
    const text = baked ? `constant ${identity}` : `constant ${node.dtype}`
    const pnode = this.#fresh(text, 'constant', { value }, [], node.shape, node.dtype, null)
    if (!baked) this.#constants.push(pnode)
    this.#constantValues.set(identity, pnode)
    return pnode
  }

  #loop(node: Node, inputs: readonly PNode[]): PNode {
    const attrs = node.attrs as LoopAttrs
    const body = new Builder({ bakeConstants: true }).build(attrs.results)
    for (const { node: leaf } of body.leaves) {
      if (leaf.op !== 'parameter') throw new GliaError('internal: a loop body refers to values outside it.')
    }
    // The body's leaves are identified by which parameter they are.
    const used = body.leaves.map((l) => attrs.params.indexOf(l.node))
    const text = `loop ${attrs.length} ${attrs.reverse} ${attrs.carries} ${attrs.scanned} {${body.key}} <${used}>`
    const key = `${text} (${inputs.map((i) => i.id)})`
    return this.#byKey.get(key) ?? this.#store(key, 'loop', attrs, inputs, [], 'float32', node.origin, body)
  }

  #make(
    op: Primitive,
    attrs: Attrs[Primitive],
    inputs: readonly PNode[],
    shape: readonly number[],
    dtype: DType,
    origin: Origin | null,
  ): PNode {
    const simple = simplify(op, attrs, inputs, shape, dtype)
    if (simple) return simple
    if (reducesNothing(op, attrs, inputs, dtype)) return this.#make('reshape', { shape }, inputs, shape, dtype, origin)
    if (op === 'alias' && inputs.length === 1) return inputs[0]
    if (op === 'alias' && (attrs as Attrs['alias']).vjp !== null) return inputs[0]
    // Host functions may have side effects: calls are never merged.
    const which = op === 'hostCall' ? `${hostId((attrs as Attrs['hostCall']).fn)}#${this.#count} ` : ''
    const key = `${op} ${which}${attrsKey(attrs)} ${dtype} ${shape} (${inputs.map((i) => i.id)})`
    const old = this.#byKey.get(key)
    if (old) return old
    return this.#store(key, op, attrs, inputs, shape, dtype, origin, null)
  }

  #fresh(
    text: string,
    op: Primitive,
    attrs: Attrs[Primitive],
    inputs: readonly PNode[],
    shape: readonly number[],
    dtype: DType,
    origin: Origin | null,
  ): PNode {
    this.#keys.push(text)
    return new PNode(this.#count++, op, attrs, inputs, shape, dtype, origin)
  }

  #store(
    key: string,
    op: Primitive,
    attrs: Attrs[Primitive],
    inputs: readonly PNode[],
    shape: readonly number[],
    dtype: DType,
    origin: Origin | null,
    body: PGraph | null,
  ): PNode {
    this.#keys.push(key)
    const pnode = new PNode(this.#count++, op, attrs, inputs, shape, dtype, origin, body)
    this.#byKey.set(key, pnode)
    return pnode
  }
}

/**
 * Differentiating a loop makes a second loop with the same body that also saves its carries. Of loops with the same
 * parameters and inputs, the one with most results serves for all (the results of one begin with those of the other).
 */
function widestLoops(order: readonly Node[]): Map<Node, Node> {
  const byParams = new Map<readonly Node[], Node[]>()
  for (const node of order) {
    if (node.op !== 'loop') continue
    const { params } = node.attrs as LoopAttrs
    const list = byParams.get(params)
    if (list) list.push(node)
    else byParams.set(params, [node])
  }
  const widest = new Map<Node, Node>()
  for (const list of byParams.values()) {
    for (const node of list) {
      let best = node
      for (const other of list) {
        const same = other.inputs.every((x, i) => x === node.inputs[i])
        if (same && (other.attrs as LoopAttrs).results.length > (best.attrs as LoopAttrs).results.length) best = other
      }
      widest.set(node, best)
    }
  }
  return widest
}

function reachable(roots: readonly PNode[]): PNode[] {
  const seen = new Set<PNode>()
  const stack = [...roots]
  while (stack.length > 0) {
    const n = must(stack.pop())
    if (seen.has(n)) continue
    seen.add(n)
    stack.push(...n.inputs)
  }
  return [...seen].sort((a, b) => a.id - b.id)
}

/** The value of a node that is one number everywhere, seen through views; only numbers that are part of the structure. */
export function uniformValue(n: PNode): number | null {
  let x = n
  while (x.op === 'reshape' || x.op === 'expand' || x.op === 'permute') x = x.inputs[0]
  if (x.op !== 'constant') return null
  const { value } = x.as('constant')
  return structural(value) ? value : null
}

/** Operations that give back an operand unchanged: x·1, x + 0, views of views that cancel. */
function simplify(
  op: Primitive,
  attrs: Attrs[Primitive],
  inputs: readonly PNode[],
  shape: readonly number[],
  dtype: DType,
): PNode | null {
  const [a, b] = inputs
  switch (op) {
    case 'mul':
      if (uniformValue(b) === 1) return a
      if (uniformValue(a) === 1) return b
      return null
    case 'div':
      return uniformValue(b) === 1 ? a : null
    case 'add':
      if (isZero(b)) return a
      if (isZero(a)) return b
      return null
    case 'sub':
      return isZero(b) ? a : null
    case 'reshape':
    case 'expand':
      return sameShape(a.shape, shape) ? a : null
    case 'cast':
      return a.dtype === dtype ? a : null
    case 'cumsum':
    case 'cumprod':
      return shape[(attrs as Attrs['cumsum']).axis] === 1 ? a : null
    case 'permute':
      return (attrs as Attrs['permute']).order.every((o, i) => o === i) ? a : null
    default:
      return null
  }
}

/** Attributes as text, numbers that JSON has no word for included. */
function attrsKey(attrs: Attrs[Primitive]): string {
  return JSON.stringify(attrs, (_, v: unknown) =>
    typeof v === 'number' && (!Number.isFinite(v) || Object.is(v, -0)) ? `${Object.is(v, -0) ? '-0' : v}` : v,
  )
}

const hostIds = new WeakMap<HostFunction, number>()
let hostFunctions = 0

/** Tells host functions apart, whatever their names: a plan runs those that it was made with. */
function hostId(fn: HostFunction): number {
  const id = hostIds.get(fn) ?? hostFunctions++
  hostIds.set(fn, id)
  return id
}

/** Whether a reduction runs over axes of extent 1 only. */
function reducesNothing(op: Primitive, attrs: Attrs[Primitive], inputs: readonly PNode[], dtype: DType): boolean {
  if (op !== 'reduceSum' && op !== 'reduceProd' && op !== 'reduceMax' && op !== 'reduceMin') return false
  const x = inputs[0]
  return x.dtype === dtype && (attrs as Attrs['reduceSum']).axes.every((a) => x.shape[a] === 1)
}

/** x + 0 = x, but for the sign of a zero. */
function isZero(n: PNode): boolean {
  return uniformValue(n) === 0
}

export function isLeaf(n: PNode): boolean {
  return leafOps.has(n.op)
}
