/** @file Writes the kernel description of a group of nodes. */
import { sizeOf, stridesOf } from '../core/shape.ts'
import type { Expr, Guard, Store } from '../kernels/expr.ts'
import { operands } from '../kernels/expr.ts'
import {
  add,
  constantIndex,
  type Index,
  indexOf,
  linearise,
  newVar,
  scale,
  strideOf,
  type Var,
  zero,
} from '../kernels/index.ts'
import type {
  BufferInfo,
  Contraction,
  ContractionDim,
  Kernel,
  Nest,
  Pass,
  Reduction,
  Scatter,
} from '../kernels/kernel.ts'
import type { Group } from './groups.ts'
import { bufferBase } from './mark.ts'
import type { PNode } from './pgraph.ts'
import { NeedsBuffer, Puller, reshapeIndex } from './pull.ts'

/** Thrown when nodes cannot share a kernel because one reads the other at another position. */
export class Misaligned extends Error {}

export interface EmitContext {
  /** Nodes with buffers. */
  readonly marked: ReadonlySet<PNode>
  /** Position of a constant that is an argument of the plan, or −1 for one that is baked in. */
  readonly constantSlot: (n: PNode) => number
  readonly operation: (name: string) => number
}

/** A kernel and what its arguments are: the node whose buffer it is, or the plan's constants. */
export interface Emitted {
  readonly kernel: Kernel
  readonly buffers: readonly (PNode | 'constants')[]
  /** Members whose values the kernel stores. */
  readonly stored: ReadonlySet<PNode>
  /** Whether it may fail (checks indices). */
  readonly fallible: boolean
}

class Buffers {
  readonly nodes: (PNode | 'constants')[] = []
  readonly infos: BufferInfo[] = []
  readonly #position = new Map<PNode | string, number>()

  of(n: PNode): number {
    return this.#get(n, n, { dtype: n.dtype, size: sizeOf(n.shape) })
  }

  constant(n: PNode): number {
    return this.#get('constants', `constants ${n.dtype}`, { dtype: n.dtype, size: 1 << 20 })
  }

  #get(what: PNode | 'constants', key: PNode | string, info: BufferInfo): number {
    let i = this.#position.get(key)
    if (i === undefined) {
      i = this.nodes.push(what) - 1
      this.infos.push(info)
      this.#position.set(key, i)
    }
    return i
  }
}

/**
 * @param stored which members must be written to their buffers (those used outside the group).
 * @throws Misaligned when the members cannot share a kernel, NeedsBuffer when an inlined node cannot be inlined.
 */
export function emitGroup(group: Group, stored: ReadonlySet<PNode>, context: EmitContext): Emitted {
  const buffers = new Buffers()
  const state = { fallible: false }
  const scope = { group, stored: new Set(stored), context, buffers, state }
  const kernel =
    group.kind === 'contraction'
      ? emitContraction(scope)
      : group.kind === 'scatter'
        ? emitScatter(scope)
        : emitNest(scope)
  return { kernel, buffers: buffers.nodes, stored: scope.stored, fallible: state.fallible }
}

interface Scope {
  readonly group: Group
  readonly stored: Set<PNode>
  readonly context: EmitContext
  readonly buffers: Buffers
  readonly state: { fallible: boolean }
}

/** What any node outside the group resolves to: a load from its buffer, a constant, or null (inline it). */
function resolveOutside(s: Scope, n: PNode, index: readonly Index[], guards: readonly Guard[]): Expr | null {
  if (n.op === 'constant') {
    const slot = s.context.constantSlot(n)
    if (slot < 0) return null
    return { op: 'load', dtype: n.dtype, buffer: s.buffers.constant(n), index: constantAt(slot, n), guards: [] }
  }
  if (n.op === 'bound') s.state.fallible = true
  if (!s.context.marked.has(n)) return null
  return { op: 'load', dtype: n.dtype, buffer: s.buffers.of(n), index: linearise(index, stridesOf(n.shape)), guards }
}

