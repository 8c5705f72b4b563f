/**
 * @file Groups nodes into kernels. Every node with a buffer starts as a kernel of its own; then producers and consumers
 * over the same iteration space are merged as long as no dependency runs through a third kernel.
 */
import { sizeOf } from '../core/shape.ts'
import { emitGroup } from './emit.ts'
import { type EmitContext, type Emitted, Misaligned } from './emit-scope.ts'
import { categoryOf } from './mark.ts'
import { must } from './must.ts'
import type { PNode } from './pgraph.ts'

export type GroupKind = 'nest' | 'contraction' | 'scatter' | 'host' | 'loop'

export interface Group {
  readonly kind: GroupKind
  /** In topological order; for a contraction, host call or loop the node itself first. */
  readonly members: readonly PNode[]
  readonly memberSet: ReadonlySet<PNode>
  /** Members with one value per outer iteration: reductions and what is computed from them alone. */
  readonly rows: ReadonlySet<PNode>
  /** Iteration space without extents of 1, and the positions in it that are reduced over. */
  readonly space: readonly number[]
  readonly reduced: readonly number[]
  /** Windows iterate over their own extents instead; `key` tells equal ones. */
  readonly window: { readonly extents: readonly number[]; readonly key: string } | null
  /** A contraction's result as the rest of the graph sees it: the node, or a permutation of it. */
  readonly out: PNode | null
  /** Nodes with buffers that computing `n` reads. */
  readonly reads: (n: PNode) => ReadonlySet<PNode>
}

export interface Grouping {
  readonly groups: readonly Group[]
  /** The kernels of those groups for which they have been written to see whether they can be. */
  readonly emitted: ReadonlyMap<Group, Emitted>
  readonly groupOf: ReadonlyMap<PNode, Group>
  readonly reads: (n: PNode) => ReadonlySet<PNode>
}

const squeeze = (shape: readonly number[]): number[] => shape.filter((d) => d !== 1)
const equal = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((x, i) => x === b[i])

/** Memoised: nodes with buffers reached from the operands of `n` through inlined nodes. */
export function readsThrough(marked: ReadonlySet<PNode>): (n: PNode) => ReadonlySet<PNode> {
  const memo = new Map<PNode, ReadonlySet<PNode>>()
  const reads = (n: PNode): ReadonlySet<PNode> => {
    const old = memo.get(n)
    if (old) return old
    const found = new Set<PNode>()
    memo.set(n, found)
    for (const x of n.inputs) {
      if (marked.has(x)) found.add(x)
      else for (const y of reads(x)) found.add(y)
    }
    return found
  }
  return reads
}

export function makeGroups(
  nodes: readonly PNode[],
  marked: Set<PNode>,
  context: EmitContext,
  roots: ReadonlySet<PNode>,
  fuse: boolean,
): Grouping {
  const outs = fuse ? contractionOuts(nodes, marked, roots) : new Map<PNode, PNode>()
  for (const [node, out] of outs) if (node !== out) marked.add(out)
  const reads = readsThrough(marked)
  const initial = new Map<PNode, Group>()
  const absorbed = new Set([...outs].filter(([node, out]) => node !== out).map(([, out]) => out))
  for (const n of nodes) {
    if (!marked.has(n) || absorbed.has(n)) continue
    const category = categoryOf(n)
    if (category === 'leaf' || category === 'output') continue
    const g = singleGroup(n, outs.get(n) ?? n, reads)
    for (const m of g.memberSet) initial.set(m, g)
  }
  if (!fuse) return { groups: [...new Set(initial.values())], emitted: new Map(), groupOf: initial, reads }
  const merged = new Merger(initial, reads, context, roots).run()
  return { ...merged, reads }
}

/** A contraction that only a permutation uses stores its result permuted, unless that user is read in place. */
function contractionOuts(
  nodes: readonly PNode[],
  marked: ReadonlySet<PNode>,
  roots: ReadonlySet<PNode>,
): Map<PNode, PNode> {
  const outs = new Map<PNode, PNode>()
  for (const n of nodes) {
    if (categoryOf(n) !== 'contraction') continue
    let out = n
    while (!roots.has(out) && out.users.length === 1 && out.users[0].op === 'permute') {
      const next = out.users[0]
      if (!marked.has(next) && next.users.every((u) => u.op === 'permute' || categoryOf(u) === 'contraction')) break
      out = next
    }
    outs.set(n, out)
  }
  return outs
}

