/** @file Writes the descriptions of nests: elementwise kernels, reductions, windows, running sums. */
import { stridesOf } from '../core/shape.ts'
import type { Expr, Guard, Store } from '../kernels/expr.ts'
import { add, type Index, indexOf, linearise, newVar, scale, type Var, zero } from '../kernels/index.ts'
import type { Nest, Pass, Reduction } from '../kernels/kernel.ts'
import { Misaligned, nameOf, resolveOutside, type Scope, sameIndex, store } from './emit-scope.ts'
import type { Group } from './groups.ts'
import { must } from './must.ts'
import type { PNode } from './pgraph.ts'
import { Puller, reshapeIndex } from './pull.ts'

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
export function emitNest(s: Scope): Nest {
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
        return id !== undefined ? { op: 'reduced', dtype: n.dtype, id } : must(rowValues.get(n))
      }
      if (window || !sameIndex(index, reshapeIndex(elementIndex, space, n.shape))) throw new Misaligned()
      if (doneIn.get(n) === level) return must(values.get(n))
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
  return group.members.some((m) => must(levels.get(m)) > level && group.reads(m).has(n))
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
