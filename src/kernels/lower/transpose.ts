/**
 * @file Copies and elementwise passes that turn their operands round: where a load is contiguous along another loop
 * than the stores, square tiles of it are read row by row and transposed in registers.
 */
import type { Expr } from '../expr.ts'
import { newVar, strideOf, type Var } from '../index.ts'
import type { Nest, Pass } from '../kernel.ts'
import type { Reg } from '../vector.ts'
import type { Binding, ExprEmitter } from './emit.ts'
import { specialise } from './specialise.ts'
import { survey } from './survey.ts'
import { type Copy, coverage, type VectorPlan } from './vectors.ts'

type Load = Extract<Expr, { op: 'load' }>

/** Elements that lie together in a cache line: tiles are read side by side so that each line is used up. */
const LINE = 16

export interface TransposePlan {
  readonly pass: Pass
  /** The loop along which `loads` are contiguous. */
  readonly u: Var
  /** Counts blocks of u. */
  readonly block: Var
  /** Elements of u in a block. */
  readonly length: number
  readonly loads: readonly Load[]
}

/** Whether a load can be read along `u` and be turned round for lanes along `v`. */
export function turns(e: Load, v: Var, u: Var): boolean {
  const stride = strideOf(e.index, v)
  return e.guards.length === 0 && stride !== null && Math.abs(stride) > 2 && strideOf(e.index, u) === 1
}

export function planTranspose(nest: Nest, v: Var, width: number): TransposePlan | null {
  const [pass] = nest.passes
  if (nest.passes.length !== 1 || pass.inner.length > 0 || pass.reductions.length > 0) return null
  const loads = survey(pass).accesses.filter((e) => e.op === 'load')
  let best: { u: Var; loads: Load[] } | null = null
  for (const u of nest.outer) {
    if (u === v || u.extent < width) continue
    const turned = loads.filter((e) => turns(e, v, u))
    if (turned.length > (best?.loads.length ?? 0)) best = { u, loads: turned }
  }
  if (best === null) return null
  const length = Math.min(Math.ceil(best.u.extent / width) * width, Math.max(width, LINE))
  return { ...best, pass, length, block: newVar(Math.ceil(best.u.extent / length)) }
}

/** The vectors of a block of u: where they start and how many lanes they have. */
export function uVectors(plan: TransposePlan, width: number, reg: Reg | null): Copy[] {
  const { u, length, block } = plan
  const from = reg === null ? (block.extent - 1) * length : 0
  const size = reg === null ? u.extent - from : length
  const out: Copy[] = []
  for (let offset = 0; offset < size; offset += width) {
    const at: Binding = { reg, offset: from + offset, step: length, count: block.extent }
    out.push({ at, lanes: Math.min(width, size - offset) })
  }
  return out
}

/** Writes the tiles of the u vectors and one v vector. */
export function writeTiles(e: ExprEmitter, plan: TransposePlan, rows: VectorPlan, us: readonly Copy[], v: Copy): void {
  const { u, loads } = plan
  const pass = specialise(plan.pass, rows.v, ...coverage(v))
  const { b } = e
  for (const along of us) {
    const turned = loads.map((load) => {
      const a: Reg[] = []
      for (let l = 0; l < b.lanes; l++) {
        if (l >= v.lanes) {
          a.push(a[0])
          continue
        }
        e.bind(rows.v, moved(v.at, l))
        e.bindVector(u, along.at, along.lanes)
        a.push(e.value(load))
      }
      return b.transpose(a)
    })
    for (let j = 0; j < along.lanes; j++) {
      e.bind(u, moved(along.at, j))
      e.bindVector(rows.v, v.at, v.lanes)
      loads.forEach((load, i) => {
        e.preset(load, turned[i][j])
      })
      const values = pass.stores.map((s) => e.value(s.value))
      pass.stores.forEach((s, i) => {
        e.storeValue(s, values[i])
      })
    }
    b.pin()
  }
}

function moved(at: Binding | number, by: number): Binding | number {
  return typeof at === 'number' ? at + by : { ...at, offset: (at.offset ?? 0) + by }
}