/** Constants stand four bytes apart whatever their dtype. */
function constantAt(slot: number, n: PNode): Index {
  return constantIndex(n.dtype === 'bool' || n.dtype === 'uint8' ? slot * 4 : slot)
}

function sameIndex(a: readonly Index[], b: readonly Index[]): boolean {
  return a.every((x, i) => x.key === b[i].key)
}

function store(s: Scope, n: PNode, index: readonly Index[], value: Expr): Store {
  return { buffer: s.buffers.of(n), index: linearise(index, stridesOf(n.shape)), value }
}

function nameOf(group: Group): string {
  const main = group.members.map((m) => m.op)
  return main.length > 6 ? `${main.slice(0, 5).join('_')}_and_${main.length - 5}_more` : main.join('_')
}

// Nests -------------------------------------------------------------------------------------------------------------

const reduceOps = {
  reduceSum: 'sum',
  reduceProd: 'prod',
  reduceMax: 'max',
  reduceMin: 'min',
  argmax: 'argmax',
  argmin: 'argmin',
  windowSum: 'sum',
  windowMax: 'max',
  windowArgmax: 'argmax',
  cumsum: 'sum',
  cumprod: 'prod',
} as const

function reductionOf(n: PNode): Reduction['op'] | null {
  return n.op in reduceOps ? reduceOps[n.op as keyof typeof reduceOps] : null
}

/** Builds the passes of a nest: element-level members, reductions of them, row-level members, in alternating levels. */
function emitNest(s: Scope): Nest {
  const { group } = s
  const { space, reduced } = group
  const outer: Var[] = []
  const outerOf = new Map<number, Index>()
  space.forEach((extent, axis) => {
    if (reduced.includes(axis)) return
    const v = newVar(extent)
    outer.push(v)
    outerOf.set(axis, indexOf(v))
  })
  const rowShape = space.filter((_, axis) => !reduced.includes(axis))
  const rowIndex = space.flatMap((_, axis) => outerOf.get(axis) ?? [])
  const levels = levelsOf(group)
  const last = Math.max(...levels.values())
  const reductionIds = new Map<PNode, number>()
  const rowValues = new Map<PNode, Expr>()
  const doneIn = new Map<PNode, number>()
  const passes: Pass[] = []
  const window = group.kind === 'nest' ? group.window : null

  for (let level = 0; level <= last; level++) {
    const inner = window ? window.extents.map((e) => newVar(e)) : reduced.map((axis) => newVar(space[axis]))
    const elementIndex = window
      ? rowIndex
      : space.map((_, axis) => outerOf.get(axis) ?? indexOf(inner[reduced.indexOf(axis)]))
    const values = new Map<PNode, Expr>()
    const resolve = (n: PNode, index: readonly Index[], guards: readonly Guard[]): Expr | null => {
      if (!group.memberSet.has(n)) return resolveOutside(s, n, index, guards)
      if (isRow(group, n)) {
        if (!sameIndex(index, reshapeIndex(rowIndex, rowShape, n.shape))) throw new Misaligned()
        const id = reductionIds.get(n)
        return id !== undefined ? { op: 'reduced', dtype: n.dtype, id } : rowValues.get(n)!
      }
      if (window || !sameIndex(index, reshapeIndex(elementIndex, space, n.shape))) throw new Misaligned()
      if (doneIn.get(n) === level) return values.get(n)!
      s.stored.add(n)
      return resolveOutside(s, n, index, guards)
    }
    const puller = new Puller(resolve, s.context.operation)
    const reductions: Reduction[] = []
    const stores: Store[] = []
    for (const n of group.members) {
      if (levels.get(n) !== level) continue
      const op = reductionOf(n)
      if (op) {
        const id = reductionIds.size
        const running = n.op === 'cumsum' || n.op === 'cumprod'
        const value = window
          ? windowValue(n, rowIndex, inner, puller)
          : reducedValue(n, space, elementIndex, reduced, inner, puller)
        reductions.push({ id, op, ...value, ...(running ? { running } : {}) })
        reductionIds.set(n, id)
        if (running) {
          const at = cumulativeIndex(n, space, elementIndex)
          stores.push(store(s, n, at, { op: 'reduced', dtype: n.dtype, id }))
        }
      } else if (!isRow(group, n)) {
        const index = reshapeIndex(elementIndex, space, n.shape)
        const value = puller.pullInside(n, index)
        values.set(n, value)
        doneIn.set(n, level)
        if (s.stored.has(n) || usedLater(group, n, levels, level)) stores.push(store(s, n, index, value))
      }
    }
    if (reductions.length > 0 || stores.length > 0) passes.push({ inner, reductions, stores })
    // Row-level results follow the pass that made them.
    const rowStores: Store[] = []
    for (const n of group.members) {
      if (levels.get(n) !== level || !isRow(group, n)) continue
      if (n.op === 'cumsum' || n.op === 'cumprod') continue
      const index = reshapeIndex(rowIndex, rowShape, n.shape)
      const id = reductionIds.get(n)
      const value: Expr = id !== undefined ? { op: 'reduced', dtype: n.dtype, id } : puller.pullInside(n, index)
      rowValues.set(n, value)
      if (s.stored.has(n)) rowStores.push(store(s, n, index, value))
    }
    if (rowStores.length > 0) passes.push({ inner: [], reductions: [], stores: rowStores })
  }
  return { kind: 'nest', name: nameOf(group), buffers: s.buffers.infos, outer, passes }
}

