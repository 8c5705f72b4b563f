/** @file When the kernels of a plan run: stages between which all threads meet. */
import { buffersOf, type Work } from './inplace.ts'
import { isLeaf } from './pgraph.ts'

/**
 * Gives every work its stage, one more than the latest it waits for, and returns them in order of stage. What is computed
 * from leaves alone (padded or repacked weights) waits until just before its first use: its inputs have their memory
 * anyway, and its result would lie around until then.
 */
export function inStages(works: readonly Work[]): Work[] {
  const done = new Set<Work>()
  const visit = (w: Work, path: Set<Work>): void => {
    if (done.has(w)) return
    if (path.has(w)) throw new Error('internal: kernels depend on each other in a circle')
    path.add(w)
    for (const p of w.after) {
      visit(p, path)
      w.stage = Math.max(w.stage, p.stage + 1)
    }
    path.delete(w)
    done.add(w)
  }
  for (const w of works) visit(w, new Set())
  delay(works)
  return [...works].sort((a, b) => a.stage - b.stage || a.group.members[0].id - b.group.members[0].id)
}

function delay(works: readonly Work[]): void {
  const needed = new Map<Work, number>()
  for (const w of works) {
    for (const p of w.after) needed.set(p, Math.min(needed.get(p) ?? Number.POSITIVE_INFINITY, w.stage))
  }
  for (const w of works) {
    const first = needed.get(w)
    if (first !== undefined && w.emitted && !w.emitted.fallible && readsLeavesAlone(w)) w.stage = first - 1
  }
}

/** Nobody waits for such a work but to read it, or to overwrite what it reads: it can be late without anybody else being so. */
function readsLeavesAlone(w: Work): boolean {
  const own = w.emitted?.stored
  return buffersOf(w).every((b) => b === 'constants' || isLeaf(b) || own?.has(b))
}
