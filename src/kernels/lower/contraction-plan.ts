/**
 * @file How to compute a contraction: which operand is read as vectors and which as splats, along which loop the lanes
 * lie, the shape of the register tile, and whether the vectors are packed first. All candidates are priced in cycles.
 */
import { type Expr, operands, type Store } from '../expr.ts'
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
  /** Columns that have no common stride in the operand: the loops that this one is made of, outer to inner. */
  readonly parts?: readonly Part[]
}

export interface Part {
  readonly extent: number
  /** Elements, in the column operand. */
  readonly stride: number
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

/** The cheapest plan. `seen` is told of every one that was priced. */
export function choosePlan(problems: readonly Problem[], machine: Machine, seen?: (plan: Plan) => void): Plan {
  let best: Plan | null = null
  for (const problem of problems) {
    const pricer = new Pricer(problem, machine)
    propose(problem, machine, pricer.rowsMiss, (form, lane, vectors, rowTile, colTile, packed, packedRows) => {
      const cost = pricer.price(form, lane, vectors, rowTile, colTile, packed, packedRows)
      if (best !== null && best.cost <= cost && seen === undefined) return
      const plan = { problem, form, lane, vectors, rowTile, colTile, packed, packedRows, cost }
      seen?.(plan)
      if (best === null || cost < best.cost) best = plan
    })
  }
  if (best === null) throw new Error('no plan for a contraction')
  return best
}

type Consider = (
  form: Plan['form'],
  lane: Loop | null,
  vectors: number,
  rowTile: TileLoop | null,
  colTile: TileLoop | null,
  packed: boolean,
  packedRows: boolean,
) => void

/** Goes through all plans worth pricing. `rowsMiss`: rows where they lie cost more than packed ones. */
function propose(problem: Problem, machine: Machine, rowsMiss: boolean, consider: Consider): void {
  const { loops } = problem
  const of = (role: Loop['role']): Loop[] => loops.filter((l) => l.role === role)
  const cols = of('col')
  const packable = distinct(problem, 'col')
  const rowsPackable = rowsMiss && distinct(problem, 'row')
  // Besides accumulators and the held side: one register for what streams past, one for a product, one for the target.
  const budget = machine.vectorRegisters - (machine.fused ? 2 : 3)
  const composite = cols.filter((l) => l.parts !== undefined)
  const candidates = composite.length > 0 ? composite : cols.length > 0 ? cols : [null]
  const lanes = candidates.map((lane) => {
    const others = cols.filter((l) => l !== lane)
    return { lane, colTiles: tileLoops(others, 8, true), most: lane ? Math.ceil(lane.extent / machine.lanes) : 1 }
  })
  const dots = of('k').filter((l) => l.row === 1 && l.col === 1)
  const dotTiles = dots.length > 0 ? tileLoops(cols, 8, false) : []
  for (const rowTile of tileLoops(of('row'), machine.vectorRegisters / 2, false)) {
    const rows = rowTile?.size ?? 1
    const fits = (lane: Loop | null, vectors: number, across: number): boolean => {
      const columns = issued(vectors, lane, machine) * across
      return rows * columns + Math.min(rows, columns) <= budget
    }
    for (const { lane, colTiles, most } of lanes) {
      const flat = lane?.parts !== undefined
      for (let vectors = 1; vectors <= Math.min(most, 8) && fits(lane, vectors, 1); vectors++) {
        for (const packedRows of rowTile !== null && rowsPackable ? [false, true] : [false]) {
          for (const colTile of colTiles) {
            if (flat || !fits(lane, vectors, colTile?.size ?? 1)) continue
            consider('splat', lane, vectors, rowTile, colTile, false, packedRows)
          }
          if ((packable || flat) && lane !== null) consider('splat', lane, vectors, rowTile, null, true, packedRows)
        }
      }
    }
    for (const lane of composite.length > 0 ? [] : dots) {
      for (const colTile of dotTiles) {
        if (fits(null, 1, colTile?.size ?? 1)) consider('dot', lane, 1, rowTile, colTile, false, false)
      }
    }
  }
}

/**
 * Instructions for so many vectors side by side. They pair up where they are stored side by side, too; `cut`: the last is
 * not a whole vector, and stays alone.
 */
function issued(vectors: number, lane: Loop | null, machine: Machine, cut = false): number {
  if (machine.pairs !== true || lane?.out !== 1) return vectors
  return cut ? Math.ceil((vectors - 1) / 2) + 1 : Math.ceil(vectors / 2)
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

/** Estimates cycles. Plans are many, so what does not depend on the plan is worked out once. */
class Pricer {
  readonly #machine: Machine
  /** Steps of the sum, and elements of the result. */
  readonly #steps: number
  readonly #results: number
  /** Vectors that the epilogue loads and stores for each vector of results. */
  readonly #accesses: number
  readonly #missRow: (lines: number) => number
  readonly #missCol: (lines: number) => number
  readonly #packRow: (tile: Loop) => number
  readonly #packCol: (tile: Loop) => number

  constructor({ loops, stores }: Problem, machine: Machine) {
    this.#machine = machine
    this.#accesses = Math.max(1, countAccesses(stores))
    const summed = loops.filter((l) => l.role === 'k')
    this.#steps = product(summed)
    this.#results = product(loops.filter((l) => l.role !== 'k'))
    this.#missRow = missCycles(summed, 'row', machine)
    this.#missCol = missCycles(summed, 'col', machine)
    this.#packRow = packCycles(loops, 'row')
    this.#packCol = packCycles(loops, 'col')
  }

  /** Whether a step waits for a row: packing rows saves that, and nothing else. */
  get rowsMiss(): boolean {
    return this.#missRow(1) > 0
  }

  price(
    form: Plan['form'],
    lane: Loop | null,
    vectors: number,
    rowTile: TileLoop | null,
    colTile: TileLoop | null,
    packed: boolean,
    packedRows: boolean,
  ): number {
    const { lanes } = this.#machine
    const dot = form === 'dot'
    const laneExtent = lane === null ? 1 : lane.extent
    const laneVectors = Math.ceil(laneExtent / lanes)
    const steps = dot ? (this.#steps / laneExtent) * laneVectors : this.#steps
    const rowExtent = rowTile === null ? 1 : rowTile.loop.extent
    const colExtent = colTile === null ? 1 : colTile.loop.extent
    // Vectors that lie anywhere cross cache lines, the more so the longer they are.
    const anywhere = 1 + (lanes * (this.#machine.pairs === true ? 2 : 1)) / 16
    const apart = Math.abs(lane === null ? 1 : lane.col)
    const load = packed || lane === null ? 1 : dot || apart === 1 ? anywhere : apart === 2 ? 3 : lanes + 2
    const colLines = apart === 1 ? Math.ceil((vectors * lanes * 4) / 64) * (colTile?.size ?? 1) : vectors * lanes
    const missCol = dot || packed ? 0 : this.#missCol(colLines)
    const miss = missCol + (dot || packedRows ? 0 : this.#missRow(1))
    // A vector whose lanes lie apart in the result is stored one by one, and so is all that the epilogue loads with it.
    const apiece = lane === null || lane.out === 1 ? 2 : 2 + lanes * scatterCycles(lane.out)
    const store = dot ? 5 + 2 * this.#accesses : apiece * this.#accesses
    const tiles = (rows: number, width: number, count: number, cut: boolean): number => {
      if (count === 0 || rows === 0 || width === 0) return 0
      const columns = issued(width, dot ? null : lane, this.#machine, cut) * across
      // Columns far from each other touch more cache lines than neighbours do.
      const bytes = dot ? 0 : columns * lanes * 4
      const stream = bytes / streamRate(steps * bytes, this.#machine)
      const step = Math.max(stepCycles(rows, columns, load, this.#machine), stream) + miss + (across - 1) * 0.2
      return count * (steps * step + rows * width * across * store + 25)
    }
    // Whole tiles and those cut off along the rows, the columns or both. Column tiles of splats are exact.
    const size = rowTile === null ? 1 : rowTile.size
    const colSize = colTile === null ? 1 : colTile.size
    const across = dot ? 1 : colSize
    const [extent, width] = dot ? [colExtent, colSize] : [laneVectors, vectors]
    const cut = !dot && laneExtent % lanes !== 0
    const wholeRows = Math.floor(rowExtent / size)
    const restRows = rowExtent % size
    const restCols = cut && extent % width === 0 ? width : extent % width
    const wholeCols = (extent - restCols) / width
    const one =
      tiles(size, width, wholeRows * wholeCols, false) +
      tiles(size, restCols, wholeRows, cut) +
      tiles(restRows, width, wholeCols, false) +
      tiles(restRows, restCols, 1, cut)
    let cycles = (one * this.#results) / (rowExtent * (dot ? colExtent : laneExtent * across))
    if (packed && lane) cycles += this.#packCol(lane)
    if (packedRows && rowTile) cycles += this.#packRow(rowTile.loop)
    return cycles
  }
}

function countAccesses(stores: readonly Store[]): number {
  const seen = new Set<Expr>()
  let count = stores.length
  const visit = (e: Expr): void => {
    if (seen.has(e)) return
    seen.add(e)
    if (e.op === 'load' && e.index.terms.length > 0) count++
    operands(e).forEach(visit)
  }
  for (const s of stores) visit(s.value)
  return count
}

/** Cycles for storing one of several elements that lie `stride` apart; strides of 4 KB fall into few sets of the cache. */
function scatterCycles(stride: number | null): number {
  return stride !== null && stride % 1024 === 0 ? 30 : 2
}

/** Cycles for one step of the summed loops: the busiest of arithmetic, loads and the latency of an addition. */
function stepCycles(rows: number, columns: number, load: number, machine: Machine): number {
  // Vectors gathered from several places also keep the arithmetic units busy.
  const shuffles = Math.max(0, load - 2) * columns
  const { perCycle = 2 } = machine
  const arithmetic = (rows * columns) / (machine.fused ? perCycle : 1.45) + shuffles * 0.7
  const loads = rows + columns * load
  return Math.max(arithmetic, loads / (1.1 * perCycle), 4) + 0.4 + loads * 0.1
}

/** Bytes a cycle at which columns of so many bytes in all pass by, row after row: from the cache that holds them. */
function streamRate(bytes: number, machine: Machine): number {
  if (bytes <= machine.l1 / 2) return 64
  return bytes <= machine.l2 / 2 ? 24 : 8
}

/**
 * Cycles that a step waits for the `lines` cache lines of an operand where every step touches others: little where they are
 * near each other, much where each is on another page.
 */
function missCycles(summed: readonly Loop[], side: 'row' | 'col', machine: Machine): (lines: number) => number {
  const inner = summed[summed.length - 1]
  if (inner === undefined) return () => 0
  const jump = Math.abs(inner[side]) * 4
  if (jump < 64) return () => 0
  const reuse = summed.filter((l) => Math.abs(l[side]) * 4 < 64)
  const steps = product(summed) / product(reuse)
  const wait = jump >= 2048 && steps > 64 ? 4 : 0.7
  return (lines) => (steps * lines * 64 < machine.l1 / 2 ? 0 : wait * lines)
}

function packCycles(loops: readonly Loop[], side: 'row' | 'col'): (tile: Loop) => number {
  const elements = product(loops.filter((l) => l.role === side || l.role === 'k' || l[side] !== 0))
  const transposes = loops.some((l) => l.role === 'k' && l[side] === 1)
  return (tile) => 3000 + elements * (tile.parts ? 1.5 : tile[side] === 1 ? 0.4 : transposes ? 0.8 : 1.5)
}