function usedLater(group: Group, n: PNode, levels: ReadonlyMap<PNode, number>, level: number): boolean {
  return group.members.some((m) => levels.get(m)! > level && group.reads(m).has(n))
}

function isRow(group: Group, n: PNode): boolean {
  return group.rows.has(n)
}

/**
 * Level of each member: element-level work and the reductions of it at level l use row values of levels below l;
 * row values of level l use reductions of level l.
 */
function levelsOf(group: Group): Map<PNode, number> {
  const levels = new Map<PNode, number>()
  for (const n of group.members) {
    let level = 0
    for (const dep of group.reads(n)) {
      const l = levels.get(dep)
      if (l === undefined) continue
      const fromRow = group.rows.has(dep)
      const toElement = !group.rows.has(n) || reductionOf(n) !== null
      level = Math.max(level, fromRow && toElement ? l + 1 : l)
    }
    levels.set(n, level)
  }
  return levels
}

function reducedValue(
  n: PNode,
  space: readonly number[],
  elementIndex: readonly Index[],
  reduced: readonly number[],
  inner: readonly Var[],
  puller: Puller,
): { value: Expr; position?: Expr } {
  const x = n.inputs[0]
  if (n.op === 'cumsum' || n.op === 'cumprod') return { value: puller.pull(x, cumulativeIndex(n, space, elementIndex)) }
  const value = puller.pull(x, reshapeIndex(elementIndex, space, x.shape))
  if (n.op !== 'argmax' && n.op !== 'argmin') return { value }
  return { value, position: { op: 'index', dtype: 'int32', index: reduced.length > 0 ? indexOf(inner[0]) : zero } }
}

/** A reversed cumulative sum walks its axis from the end. */
function cumulativeIndex(n: PNode, space: readonly number[], elementIndex: readonly Index[]): Index[] {
  const { axis, reverse } = n.as('cumsum')
  return reshapeIndex(elementIndex, space, n.shape).map((i, k) =>
    reverse && k === axis ? add(scale(i, -1), n.shape[axis] - 1) : i,
  )
}

