/** @file Which kernels may write straight to where a value must end up: cells updated in place, carries and slices of loops. */
import { type Emitted, loadsOf } from './emit-scope.ts'
import type { Group } from './groups.ts'
import type { Location } from './location.ts'
import { bufferBase } from './mark.ts'
import { must } from './must.ts'
import { isLeaf, type PGraph, type PNode } from './pgraph.ts'

/** A root's value must end up at `location`; `cell` is the leaf whose old value that memory holds until then. */
export interface Destination {
  readonly root: PNode
  readonly location: Location
  readonly cell: PNode | null
}

/** A kernel (or loop, or host call) to be run, and what must be done before. */
export interface Work {
  readonly group: Group
  readonly emitted: Emitted | null
  readonly after: Set<Work>
  stage: number
}

export function buffersOf(w: Work): readonly (PNode | 'constants')[] {
  return w.emitted ? w.emitted.buffers : w.group.members[0].inputs.map(bufferBase)
}

function reaches(from: Work, to: Work): boolean {
  const seen = new Set<Work>()
  const stack = [from]
  while (stack.length > 0) {
    const w = must(stack.pop())
    if (w === to) return true
    if (seen.has(w)) continue
    seen.add(w)
    stack.push(...w.after)
  }
  return false
}

/** Host functions may throw; a loop may do what its body may. */
function mayFail({ group, emitted }: Work): boolean {
  return emitted?.fallible ?? group.members.some(({ op, body }) => op === 'hostCall' || (body && checksIndices(body)))
}

function checksIndices(graph: PGraph): boolean {
  return graph.nodes.some(({ op, body }) => op === 'bound' || (body && checksIndices(body)))
}

/** Cells whose old values are read after the last kernel: by those who asked for them, or to be copied to other cells. */
export function readAtEnd(destinations: readonly Destination[], kept: readonly PNode[]): Set<PNode> {
  const wanted = new Set(kept.map(bufferBase))
  for (const d of destinations) if (bufferBase(d.root) !== d.cell) wanted.add(bufferBase(d.root))
  return new Set(destinations.flatMap(({ cell }) => (cell && wanted.has(cell) ? [cell] : [])))
}

/**
 * Lets kernels write directly to destinations where that is safe: every other reader of the memory's old value, and
 * every kernel that may fail, comes first, and nobody reads it at the end (`late`). The rest is copied at the end; those
 * copies are returned.
 */
export function assignDestinations(
  works: readonly Work[],
  destinations: readonly Destination[],
  workOf: ReadonlyMap<PNode, Work>,
  locations: Map<PNode, Location>,
  late: ReadonlySet<PNode>,
): Destination[] {
  const copies: Destination[] = []
  const fallible = works.filter(mayFail)
  const taken = new Set<PNode>()
  for (const d of destinations) {
    const base = bufferBase(d.root)
    const writer = workOf.get(base)
    const first = writer
      ? [...fallible, ...works.filter((w) => d.cell && buffersOf(w).includes(d.cell))].filter((w) => w !== writer)
      : []
    const direct =
      writer?.emitted &&
      !isLeaf(base) &&
      !(d.cell && late.has(d.cell)) &&
      !taken.has(base) &&
      !writer.emitted.fallible &&
      writesInPlace(writer, base, d.cell) &&
      first.every((w) => !reaches(w, writer))
    if (!direct) {
      copies.push(d)
      continue
    }
    taken.add(base)
    locations.set(base, d.location)
    for (const w of first) writer.after.add(w)
  }
  return copies
}

/** Whether the kernel reads the cell only at the very element that it then writes, in the same pass. */
function writesInPlace(w: Work, node: PNode, cell: PNode | null): boolean {
  const { kernel, buffers } = must(w.emitted)
  const old = cell ? buffers.indexOf(cell) : -1
  if (old < 0) return true
  if (kernel.kind === 'scatter') return false
  if (kernel.kind === 'contraction' && (kernel.a.buffer === old || kernel.b.buffer === old)) return false
  const written = buffers.indexOf(node)
  const passes = kernel.kind === 'contraction' ? [{ stores: kernel.stores, reductions: [] }] : kernel.passes
  return passes.every(({ stores, reductions }) => {
    const target = stores.find((s) => s.buffer === written)
    let aligned = true
    const elsewhere = (buffer: number): void => {
      if (buffer === old) aligned = false
    }
    for (const r of reductions) loadsOf(r.value, elsewhere)
    for (const s of stores) {
      loadsOf(s.value, (buffer, index) => {
        if (buffer === old && (!target || index?.key !== target.index.key)) aligned = false
      })
    }
    return aligned
  })
}
