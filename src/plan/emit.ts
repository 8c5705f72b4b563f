/** @file Writes the kernel description of a group of nodes. */
import { emitContraction, emitScatter } from './emit-contraction.ts'
import { emitNest } from './emit-nest.ts'
import { Buffers, type EmitContext, type Emitted } from './emit-scope.ts'
import type { Group } from './groups.ts'
import type { PNode } from './pgraph.ts'

/**
 * @param stored which members must be written to their buffers (those used outside the group).
 * @throws Misaligned when the members cannot share a kernel, NeedsBuffer when an inlined node cannot be inlined.
 */
export function emitGroup(group: Group, stored: ReadonlySet<PNode>, context: EmitContext): Emitted {
  const buffers = new Buffers()
  const state = { fallible: group.members.some((m) => m.op === 'bound') }
  const scope = { group, stored: new Set(stored), context, buffers, state }
  const kernel =
    group.kind === 'contraction'
      ? emitContraction(scope)
      : group.kind === 'scatter'
        ? emitScatter(scope)
        : emitNest(scope)
  return { kernel, buffers: buffers.nodes, stored: scope.stored, fallible: state.fallible }
}