function windowValue(
  n: PNode,
  rowIndex: readonly Index[],
  inner: readonly Var[],
  puller: Puller,
): { value: Expr; position?: Expr } {
  const { window, stride, padLo, dilation } = n.as('windowSum')
  const x = n.inputs[0]
  const first = n.shape.length - window.length
  const full = fullIndex(n, rowIndex)
  const guards: Guard[] = []
  const index = full.map((o, axis) => {
    if (axis < first) return o
    const k = axis - first
    const at = add(add(scale(o, stride[k]), scale(indexOf(inner[k]), dilation[k])), -padLo[k])
    if (at.lo < 0 || at.hi >= x.shape[axis]) guards.push({ index: at, lo: 0, hi: x.shape[axis] })
    return at
  })
  let value = puller.pull(x, index, guards)
  if (guards.length > 0 && !(n.op === 'windowSum' && value.op === 'load')) {
    const least =
      n.op === 'windowSum' ? 0 : x.dtype === 'float32' ? Number.NEGATIVE_INFINITY : x.dtype === 'int32' ? -(2 ** 31) : 0
    const fill: Expr = { op: 'constant', dtype: x.dtype, value: least }
    value = { op: 'select', dtype: x.dtype, condition: { op: 'inside', dtype: 'bool', guards }, a: value, b: fill }
  }
  if (n.op !== 'windowArgmax') return { value }
  const position = linearise(index.slice(first), stridesOf(x.shape.slice(first)))
  return { value, position: { op: 'index', dtype: 'int32', index: position } }
}

/** The index into a window's result, whose extents of 1 the nest has dropped. */
function fullIndex(n: PNode, rowIndex: readonly Index[]): Index[] {
  return reshapeIndex(
    rowIndex,
    n.shape.filter((d) => d !== 1),
    n.shape,
  )
}

// Contractions ------------------------------------------------------------------------------------------------------

function emitContraction(s: Scope): Contraction {
  const { group } = s
  const node = group.members[0]
  const { dims, result } = node.op === 'matmul' ? matmulDims(s, node) : convDims(s, node)
  const out = group.out!
  // Position in `out`, the contraction seen through permutations.
  const outIndex = throughPermutes(out, node, result)
  const resolve = (n: PNode, index: readonly Index[], guards: readonly Guard[]): Expr | null => {
    if (n === node || n === out) {
      if (!sameIndex(index, n === node ? result : outIndex)) throw new Misaligned()
      return { op: 'accumulator', dtype: 'float32' }
    }
    if (!group.memberSet.has(n)) {
      const e = resolveOutside(s, n, index, guards)
      if (e?.op === 'load' && !e.index.affine) throw new Misaligned()
      return e
    }
    if (!sameIndex(index, reshapeIndex(outIndex, out.shape, n.shape))) throw new Misaligned()
    return values.get(n)!
  }
  const values = new Map<PNode, Expr>()
  const puller = new Puller(resolve, s.context.operation)
  const stores: Store[] = []
  for (const n of group.members) {
    const target = n === node ? out : n
    const index = n === node ? outIndex : reshapeIndex(outIndex, out.shape, n.shape)
    if (n !== node && index.some((i) => !i.affine)) throw new Misaligned()
    const value: Expr = n === node ? { op: 'accumulator', dtype: 'float32' } : puller.pullInside(n, index)
    values.set(n, value)
    if (s.stored.has(target)) stores.push(store(s, target, index, value))
  }
  return { kind: 'contraction', name: nameOf(group), buffers: s.buffers.infos, ...dims, stores }
}

function throughPermutes(out: PNode, node: PNode, result: readonly Index[]): readonly Index[] {
  const chain: PNode[] = []
  for (let x = out; x !== node; x = x.inputs[0]) chain.push(x)
  let index = result
  for (const p of chain.reverse()) {
    const { order } = p.as('permute')
    const before = index
    index = order.map((from) => before[from])
  }
  return index
}

type Dims = Pick<Contraction, 'dims' | 'a' | 'b'>

