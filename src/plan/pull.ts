/**
 * @file Turns a node into the expression of one of its elements. Views become arithmetic on the index; elementwise
 * nodes are inlined; the walk stops at nodes that have a value of their own (`resolve`).
 */
import { sizeOf, stridesOf } from '../core/shape.ts'
import type { Expr, Guard } from '../kernels/expr.ts'
import {
  add,
  constantIndex,
  delinearise,
  div,
  type Index,
  indexOf,
  linearise,
  mod,
  newVar,
  scale,
  strideOf,
  substitute,
  zero,
} from '../kernels/index.ts'
import { type BinaryOp, binaryNames, type UnaryOp, unaryNames } from '../kernels/names.ts'
import type { PNode } from './pgraph.ts'

/** The expression for element `index` of a node that has a value of its own; null: compute it inline. */
export type Resolve = (n: PNode, index: readonly Index[], guards: readonly Guard[]) => Expr | null

/** Thrown when a node cannot be inlined where it is used; the planner then gives it a buffer. */
export class NeedsBuffer extends Error {
  readonly node: PNode
  constructor(node: PNode) {
    super(`node ${node.id} (${node.op}) needs a buffer`)
    this.node = node
  }
}

export class Puller {
  readonly #resolve: Resolve
  readonly #operation: (name: string) => number
  readonly #memo = new Map<string, Expr>()

  /** `operation` gives the number under which a failing `bound` reports its name. */
  constructor(resolve: Resolve, operation: (name: string) => number) {
    this.#resolve = resolve
    this.#operation = operation
  }

  /** Element `index` of `n`, wanted only where the guards hold. */
  pull(n: PNode, index: readonly Index[], guards: readonly Guard[] = []): Expr {
    let key = `${n.id}`
    for (const i of index) key += `,${i.key}`
    for (const g of guards) key += `;${g.lo}<${g.index.key}<${g.hi}`
    const old = this.#memo.get(key)
    if (old) return old
    const e = this.#resolve(n, index, guards) ?? this.#inline(n, index, guards)
    this.#memo.set(key, e)
    return e
  }

  /** The value of `n` itself computed from its operands, even where it has a buffer. */
  pullInside(n: PNode, index: readonly Index[]): Expr {
    return this.#inline(n, index, [])
  }

  #inline(n: PNode, index: readonly Index[], guards: readonly Guard[]): Expr {
    const x = n.inputs[0]
    switch (n.op) {
      case 'constant':
        return { op: 'constant', dtype: n.dtype, value: n.as('constant').value }
      case 'iota':
        return { op: 'index', dtype: 'int32', index: index[0] }
      case 'alias':
        return this.pull(x, index, guards)
      case 'reshape':
        return this.pull(x, reshapeIndex(index, n.shape, x.shape), guards)
      case 'permute': {
        const inner = new Array<Index>(index.length)
        n.as('permute').order.forEach((from, to) => {
          inner[from] = index[to]
        })
        return this.pull(x, inner, guards)
      }
      case 'expand':
        return this.pull(
          x,
          index.map((i, axis) => (x.shape[axis] === 1 ? zero : i)),
          guards,
        )
      case 'slice': {
        const { start, step } = n.as('slice')
        return this.pull(
          x,
          index.map((i, axis) => add(scale(i, step[axis]), start[axis])),
          guards,
        )
      }
      case 'flip': {
        const { axes } = n.as('flip')
        const flipped = index.map((i, axis) => (axes.includes(axis) ? add(scale(i, -1), n.shape[axis] - 1) : i))
        return this.pull(x, flipped, guards)
      }
      case 'pad':
        return this.#pad(n, index, guards)
      case 'concat':
        return this.#concat(n, index, guards)
      case 'select':
        return {
          op: 'select',
          dtype: n.dtype,
          condition: this.pull(x, index, guards),
          a: this.pull(n.inputs[1], index, guards),
          b: this.pull(n.inputs[2], index, guards),
        }
      case 'cast':
        return { op: 'cast', dtype: n.dtype, x: this.pull(x, index, guards) }
      case 'bound': {
        const { size, operation } = n.as('bound')
        const inner = this.pull(x, index, guards)
        return { op: 'bound', dtype: 'int32', x: inner, size, operation: this.#operation(operation), guards }
      }
      case 'random':
        return {
          op: 'random',
          dtype: 'int32',
          key0: this.pull(x, [zero]),
          key1: this.pull(x, [constantIndex(1)]),
          counter: this.pull(n.inputs[1], index, guards),
        }
      case 'gather':
        return this.#gather(n, index, guards)
      default:
        if (n.op in unaryNames)
          return { op: 'unary', dtype: n.dtype, fn: n.op as UnaryOp, x: this.pull(x, index, guards) }
        if (n.op in binaryNames) {
          const a = this.pull(x, index, guards)
          return { op: 'binary', dtype: n.dtype, fn: n.op as BinaryOp, a, b: this.pull(n.inputs[1], index, guards) }
        }
        throw new NeedsBuffer(n)
    }
  }

