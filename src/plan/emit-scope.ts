/** @file What writing any kernel description needs: its buffers, and what nodes outside the kernel resolve to. */
import { sizeOf, stridesOf } from '../core/shape.ts'
import { type Expr, type Guard, operands, type Store } from '../kernels/expr.ts'
import { constantIndex, type Index, linearise } from '../kernels/index.ts'
import type { BufferInfo, Kernel } from '../kernels/kernel.ts'
import type { Group } from './groups.ts'
import type { PNode } from './pgraph.ts'

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

export class Buffers {
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

export interface Scope {
  readonly group: Group
  readonly stored: Set<PNode>
  readonly context: EmitContext
  readonly buffers: Buffers
  readonly state: { fallible: boolean }
}

/** What any node outside the group resolves to: a load from its buffer, a constant, or null (inline it). */
export function resolveOutside(s: Scope, n: PNode, index: readonly Index[], guards: readonly Guard[]): Expr | null {
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

export function sameIndex(a: readonly Index[], b: readonly Index[]): boolean {
  return a.every((x, i) => x.key === b[i].key)
}

export function store(s: Scope, n: PNode, index: readonly Index[], value: Expr): Store {
  return { buffer: s.buffers.of(n), index: linearise(index, stridesOf(n.shape)), value }
}

export function nameOf(group: Group): string {
  const main = group.members.map((m) => m.op)
  return main.length > 6 ? `${main.slice(0, 5).join('_')}_and_${main.length - 5}_more` : main.join('_')
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
