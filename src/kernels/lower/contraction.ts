/**
 * @file Contractions on a CPU: matrix products and convolutions as tiles of accumulators in vector registers. The loops
 * are put in canonical form, a plan is chosen by price, and one to three programs are written: pack, multiply, add up.
 */
import type { Var } from '../index.ts'
import type { Argument, Contraction, Lowered, LoweredCall } from '../kernel.ts'
import { type Machine, ProgramBuilder, type Reg } from '../vector.ts'
import { canonical } from './contraction-dims.ts'
import { Epilogue, epilogueArguments, type Vector } from './contraction-epilogue.ts'
import { countUnits, emitLoops, makeLevels, type Place, unitLevels } from './contraction-loops.ts'
import { packCall, panelLayout } from './contraction-pack.ts'
import { choosePlan, type Loop, orient, type Plan, product } from './contraction-plan.ts'
import { type Access, emitTile, type SumLoop } from './contraction-tile.ts'
import type { Binding } from './emit.ts'

/** Work units wanted: enough to balance 16 threads. */
const UNITS = 32

export function lowerContraction(c: Contraction, machine: Machine): Lowered {
  if (c.dims.some((d) => d.role !== 'k' && d.v.extent === 0)) return { calls: [], scratch: [] }
  const form = canonical(c)
  const plan = choosePlan([orient(form, c.a, c.b, false), orient(form, c.a, c.b, true)], machine)
  const empty = product(plan.problem.loops.filter((l) => l.role === 'k')) === 0
  const calls: LoweredCall[] = []
  const scratch: number[] = []
  if (plan.packed && plan.lane && !empty) {
    scratch.push(panelLayout(plan, plan.lane, machine).bytes)
    calls.push(packCall(c.name, plan, plan.lane, machine))
  }
  calls.push({ ...multiplyCall(c, plan, machine), after: calls.length > 0 })
  return { calls, scratch }
}

function multiplyCall({ name, buffers }: Contraction, plan: Plan, machine: Machine): LoweredCall {
  const { problem, lane } = plan
  const layout = plan.packed && lane ? panelLayout(plan, lane, machine) : null
  const args: Argument[] = []
  const parameter = (x: Argument): number => {
    const key = JSON.stringify(x)
    const found = args.findIndex((y) => JSON.stringify(y) === key)
    return found >= 0 ? found : args.push(x) - 1
  }
  const rowParameter = parameter({ buffer: problem.row.buffer })
  const colParameter = parameter(layout ? { scratch: 0 } : { buffer: problem.col.buffer })
  for (const x of epilogueArguments(problem.stores)) parameter(x)
  const b = new ProgramBuilder(`${name} ${describe(plan)}`, machine.lanes, args.length + 2)
  const stride = (l: Loop): number => layout?.strides.get(l) ?? (layout && l.role === 'batch' ? 0 : l.col * 4)
  const levels = makeLevels(plan, machine, {
    row: (l) => l.row * 4,
    col: stride,
    laneTile: layout?.laneTile ?? (lane ? lane.col * plan.vectors * machine.lanes * 4 : 0),
  })
  const units = unitLevels(levels, UNITS)
  const epilogue = new Epilogue(b, problem.stores, buffers, parameter)
  const start: Place = {
    row: b.addImm(rowParameter, problem.row.offset * 4),
    col: b.addImm(colParameter, layout ? 0 : problem.col.offset * 4),
    starts: new Map(),
    sizes: new Map(),
    blocks: new Map(),
  }
  const range = { begin: args.length, end: args.length + 1 }
  const tiles = new TileBody(b, plan, stride, epilogue, layout !== null)
  const run = (): void => emitLoops(b, levels, units, range, start, (at) => tiles.emit(at))
  if (units === 0) b.if(range.begin, 'lt', range.end, run)
  else run()
  return { program: b.finish(), args, units: countUnits(levels.slice(0, units)), after: false }
}

/** The plan in a few characters, for profiles: form, tile, `p` where packed. */
function describe({ form, rowTile, colTile, vectors, packed, problem }: Plan): string {
  const columns = `${vectors}${colTile ? `*${colTile.size}` : ''}`
  return `${form}${rowTile?.size ?? 1}x${columns}${packed ? 'p' : ''}${problem.swapped ? 's' : ''}`
}

/** Sums one tile and hands its vectors to the epilogue. */
class TileBody {
  readonly #b: ProgramBuilder
  readonly #plan: Plan
  readonly #colStride: (l: Loop) => number
  readonly #epilogue: Epilogue
  readonly #packed: boolean
  readonly #sums: readonly SumLoop[]

