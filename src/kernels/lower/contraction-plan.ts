/**
 * @file How to compute a contraction: which operand is read as vectors and which as splats, along which loop the lanes
 * lie, the shape of the register tile, and whether the vectors are packed first. All candidates are priced in cycles.
 */
import type { Store } from '../expr.ts'
import { strideOf, type Var } from '../index.ts'
import type { Machine } from '../vector.ts'
import type { Canonical } from './contraction-dims.ts'

/** One loop; strides in elements. Rows move only the row operand (read as splats), columns only the other. */
export interface Loop {
  readonly v: Var
  readonly extent: number
  readonly role: 'batch' | 'row' | 'col' | 'k'
  readonly row: number
  readonly col: number
  /** Stride in what the first store writes; null where it is not linear. */
  readonly out: number | null
}

export interface Side {
  readonly buffer: number
  /** Elements. */
  readonly offset: number
}

export interface Problem {
  readonly loops: readonly Loop[]
  readonly row: Side
  readonly col: Side
  readonly stores: readonly Store[]
  /** Whether `b` is the row operand. */
  readonly swapped: boolean
}

export interface Plan {
  readonly problem: Problem
  /** splat: lanes are columns. dot: lanes are consecutive summed elements, folded at the end. */
  readonly form: 'splat' | 'dot'
  /** The loop along which lanes lie; null when there is no column to vectorise. */
  readonly lane: Loop | null
  /** Vectors of a tile along the lanes. */
  readonly vectors: number
  readonly rowTile: TileLoop | null
  /** Columns of a tile along another loop than the lanes'. */
  readonly colTile: TileLoop | null
  /** Whether the column (row) operand is copied to panels first. */
  readonly packed: boolean
  readonly packedRows: boolean
  /** Estimated cycles. */
  readonly cost: number
}

export interface TileLoop {
  readonly loop: Loop
  readonly size: number
}

/** The problem with `a` as the row operand, or with `b`. */
export function orient(c: Canonical, a: Side, b: Side, swap: boolean): Problem {
  const loops = c.dims.map((d): Loop => {
    const role = d.role === 'm' ? 'row' : d.role === 'n' ? 'col' : d.role
    const out = c.stores.length > 0 ? strideOf(c.stores[0].index, d.v) : 0
    const common = { v: d.v, extent: d.v.extent, out }
    if (!swap) return { ...common, role, row: d.a, col: d.b }
    return { ...common, role: role === 'row' ? 'col' : role === 'col' ? 'row' : role, row: d.b, col: d.a }
  })
  const common = { loops, stores: c.stores, swapped: swap }
  return swap ? { ...common, row: b, col: a } : { ...common, row: a, col: b }
}

export const product = (loops: readonly Loop[]): number => loops.reduce((n, l) => n * l.extent, 1)

export function choosePlan(problems: readonly Problem[], machine: Machine): Plan {
  let best: Plan | null = null
  for (const problem of problems) {
    for (const plan of candidates(problem, machine)) {
      if (best === null || plan.cost < best.cost) best = plan
    }
  }
  if (best === null) throw new Error('no plan for a contraction')
  return best
}

function* candidates(problem: Problem, machine: Machine): Generator<Plan> {
  const { loops } = problem
  const of = (role: Loop['role']): Loop[] => loops.filter((l) => l.role === role)
  const cols = of('col')
  const packable = distinct(problem, 'col')
  const rowsPackable = distinct(problem, 'row')
  // Besides accumulators and the held side: one register for what streams past, one for a product, one for the target.
  const budget = machine.vectorRegisters - (machine.fused ? 2 : 3)
  const price = (plan: Omit<Plan, 'problem' | 'cost'>): Plan => {
    const whole = { problem, cost: 0, ...plan }
    return { ...whole, cost: cost(whole, machine) }
  }
  for (const rowTile of tileLoops(of('row'), machine.vectorRegisters / 2, false)) {
    const rows = rowTile?.size ?? 1
    const fits = (columns: number): boolean => rows * columns + Math.min(rows, columns) <= budget
    for (const lane of cols.length > 0 ? cols : [null]) {
      const most = lane === null ? 1 : Math.ceil(lane.extent / machine.lanes)
      const others = cols.filter((l) => l !== lane)
      for (let vectors = 1; vectors <= Math.min(most, 8) && fits(vectors); vectors++) {
        const base = { form: 'splat', lane, vectors, rowTile } as const
        for (const packedRows of rowTile !== null && rowsPackable ? [false, true] : [false]) {
          for (const colTile of tileLoops(others, 8, true)) {
            if (fits(vectors * (colTile?.size ?? 1))) yield price({ ...base, colTile, packed: false, packedRows })
          }
          if (packable && lane !== null) yield price({ ...base, colTile: null, packed: true, packedRows })
        }
      }
    }
    for (const lane of of('k')) {
      if (lane.row !== 1 || lane.col !== 1) continue
      for (const colTile of tileLoops(cols, 8, false)) {
        if (fits(colTile?.size ?? 1)) {
          yield price({ form: 'dot', lane, vectors: 1, rowTile, colTile, packed: false, packedRows: false })
        }
      }
    }
  }
}

