/** @file Writes the descriptions of contractions, with what is fused behind them, and of scatters. */
import { sizeOf } from '../core/shape.ts'
import { type Expr, type Guard, operands, type Store } from '../kernels/expr.ts'
import { add, type Index, indexOf, newVar, scale, strideOf, type Var } from '../kernels/index.ts'
import type { Contraction, ContractionDim, Scatter } from '../kernels/kernel.ts'
import type { PlannedConv } from './convolution.ts'
import { Misaligned, nameOf, resolveOutside, type Scope, sameIndex, store } from './emit-scope.ts'
import { bufferBase } from './mark.ts'
import { must } from './must.ts'
import type { PNode } from './pgraph.ts'
import { NeedsBuffer, Puller, reshapeIndex } from './pull.ts'

export function emitContraction(s: Scope): Contraction {
  const { group } = s
  const node = group.members[0]
  const { dims, result } = node.op === 'matmul' ? matmulDims(s, node) : convDims(s, node)
  const out = must(group.out)
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
    return must(values.get(n))
  }
  const values = new Map<PNode, Expr>()
  const puller = new Puller(resolve, s.context.operation)
  const stores: Store[] = []
  for (const n of group.members) {
    const target = n === node ? out : n
    const index = n === node ? outIndex : reshapeIndex(outIndex, out.shape, n.shape)
    if (n !== node && index.some((i) => !i.affine)) throw new Misaligned()
    const value: Expr = n === node ? { op: 'accumulator', dtype: 'float32' } : puller.pullInside(n, index)
    if (makesRandomBits(value)) throw new Misaligned()
    values.set(n, value)
    if (s.stored.has(target)) stores.push(store(s, target, index, value))
  }
  return { kind: 'contraction', name: nameOf(group), buffers: s.buffers.infos, ...dims, stores }
}

/** Random bits are long integer code that a tile's epilogue would repeat for each of its vectors. */
function makesRandomBits(e: Expr, seen: Set<Expr> = new Set()): boolean {
  if (seen.has(e)) return false
  seen.add(e)
  return e.op === 'random' || operands(e).some((x) => makesRandomBits(x, seen))
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
    const sa = must(strideOf(la.index, v))
    const sb = must(strideOf(lb.index, v))
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
  const k = newVar(must(a.shape.at(-1)))
  const at = vars.map(indexOf)
  const lead = at.slice(0, -2)
  const aIndex = [...lead, must(at.at(-2)), indexOf(k)]
  const bIndex = [...lead, indexOf(k), must(at.at(-1))]
  const dims = access(s, { node: a, index: aIndex }, { node: b, index: bIndex }, [...vars, k], new Set([k]))
  return { dims, result: at }
}

/** a is the weights, b the (already padded) input. */
function convDims(s: Scope, node: PNode): { dims: Dims; result: readonly Index[] } {
  const attrs: PlannedConv = node.as('conv')
  const { stride, kernelDilation, groups } = attrs
  const phases = attrs.phases ?? stride.map(() => 1)
  const shift = attrs.phaseShift ?? stride.map(() => 0)
  const [x, w] = node.inputs as [PNode, PNode]
  const perGroup = w.shape[1]
  const each = phases.reduce((n, d) => n * d, 1)
  const outputs = w.shape[0] / groups / each
  const image = newVar(x.shape[0])
  const g = newVar(groups)
  const o = newVar(outputs)
  const c = newVar(perGroup)
  const places = node.shape.slice(2).map((d, i) => newVar(d / phases[i]))
  const phase = phases.map((d) => newVar(d))
  const taps = w.shape.slice(2).map((d) => newVar(d))
  const channel = add(scale(indexOf(g), outputs), indexOf(o))
  const row = phase.reduce((at, q, i) => add(scale(at, phases[i]), indexOf(q)), channel)
  const source = add(scale(indexOf(g), perGroup), indexOf(c))
  const spatial = places.map((p, i) => {
    const window = add(scale(indexOf(p), stride[i]), scale(indexOf(phase[i]), shift[i]))
    return add(window, scale(indexOf(taps[i]), kernelDilation[i]))
  })
  const dims = access(
    s,
    { node: w, index: [row, indexOf(c), ...taps.map(indexOf)] },
    { node: x, index: [indexOf(image), source, ...spatial] },
    [g, image, o, ...phase, ...places, c, ...taps],
    new Set([c, ...taps]),
  )
  const at = places.map((p, i) => add(scale(indexOf(p), phases[i]), indexOf(phase[i])))
  return { dims, result: [indexOf(image), channel, ...at] }
}

// Scatters ----------------------------------------------------------------------------------------------------------

export function emitScatter(s: Scope): Scatter {
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