  constructor(b: ProgramBuilder, plan: Plan, colStride: (l: Loop) => number, epilogue: Epilogue, packed: boolean) {
    this.#b = b
    this.#plan = plan
    this.#colStride = colStride
    this.#epilogue = epilogue
    this.#packed = packed
    const summed = plan.problem.loops.filter((l) => l.role === 'k')
    // The lanes of a dot product are its innermost loop.
    if (plan.form === 'dot') summed.sort((p, q) => Number(p === plan.lane) - Number(q === plan.lane))
    this.#sums = summed.map((l) => ({
      extent: l.extent,
      row: l.row * 4,
      col: colStride(l),
      step: l === plan.lane ? b.lanes : 1,
    }))
  }

  emit(place: Place): void {
    if (this.#plan.form === 'dot') this.#dot(place)
    else this.#splat(place)
  }

  #rows(place: Place, lanes: number | 'splat'): Access[] {
    const { rowTile } = this.#plan
    const count = rowTile ? (place.sizes.get(rowTile.loop) ?? 1) : 1
    const stride = (rowTile?.loop.row ?? 0) * 4
    return Array.from({ length: count }, (_, i) => ({ offset: i * stride, lanes, stride: 4 }))
  }

  #splat(place: Place): void {
    const { lane, colTile } = this.#plan
    const W = this.#b.lanes
    const rows = this.#rows(place, 'splat')
    const columns = colTile ? (place.sizes.get(colTile.loop) ?? 1) : 1
    const filled = lane ? (place.sizes.get(lane) ?? 1) : 1
    const laneStride = this.#packed || lane === null ? 4 : lane.col * 4
    const cols: (Access & { readonly j: number; readonly x: number; readonly filled: number })[] = []
    for (let j = 0; j < columns; j++) {
      for (let x = 0; x * W < filled; x++) {
        const lanes = Math.min(W, filled - x * W)
        cols.push({
          offset: j * (colTile ? this.#colStride(colTile.loop) : 0) + x * W * laneStride,
          lanes: this.#packed ? W : lanes,
          stride: laneStride,
          j,
          x,
          filled: lanes,
        })
      }
    }
    const sums = emitTile(this.#b, { rows, cols, sums: this.#sums }, place.row, place.col)
    const vectors: Vector[] = []
    rows.forEach((_, i) => {
      cols.forEach((c, n) => {
        vectors.push({
          value: sums[i][n],
          at: this.#at(place, i, c.j, c.x * W),
          lane: lane?.v ?? null,
          lanes: c.filled,
        })
      })
    })
    this.#epilogue.store(vectors)
  }

  #dot(place: Place): void {
    const b = this.#b
    const { colTile, rowTile } = this.#plan
    const W = b.lanes
    const rows = this.#rows(place, W)
    const count = colTile ? (place.sizes.get(colTile.loop) ?? 1) : 1
    const stride = colTile ? this.#colStride(colTile.loop) : 0
    const cols = Array.from({ length: count }, (_, j): Access => ({ offset: j * stride, lanes: W, stride: 4 }))
    const sums = emitTile(b, { rows, cols, sums: this.#sums }, place.row, place.col)
    // Single results become vectors again along the side of the tile that lies closer in the result.
    const alongRows = Math.abs(rowTile?.loop.out ?? 1e9) < Math.abs(colTile?.loop.out ?? 1e9)
    const lane = alongRows ? rowTile?.loop : colTile?.loop
    const [across, along] = alongRows ? [count, rows.length] : [rows.length, count]
    const vectors: Vector[] = []
    for (let p = 0; p < across; p++) {
      for (let q = 0; q < along; q += W) {
        const lanes = Math.min(W, along - q)
        const parts = Array.from({ length: lanes }, (_, l) => (alongRows ? sums[q + l][p] : sums[p][q + l]))
        const at = alongRows ? this.#at(place, q, p, 0) : this.#at(place, p, q, 0)
        vectors.push({ value: this.#foldAll(parts), at, lane: lane?.v ?? null, lanes })
      }
    }
    this.#epilogue.store(vectors)
  }

  /** One vector of the sums over the lanes of each part. */
  #foldAll(parts: readonly Reg[]): Reg {
    const b = this.#b
    if (b.lanes === 4 && parts.length > 2) {
      const zero = b.f32(0)
      const [p, q, r, s] = b.transpose([0, 1, 2, 3].map((i) => parts[i] ?? zero))
      return b.v2('f.add', b.v2('f.add', p, r), b.v2('f.add', q, s))
    }
    let all = b.fold('f.add', parts[0])
    for (let l = 1; l < parts.length; l++) {
      const mask = b.laneConst(Array.from({ length: b.lanes }, (_, i) => (i === l ? -1 : 0)))
      all = b.v3('select', mask, b.fold('f.add', parts[l]), all)
    }
    return all
  }

  /** Values of the result's variables at row i, column j of the tile, and lane 0 of the vector. */
  #at(place: Place, row: number, column: number, lane: number): Vector['at'] {
    const { problem, rowTile, colTile, lane: laneLoop } = this.#plan
    const at = new Map<Var, Binding>()
    for (const l of problem.loops) {
      if (l.role === 'k') continue
      const plus = l === rowTile?.loop ? row : l === colTile?.loop ? column : l === laneLoop ? lane : 0
      at.set(l.v, { reg: place.starts.get(l.v) ?? null, offset: plus })
    }
    return at
  }
}