/** Choices of a loop to tile and by how much; `exact` wants divisors. None at all is a choice where it must be. */
function tileLoops(loops: readonly Loop[], most: number, exact: boolean): (TileLoop | null)[] {
  const found: (TileLoop | null)[] = exact || loops.length === 0 ? [null] : []
  for (const loop of loops) {
    for (let size = exact ? 2 : 1; size <= Math.min(most, loop.extent); size++) {
      if (!exact || loop.extent % size === 0) found.push({ loop, size })
    }
  }
  return found
}

/** Whether no element of an operand is reached twice, so that packing copies it once. */
function distinct({ loops }: Problem, side: 'row' | 'col'): boolean {
  const size = (l: Loop): number => Math.abs(l[side])
  const moving = loops.filter((l) => l.role === side || l.role === 'k' || (l.role === 'batch' && l[side] !== 0))
  let span = 1
  for (const l of moving.sort((p, q) => size(p) - size(q))) {
    if (size(l) < span) return false
    span += size(l) * (l.extent - 1)
  }
  return true
}

// Prices -----------------------------------------------------------------------------------------------------------

function cost(plan: Plan, machine: Machine): number {
  const { problem, form, lane, rowTile, colTile, packed } = plan
  const { lanes } = machine
  const summed = problem.loops.filter((l) => l.role === 'k')
  const tiled = [lane, rowTile?.loop, colTile?.loop]
  const others = problem.loops.filter((l) => l.role !== 'k' && !tiled.includes(l))
  const steps =
    product(summed.filter((l) => l !== lane)) * (form === 'dot' && lane ? Math.ceil(lane.extent / lanes) : 1)
  const laneTiles = form === 'dot' || lane === null ? [[1, 1]] : split(Math.ceil(lane.extent / lanes), plan.vectors)
  const colTiles = colTile === null ? [[1, 1]] : split(colTile.loop.extent, colTile.size)
  const rowTiles = rowTile === null ? [[1, 1]] : split(rowTile.loop.extent, rowTile.size)
  const load =
    packed || form === 'dot' || lane === null || lane.col === 1 ? 1 : Math.abs(lane.col) === 2 ? 3 : lanes + 2
  const miss =
    (packed ? 0 : missCycles(summed, 'col', plan, machine)) +
    (plan.packedRows ? 0 : missCycles(summed, 'row', plan, machine))
  let cycles = 0
  for (const [rows, m] of rowTiles) {
    for (const [vectors, n] of laneTiles) {
      for (const [columns, p] of colTiles) {
        const width = vectors * columns
        const perStep = stepCycles(rows, width, load, machine) + miss
        cycles += m * n * p * (steps * perStep + storeCycles(plan, rows, width, lanes) + 25)
      }
    }
  }
  cycles *= product(others)
  if (packed && lane) cycles += packCycles(plan, 'col', lane)
  if (plan.packedRows && rowTile) cycles += packCycles(plan, 'row', rowTile.loop)
  return cycles
}

/** [tile size, how many such tiles] for a loop of `extent`. */
function split(extent: number, size: number): [number, number][] {
  const whole = Math.floor(extent / size)
  const rest = extent - whole * size
  const tiles: [number, number][] = []
  if (whole > 0) tiles.push([size, whole])
  if (rest > 0) tiles.push([rest, 1])
  return tiles
}

/** Cycles for one step of the summed loops: the busiest of arithmetic, loads and the latency of an addition. */
function stepCycles(rows: number, columns: number, load: number, machine: Machine): number {
  // Vectors gathered from several places also keep the arithmetic units busy.
  const shuffles = (load - 1) * columns
  const arithmetic = (rows * columns) / (machine.fused ? 2 : 1.45) + shuffles * 0.7
  const loads = rows + columns * load
  return Math.max(arithmetic, loads / 2.2, 4) + 0.4 + loads * 0.1
}

function storeCycles(plan: Plan, rows: number, columns: number, lanes: number): number {
  if (plan.form === 'dot') return rows * columns * 7
  return rows * columns * (plan.lane === null || plan.lane.out === 1 ? 2 : 2 + lanes)
}

/** Cycles that a step waits for an operand in memory: every step is a new cache line when it jumps that far. */
function missCycles(summed: readonly Loop[], side: 'row' | 'col', plan: Plan, machine: Machine): number {
  const inner = summed[summed.length - 1]
  if (inner === undefined || plan.form === 'dot') return 0
  const jump = Math.abs(inner[side]) * 4
  if (jump < 64) return 0
  const reuse = summed.filter((l) => Math.abs(l[side]) * 4 < 64)
  const lines = product(summed) / product(reuse)
  if (lines * 64 < machine.l1 / 2) return 0
  return jump >= 2048 && lines > 64 ? 4 : 0.7
}

function packCycles({ problem }: Plan, side: 'row' | 'col', tile: Loop): number {
  const elements = product(problem.loops.filter((l) => l.role === side || l.role === 'k' || l[side] !== 0))
  const transposes = problem.loops.some((l) => l.role === 'k' && l[side] === 1)
  return 3000 + elements * (tile[side] === 1 ? 0.4 : transposes ? 0.8 : 1.5)
}
