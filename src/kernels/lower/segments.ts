/**
 * @file Cuts the range of a vector variable where guards change: between the cuts a guard holds for every lane or for
 * none, and vectors with a cut inside are written out with constant positions, so that no lane needs a check.
 */
import type { Guard } from '../expr.ts'
import { evaluateIndex, strideOf, type Var, variablesOf } from '../index.ts'
import type { Pass } from '../kernel.ts'
import { survey } from './survey.ts'

/** Vectors at `start`, `start + width`, …; where `lanes` is given, the last of them has only so many. */
export interface Segment {
  readonly start: number
  readonly vectors: number
  readonly lanes: number
}

/** Cuts beyond this are left to masks: each may cost a vector of its own. */
const MAX_CUTS = 8

/** Segments that cover 0 … extent − 1, in order. Runs of whole vectors come as one; others have one vector. */
export function segments(v: Var, passes: readonly Pass[], width: number): Segment[] {
  const cuts = new Set<number>()
  for (const p of passes) for (const g of survey(p).guards) noteCuts(g, v, p, cuts)
  const inside = [...cuts].filter((c) => c > 0 && c < v.extent)
  const used = inside.length <= MAX_CUTS ? inside : []
  const whole = Math.floor(v.extent / width)
  const out: Segment[] = []
  let from = 0
  const close = (to: number): void => {
    if (to > from) out.push({ start: from * width, vectors: to - from, lanes: width })
    from = Math.max(from, to)
  }
  for (const c of used.sort((p, q) => p - q)) {
    // A cut inside a vector takes that vector out of the run.
    const q = Math.floor(c / width)
    close(Math.min(q, whole))
    if (c % width !== 0) close(Math.min(q + 1, whole))
  }
  close(whole)
  const rest = v.extent - whole * width
  if (rest > 0) out.push({ start: whole * width, vectors: 1, lanes: rest })
  return out
}

/** Where a guard that depends on v alone, and on loops that are written out, changes. */
function noteCuts(g: Guard, v: Var, pass: Pass, into: Set<number>): void {
  const stride = strideOf(g.index, v)
  if (stride === null || stride === 0) return
  const variables = new Set<Var>()
  variablesOf(g.index, variables)
  variables.delete(v)
  const window = survey(pass).window ? pass.inner.filter((x) => variables.has(x)) : []
  if (window.length < variables.size) return
  for (const values of combinations(window)) {
    const c = evaluateIndex(g.index, values)
    // Holds for v from the first to the last of these.
    const [p, q] = [(g.lo - c) / stride, (g.hi - c) / stride]
    if (stride > 0) into.add(Math.ceil(p)).add(Math.ceil(q))
    else into.add(Math.floor(q) + 1).add(Math.floor(p) + 1)
  }
}

/** All values of some variables. */
export function combinations(vars: readonly Var[]): Map<Var, number>[] {
  let all: Map<Var, number>[] = [new Map()]
  for (const v of vars) {
    all = all.flatMap((values) => Array.from({ length: v.extent }, (_, i) => new Map(values).set(v, i)))
  }
  return all
}