function singleGroup(n: PNode, out: PNode, reads: Group['reads']): Group {
  const base = {
    members: [n],
    memberSet: new Set([n, out]),
    reads,
    window: null,
    out: null,
    rows: new Set<PNode>(),
    reduced: [],
  }
  switch (categoryOf(n)) {
    case 'contraction':
      return { ...base, kind: 'contraction', space: squeeze(out.shape), out }
    case 'scatter':
      return { ...base, kind: 'scatter', space: squeeze(n.shape) }
    case 'host':
      return { ...base, kind: 'host', space: [] }
    case 'loop':
      return { ...base, kind: 'loop', space: [] }
    case 'window': {
      const attrs = n.as('windowSum')
      const key = JSON.stringify(attrs) + n.inputs[0].id
      return {
        ...base,
        kind: 'nest',
        space: squeeze(n.shape),
        rows: new Set([n]),
        window: { extents: attrs.window, key },
      }
    }
    case 'reduce':
    case 'cumulative': {
      const x = n.inputs[0]
      const axes =
        n.op === 'argmax' || n.op === 'argmin' || n.op === 'cumsum' || n.op === 'cumprod'
          ? [n.as('argmax').axis]
          : n.as('reduceSum').axes
      const kept = x.shape
        .map((d, axis) => ({ d, axis }))
        .filter(({ d, axis }) => d !== 1 || (axes.includes(axis) && axes.length === 1))
      const reduced = kept.flatMap(({ axis }, position) => (axes.includes(axis) ? [position] : []))
      const rows = categoryOf(n) === 'reduce' ? new Set([n]) : new Set<PNode>()
      return { ...base, kind: 'nest', space: kept.map((k) => k.d), reduced, rows }
    }
    default:
      return { ...base, kind: 'nest', space: squeeze(n.shape) }
  }
}

class Merger {
  /** The group that each node belongs to now. */
  readonly #of: Map<PNode, Group>
  readonly #reads: Group['reads']
  readonly #context: EmitContext
  readonly #roots: ReadonlySet<PNode>
  readonly #emitted = new Map<Group, Emitted>()

  constructor(initial: Map<PNode, Group>, reads: Group['reads'], context: EmitContext, roots: ReadonlySet<PNode>) {
    this.#of = initial
    this.#reads = reads
    this.#context = context
    this.#roots = roots
  }

