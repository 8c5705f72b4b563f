/** @file Loops over the vectors of one variable: tiles of several copies in a loop, then those at constant places. */
import type { Var } from '../index.ts'
import type { IntOperand, Reg } from '../vector.ts'
import type { Binding, ExprEmitter } from './emit.ts'
import type { Segment } from './segments.ts'

/** One vector of an unrolled tile. */
export interface Copy {
  readonly at: Binding | number
  readonly lanes: number
}

/** The range of the variable that a copy covers while its register moves. */
export function coverage({ at, lanes }: Copy): readonly [from: number, to: number] {
  if (typeof at === 'number') return [at, at + lanes]
  const { offset = 0, step = 1, count = 1 } = at
  return [offset, offset + step * (count - 1) + lanes]
}

/** A loop over whole tiles. */
export interface Run {
  readonly start: number
  readonly tiles: number
}

export interface VectorPlan {
  readonly v: Var
  /** Vectors in a tile. */
  readonly tile: number
  readonly width: number
  readonly runs: readonly Run[]
  /** Tiles at constant places. */
  readonly rest: readonly (readonly Copy[])[]
}

/** Runs of fewer tiles are written out. */
const LOOP_LEAST = 2

export function planVectors(v: Var, segments: readonly Segment[], tile: number, width: number): VectorPlan {
  const runs: Run[] = []
  const single: Copy[] = []
  for (const { start, vectors, lanes } of segments) {
    const tiles = Math.floor(vectors / tile)
    const looped = tiles >= LOOP_LEAST ? tiles * tile : 0
    if (looped > 0) runs.push({ start, tiles })
    for (let q = looped; q < vectors; q++) single.push({ at: start + q * width, lanes })
  }
  const rest: Copy[][] = []
  for (let i = 0; i < single.length; i += tile) rest.push(single.slice(i, i + tile))
  return { v, tile, width, runs, rest }
}

/** Copies of a tile whose first element is `start + reg`. */
export function tileAt(plan: VectorPlan, run: Run, reg: Reg): Copy[] {
  const step = plan.tile * plan.width
  return Array.from({ length: plan.tile }, (_, t) => ({
    at: { reg, offset: run.start + t * plan.width, step, count: run.tiles },
    lanes: plan.width,
  }))
}

/** A loop over the tiles from … to − 1 of a run; bounds are in tiles when constant, in elements when registers. */
export function loopTiles(
  e: ExprEmitter,
  plan: VectorPlan,
  run: Run,
  from: IntOperand,
  to: IntOperand,
  body: (copies: Copy[]) => void,
): void {
  const step = plan.tile * plan.width
  const bound = (x: IntOperand): IntOperand => (typeof x === 'number' ? x : { imm: x.imm * step })
  e.loop(bound(from), bound(to), step, (reg) => body(tileAt(plan, run, reg)))
}