  #pad(n: PNode, index: readonly Index[], guards: readonly Guard[]): Expr {
    const { lo, interior, value } = n.as('pad')
    const x = n.inputs[0]
    const added: Guard[] = []
    const inner = index.map((i, axis) => {
      const shifted = add(i, -lo[axis])
      const step = interior[axis] + 1
      const extent = (x.shape[axis] - 1) * step + 1
      if (shifted.lo < 0 || shifted.hi >= extent) added.push({ index: shifted, lo: 0, hi: extent })
      if (step === 1) return shifted
      added.push({ index: mod(shifted, step), lo: 0, hi: 1 })
      return div(shifted, step)
    })
    if (sizeOf(x.shape) === 0) return { op: 'constant', dtype: n.dtype, value }
    if (added.length === 0) return this.pull(x, inner, guards)
    const value_ = this.pull(x, inner, [...guards, ...added])
    // A guarded load is 0 outside by itself.
    if (value === 0 && value_.op === 'load') return value_
    const fill: Expr = { op: 'constant', dtype: n.dtype, value }
    return {
      op: 'select',
      dtype: n.dtype,
      condition: { op: 'inside', dtype: 'bool', guards: added },
      a: value_,
      b: fill,
    }
  }

  #concat(n: PNode, index: readonly Index[], guards: readonly Guard[]): Expr {
    const { axis } = n.as('concat')
    const at = index[axis]
    let offset = 0
    const parts: { lo: number; hi: number; e: Expr }[] = []
    for (const x of n.inputs) {
      const extent = x.shape[axis]
      const lo = offset
      offset += extent
      if (extent === 0 || at.hi < lo || at.lo >= offset) continue
      const inner = index.map((i, k) => (k === axis ? add(i, -lo) : i))
      const whole = at.lo >= lo && at.hi < offset
      const guard: Guard = { index: at, lo, hi: offset }
      parts.push({ lo, hi: offset, e: this.pull(x, inner, whole ? guards : [...guards, guard]) })
    }
    let result = parts.pop()?.e ?? ({ op: 'constant', dtype: n.dtype, value: 0 } satisfies Expr)
    for (const part of parts.reverse()) {
      const condition: Expr = { op: 'inside', dtype: 'bool', guards: [{ index: at, lo: part.lo, hi: part.hi }] }
      result = { op: 'select', dtype: n.dtype, condition, a: part.e, b: result }
    }
    return result
  }

  #gather(n: PNode, index: readonly Index[], guards: readonly Guard[]): Expr {
    const { axis } = n.as('gather')
    const [x, indices] = n.inputs as [PNode, PNode]
    const rank = indices.shape.length
    const at = this.pull(indices, index.slice(axis, axis + rank), guards)
    const t = newVar(Math.max(2, x.shape[axis]))
    const inner = [...index.slice(0, axis), indexOf(t), ...index.slice(axis + rank)]
    const load = this.pull(x, inner, guards)
    if (load.op !== 'load') throw new NeedsBuffer(x)
    const stride = strideOf(load.index, t)
    if (stride === null || load.guards.length !== guards.length) throw new NeedsBuffer(x)
    const base = substitute(load.index, new Map([[t, zero]]))
    return { op: 'gather', dtype: n.dtype, buffer: load.buffer, index: base, at, stride, guards }
  }
}

/** The element of `from` that stands at `index` after a reshape to `to`; extents of 1 are looked through. */
export function reshapeIndex(index: readonly Index[], to: readonly number[], from: readonly number[]): Index[] {
  const squeezedTo = to.filter((d) => d !== 1)
  const squeezedFrom = from.filter((d) => d !== 1)
  if (squeezedTo.length === squeezedFrom.length && squeezedTo.every((d, i) => d === squeezedFrom[i])) {
    const kept = index.filter((_, i) => to[i] !== 1)
    let next = 0
    return from.map((d) => (d === 1 ? zero : kept[next++]))
  }
  return delinearise(linearise(index, stridesOf(to)), from)
}