/** Addresses of both operands as affine functions of the loop variables. */
function access(
  s: Scope,
  a: { node: PNode; index: readonly Index[] },
  b: { node: PNode; index: readonly Index[] },
  vars: readonly Var[],
  summed: ReadonlySet<Var>,
): Dims {
  const load = (x: PNode, index: readonly Index[]): { buffer: number; index: Index } => {
    const puller = new Puller((n, i, g) => resolveOutside(s, n, i, g), s.context.operation)
    const e = puller.pull(x, index)
    if (e.op !== 'load' || e.guards.length > 0 || !e.index.affine) throw new NeedsBuffer(bufferBase(x))
    return e
  }
  const la = load(a.node, a.index)
  const lb = load(b.node, b.index)
  const dims: ContractionDim[] = []
  for (const v of vars) {
    const sa = strideOf(la.index, v)!
    const sb = strideOf(lb.index, v)!
    const role = summed.has(v) ? 'k' : sa !== 0 && sb !== 0 ? 'batch' : sb !== 0 ? 'n' : 'm'
    dims.push({ v, a: sa, b: sb, role })
  }
  return {
    dims,
    a: { buffer: la.buffer, offset: la.index.constant },
    b: { buffer: lb.buffer, offset: lb.index.constant },
  }
}

function matmulDims(s: Scope, node: PNode): { dims: Dims; result: readonly Index[] } {
  const [a, b] = node.inputs as [PNode, PNode]
  const vars = node.shape.map((d) => newVar(d))
  const k = newVar(a.shape.at(-1)!)
  const at = vars.map(indexOf)
  const lead = at.slice(0, -2)
  const aIndex = [...lead, at.at(-2)!, indexOf(k)]
  const bIndex = [...lead, indexOf(k), at.at(-1)!]
  const dims = access(s, { node: a, index: aIndex }, { node: b, index: bIndex }, [...vars, k], new Set([k]))
  return { dims, result: at }
}

/** a is the weights, b the (already padded) input. */
function convDims(s: Scope, node: PNode): { dims: Dims; result: readonly Index[] } {
  const { stride, kernelDilation, groups } = node.as('conv')
  const [x, w] = node.inputs as [PNode, PNode]
  const perGroup = w.shape[1]
  const image = newVar(x.shape[0])
  const g = newVar(groups)
  const o = newVar(w.shape[0] / groups)
  const c = newVar(perGroup)
  const places = node.shape.slice(2).map((d) => newVar(d))
  const taps = w.shape.slice(2).map((d) => newVar(d))
  const channel = add(scale(indexOf(g), w.shape[0] / groups), indexOf(o))
  const source = add(scale(indexOf(g), perGroup), indexOf(c))
  const spatial = places.map((p, i) => add(scale(indexOf(p), stride[i]), scale(indexOf(taps[i]), kernelDilation[i])))
  const dims = access(
    s,
    { node: w, index: [channel, indexOf(c), ...taps.map(indexOf)] },
    { node: x, index: [indexOf(image), source, ...spatial] },
    [g, image, o, ...places, c, ...taps],
    new Set([c, ...taps]),
  )
  return { dims, result: [indexOf(image), channel, ...places.map(indexOf)] }
}

// Scatters ----------------------------------------------------------------------------------------------------------

function emitScatter(s: Scope): Scatter {
  const node = s.group.members[0]
  const [indices, updates] = node.inputs as [PNode, PNode]
  const { axis, size } = node.as('scatterAdd')
  const indexBuffer = s.buffers.of(bufferBase(indices))
  const updateBuffer = s.buffers.of(bufferBase(updates))
  return {
    kind: 'scatter',
    name: nameOf(s.group),
    outer: sizeOf(node.shape.slice(0, axis)),
    rows: size,
    positions: sizeOf(indices.shape),
    inner: sizeOf(node.shape.slice(axis + 1)),
    indices: indexBuffer,
    updates: updateBuffer,
    out: s.buffers.of(node),
    buffers: s.buffers.infos,
  }
}

/** Every buffer that an expression loads, with the address. */
export function loadsOf(
  e: Expr,
  visit: (buffer: number, index: Index | null) => void,
  seen: Set<Expr> = new Set(),
): void {
  if (seen.has(e)) return
  seen.add(e)
  if (e.op === 'load') visit(e.buffer, e.index)
  if (e.op === 'gather') visit(e.buffer, null)
  for (const x of operands(e)) loadsOf(x, visit, seen)
}