  run(): Pick<Grouping, 'groups' | 'emitted' | 'groupOf'> {
    for (const start of new Set(this.#of.values())) {
      // Merge into producers until nothing changes; later producers first, so that chains collapse from the end.
      let g = must(this.#of.get(start.members[0]))
      for (let again = true; again; ) {
        again = false
        const producers = [...this.#dependencies(g)].sort(
          (a, b) => must(b.members.at(-1)).id - must(a.members.at(-1)).id,
        )
        for (const p of producers) {
          const joined = this.#vertical(p, g)
          if (!joined) continue
          this.#replace(joined, p, g)
          g = joined
          again = true
          break
        }
      }
    }
    this.#siblings()
    return { groups: [...new Set(this.#of.values())], emitted: this.#emitted, groupOf: this.#of }
  }

  #replace(joined: Group, ...old: Group[]): void {
    for (const o of old) for (const n of o.memberSet) this.#of.set(n, joined)
  }

  #dependencies(g: Group): Set<Group> {
    const found = new Set<Group>()
    for (const m of g.members) {
      for (const r of this.#reads(m)) {
        const p = this.#of.get(r.op === 'output' ? r.inputs[0] : r)
        if (p && p !== g) found.add(p)
      }
    }
    return found
  }

  /** Whether `from` depends on `to` other than directly. */
  #indirect(from: Group, to: Group): boolean {
    const seen = new Set<Group>([from, to])
    const stack = [...this.#dependencies(from)].filter((d) => d !== to)
    while (stack.length > 0) {
      const g = must(stack.pop())
      if (seen.has(g)) continue
      seen.add(g)
      for (const d of this.#dependencies(g)) {
        if (d === to) return true
        stack.push(d)
      }
    }
    return false
  }

  #dependsOn(from: Group, to: Group): boolean {
    return this.#dependencies(from).has(to) || this.#indirect(from, to)
  }

  #vertical(p: Group, g: Group): Group | null {
    const shape = joinedShape(p, g)
    if (!shape || this.#indirect(g, p)) return null
    return this.#try(p, g, shape)
  }

  /** Independent kernels over the same space that read the same large operand become one. */
  #siblings(): void {
    const bySpace = new Map<string, Group[]>()
    for (const g of new Set(this.#of.values())) {
      if (g.kind !== 'nest' || g.members.some((m) => m.op === 'cumsum' || m.op === 'cumprod')) continue
      const key = `${g.space}|${g.reduced}|${g.window?.key ?? ''}`
      const list = bySpace.get(key)
      if (list) list.push(g)
      else bySpace.set(key, [g])
    }
    for (const list of bySpace.values()) {
      for (let i = 0; i < list.length; i++) {
        for (let j = i + 1; j < list.length; j++) {
          const a = list[i]
          const b = list[j]
          if (!this.#shareOperand(a, b) || this.#dependsOn(b, a) || this.#dependsOn(a, b)) continue
          const joined = this.#try(a, b, { space: a.space, reduced: a.reduced, window: a.window, asRow: false })
          if (!joined) continue
          this.#replace(joined, a, b)
          list[i] = joined
          list.splice(j--, 1)
        }
      }
    }
  }

  #shareOperand(a: Group, b: Group): boolean {
    const size = sizeOf(a.space)
    const read = new Set(a.members.flatMap((m) => [...this.#reads(m)]))
    return b.members.some((m) => [...this.#reads(m)].some((r) => read.has(r) && 2 * sizeOf(r.shape) >= size))
  }

  #try(p: Group, g: Group, shape: Joined): Group | null {
    const members = [...p.members, ...g.members]
    if (p.kind !== 'contraction') members.sort((a, b) => a.id - b.id)
    const rows = new Set([...p.rows, ...g.rows])
    if (shape.asRow) for (const m of shape.rowMembers ?? []) rows.add(m)
    const reads = this.#reads
    const joined: Group = {
      kind: p.kind === 'contraction' ? 'contraction' : 'nest',
      members,
      memberSet: new Set([...p.memberSet, ...g.memberSet]),
      rows,
      space: shape.space,
      reduced: shape.reduced,
      window: shape.window,
      out: p.out,
      reads,
    }
    if (members.length > 24) return null
    const emitted = tryEmit(joined, storedMembers(joined, this.#context.marked, this.#roots), this.#context)
    if (!emitted || emitted.buffers.length > 28) return null
    this.#emitted.set(joined, emitted)
    return joined
  }
}

/** Members that must reach memory: roots, and those that nodes outside the group read. */
export function storedMembers(g: Group, marked: ReadonlySet<PNode>, roots: ReadonlySet<PNode>): Set<PNode> {
  const stored = new Set<PNode>()
  for (const m of g.memberSet) {
    if (g.out && m === g.members[0] && m !== g.out) continue
    if (roots.has(m) || usedOutside(m, g, marked)) stored.add(m)
  }
  return stored
}

function usedOutside(m: PNode, g: Group, marked: ReadonlySet<PNode>): boolean {
  const seen = new Set<PNode>()
  const stack = [...m.users]
  while (stack.length > 0) {
    const u = must(stack.pop())
    if (seen.has(u) || g.memberSet.has(u)) continue
    seen.add(u)
    // An inlined node passes the use on to whoever inlines it; a node with a buffer is the use itself.
    if (marked.has(u)) return true
    stack.push(...u.users)
  }
  return false
}

function tryEmit(g: Group, stored: ReadonlySet<PNode>, context: EmitContext): Emitted | null {
  try {
    return emitGroup(g, stored, context)
  } catch (error) {
    if (error instanceof Misaligned) return null
    throw error
  }
}

interface Joined {
  readonly space: readonly number[]
  readonly reduced: readonly number[]
  readonly window: Group['window']
  readonly asRow: boolean
  readonly rowMembers?: readonly PNode[]
}

const plain = (g: Group): boolean =>
  g.kind === 'nest' && g.reduced.length === 0 && g.window === null && g.rows.size === 0
const reducing = (g: Group): boolean => g.kind === 'nest' && g.reduced.length > 0 && g.rows.size > 0
const outerOf = (g: Group): number[] => g.space.filter((_, i) => !g.reduced.includes(i))

/** Few rows cannot keep threads busy: element-level work then stays in a kernel of its own. */
function enoughRows(g: Group): boolean {
  return sizeOf(outerOf(g)) >= 8 || sizeOf(g.space) <= 4096
}

/** The iteration space that producer `p` and consumer `g` could share, or null. */
function joinedShape(p: Group, g: Group): Joined | null {
  if (p.kind === 'contraction') {
    return plain(g) && sizeOf(g.space) === sizeOf(p.space)
      ? { space: p.space, reduced: [], window: null, asRow: false }
      : null
  }
  if (p.kind !== 'nest' || g.kind !== 'nest') return null
  if (plain(p) && plain(g)) return equal(p.space, g.space) ? { ...p, asRow: false } : null
  if (p.window) {
    return plain(g) && equal(p.space, g.space)
      ? { space: p.space, reduced: [], window: p.window, asRow: true, rowMembers: g.members }
      : null
  }
  if (g.window) return null
  if (reducing(p) && plain(g)) {
    if (equal(p.space, g.space) && enoughRows(p)) return { ...p, asRow: false }
    if (equal(outerOf(p), g.space)) return { ...p, asRow: true, rowMembers: g.members }
    return null
  }
  if (plain(p) && reducing(g)) {
    const innermost = g.reduced.includes(g.space.length - 1)
    if (equal(p.space, g.space) && innermost && enoughRows(g)) return { ...g, asRow: false }
    if (equal(p.space, outerOf(g))) return { ...g, asRow: true, rowMembers: p.members }
    return null
  }
  if (reducing(p) && reducing(g) && equal(p.space, g.space) && equal(p.reduced, g.reduced))
    return { ...p, asRow: false }
  return null
}
