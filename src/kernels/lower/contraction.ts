/**
 * @file Contractions on a CPU: matrix products and convolutions as tiles of accumulators in vector registers. The loops
 * are put in canonical form, a plan is chosen by price, and one to three programs are written: pack, multiply, add up.
 */
import type { Var } from '../index.ts'
import type { BufferInfo, Contraction, Lowered, LoweredCall } from '../kernel.ts'
import { ProgramBuilder } from '../program-builder.ts'
import type { Machine, Reg } from '../vector.ts'
import { Arguments } from './contraction-arguments.ts'
import { canonical } from './contraction-dims.ts'
import { Epilogue, epilogueArguments, type Vector } from './contraction-epilogue.ts'
import { flatten, packFlatCall } from './contraction-flat.ts'
import {
  countUnits,
  emitLoops,
  type Level,
  makeLevels,
  type Place,
  type Strides,
  tileLevel,
  UNITS,
  unitLevels,
} from './contraction-loops.ts'
import { makePanels, type Panels, packCall } from './contraction-pack.ts'
import { choosePlan, type Loop, orient, type Plan, product } from './contraction-plan.ts'
import { type Chunks, chooseChunks, partialPlan, sumCall } from './contraction-split.ts'
import { type Access, emitTile, type SumLoop } from './contraction-tile.ts'
import type { Binding } from './emit.ts'

export function lowerContraction(c: Contraction, machine: Machine): Lowered {
  if (c.dims.some((d) => d.role !== 'k' && d.v.extent === 0)) return { calls: [], scratch: [] }
  const form = canonical(c)
  const problems = [orient(form, c.a, c.b, false), orient(form, c.a, c.b, true)]
  const flat = problems.flatMap((p) => flatten(p) ?? [])
  const plan = choosePlan([...problems, ...flat], machine)
  const empty = product(plan.problem.loops.filter((l) => l.role === 'k')) === 0
  const calls: LoweredCall[] = []
  const scratch: number[] = []
  const pack = (side: 'row' | 'col', tile: Loop, width: number): Panels => {
    const panels = makePanels(plan, side, tile, width, scratch.length)
    scratch.push(panels.bytes)
    calls.push((tile.parts ? packFlatCall : packCall)(c.name, plan, panels, machine))
    return panels
  }
  const cols = plan.packed && plan.lane && !empty ? pack('col', plan.lane, plan.vectors * machine.lanes) : null
  const rows = plan.packedRows && plan.rowTile && !empty ? pack('row', plan.rowTile.loop, plan.rowTile.size) : null
  const after = calls.length > 0
  const chunks = chooseChunks(plan, machine)
  if (chunks === null) {
    calls.push({ ...multiplyCall(c, plan, machine, rows, cols, null), after })
    return { calls, scratch }
  }
  const size = product(plan.problem.loops.filter((l) => l.role !== 'k')) * chunks.count
  const buffers: BufferInfo[] = [...c.buffers]
  while (buffers.length < c.buffers.length + scratch.length) buffers.push({ dtype: 'float32', size: 0 })
  buffers.push({ dtype: 'float32', size })
  const partial = partialPlan(plan, chunks, buffers.length - 1)
  calls.push({ ...multiplyCall(c, partial, machine, rows, cols, chunks, buffers), after })
  calls.push(sumCall(c.name, plan, chunks, scratch.length, c.buffers, machine))
  scratch.push(size * 4)
  return { calls, scratch }
}

/** The tiles themselves. With `chunks`, `plan` is that of a chunk, whose results are partial sums. */
function multiplyCall(
  c: Contraction,
  plan: Plan,
  machine: Machine,
  rows: Panels | null,
  cols: Panels | null,
  chunks: Chunks | null,
  buffers: readonly BufferInfo[] = c.buffers,
): LoweredCall {
  const { problem } = plan
  const args = new Arguments(c.buffers.length)
  const rowParameter = args.of(rows ? { scratch: rows.scratch } : { buffer: problem.row.buffer })
  const colParameter = args.of(cols ? { scratch: cols.scratch } : { buffer: problem.col.buffer })
  for (const x of epilogueArguments(problem.stores)) args.of(x)
  const b = new ProgramBuilder(`${c.name} ${describe(plan)}`, machine.lanes, args.list.length + 2)
  const strides = stridesOf(plan, machine, rows, cols)
  const levels = makeLevels(plan, machine, strides, chunks && chunkLevel(plan, chunks, strides))
  const units = unitLevels(levels, UNITS)
  const epilogue = new Epilogue(b, problem.stores, buffers, (x) => args.of(x))
  const start: Place = {
    row: b.addImm(rowParameter, rows ? 0 : problem.row.offset * 4),
    col: b.addImm(colParameter, cols ? 0 : problem.col.offset * 4),
    starts: new Map(),
    sizes: new Map(),
    blocks: new Map(),
  }
  const range = { begin: args.list.length, end: args.list.length + 1 }
  const tiles = new TileBody(b, plan, strides, epilogue, { rows: rows !== null, cols: cols !== null }, chunks)
  const run = (): void => emitLoops(b, levels, units, range, start, (at) => tiles.emit(at))
  if (units === 0) b.if(range.begin, 'lt', range.end, run)
  else run()
  return { program: b.finish(), args: args.list, units: countUnits(levels.slice(0, units)), after: false }
}

/**
 * Writes a contraction, unpacked, into a program of something larger. `row` and `col` are the addresses of its operands'
 * first elements.
 */
export function emitTiles(
  b: ProgramBuilder,
  plan: Plan,
  machine: Machine,
  { row, col }: { readonly row: Reg; readonly col: Reg },
  epilogue: Epilogue,
): void {
  const strides = stridesOf(plan, machine, null, null)
  const tiles = new TileBody(b, plan, strides, epilogue, { rows: false, cols: false }, null)
  const start: Place = { row, col, starts: new Map(), sizes: new Map(), blocks: new Map() }
  emitLoops(b, makeLevels(plan, machine, strides, null), 0, { begin: row, end: row }, start, (at) => tiles.emit(at))
}

function stridesOf(plan: Plan, machine: Machine, rows: Panels | null, cols: Panels | null): Strides {
  const { lane, rowTile } = plan
  return {
    row: byteStrides(rows, 'row'),
    col: byteStrides(cols, 'col'),
    rowTile: rows?.step ?? (rowTile ? rowTile.loop.row * rowTile.size * 4 : 0),
    laneTile: cols?.step ?? (lane ? lane.col * plan.vectors * machine.lanes * 4 : 0),
  }
}

/** Panels know the loops of the whole plan, so they are asked by variable: a chunk's loops are others. */
function byteStrides(panels: Panels | null, side: 'row' | 'col'): (l: Loop) => number {
  if (panels === null) return (l) => l[side] * 4
  const byVar = new Map(Array.from(panels.strides, ([l, bytes]) => [l.v, bytes]))
  return (l) => byVar.get(l.v) ?? 0
}

function chunkLevel(plan: Plan, { loop, each, count, v }: Chunks, strides: Strides): Level {
  const divided = plan.problem.loops.find((l) => l.v === loop.v) ?? loop
  const level = tileLevel({ ...loop, v, extent: count, role: 'batch' }, 1, 0, 0)
  return { ...level, row: strides.row(divided) * each, col: strides.col(divided) * each }
}

/** The plan in a few characters, for profiles: form, tile, what was packed. */
function describe({ form, rowTile, colTile, vectors, packed, packedRows, problem }: Plan): string {
  const columns = `${vectors}${colTile ? `*${colTile.size}` : ''}`
  return `${form} ${rowTile?.size ?? 1}x${columns}${packedRows ? ' rows packed' : ''}${packed ? ' columns packed' : ''}${problem.swapped ? ' swapped' : ''}`
}

/** Sums one tile and hands its vectors to the epilogue. */
class TileBody {
  readonly #b: ProgramBuilder
  readonly #plan: Plan
  readonly #strides: Strides
  readonly #epilogue: Epilogue
  readonly #packed: { readonly rows: boolean; readonly cols: boolean }
  readonly #chunks: Chunks | null
  readonly #sums: readonly SumLoop[]

  constructor(
    b: ProgramBuilder,
    plan: Plan,
    strides: Strides,
    epilogue: Epilogue,
    packed: { readonly rows: boolean; readonly cols: boolean },
    chunks: Chunks | null,
  ) {
    this.#b = b
    this.#plan = plan
    this.#strides = strides
    this.#epilogue = epilogue
    this.#packed = packed
    this.#chunks = chunks
    const summed = plan.problem.loops.filter((l) => l.role === 'k')
    // The lanes of a dot product are its innermost loop.
    if (plan.form === 'dot') summed.sort((p, q) => Number(p === plan.lane) - Number(q === plan.lane))
    this.#sums = summed.map((l) => ({
      extent: l.extent,
      row: strides.row(l),
      col: strides.col(l),
      step: plan.form === 'dot' && l === plan.lane ? b.lanes : 1,
    }))
  }

  /** The summed loops; where the last chunk is shorter than the others, the divided one counts at run time. */
  #loops(place: Place): readonly SumLoop[] {
    const chunks = this.#chunks
    if (chunks === null || chunks.loop.extent % chunks.each === 0) return this.#sums
    const b = this.#b
    const at = place.starts.get(chunks.v) ?? b.int(0)
    const left = b.i2('sub', b.int(chunks.loop.extent), b.i2('mul', at, { imm: chunks.each }))
    const trips = b.i2('min', left, { imm: chunks.each })
    return this.#sums.map((s, i) => (i === 0 ? { ...s, trips } : s))
  }

  emit(place: Place): void {
    if (this.#plan.form === 'dot') this.#dot(place)
    else this.#splat(place)
  }

  #rows(place: Place, lanes: number | 'splat'): Access[] {
    const { rowTile } = this.#plan
    const count = rowTile ? (place.sizes.get(rowTile.loop) ?? 1) : 1
    const stride = this.#packed.rows ? 4 : (rowTile?.loop.row ?? 0) * 4
    return Array.from({ length: count }, (_, i) => ({ offset: i * stride, lanes, stride: 4 }))
  }

  #splat(place: Place): void {
    const { lane, colTile } = this.#plan
    const W = this.#b.lanes
    const rows = this.#rows(place, 'splat')
    const columns = colTile ? (place.sizes.get(colTile.loop) ?? 1) : 1
    const filled = lane ? (place.sizes.get(lane) ?? 1) : 1
    const laneStride = this.#packed.cols || lane === null ? 4 : lane.col * 4
    const cols: (Access & { readonly j: number; readonly x: number; readonly filled: number })[] = []
    for (let j = 0; j < columns; j++) {
      for (let x = 0; x * W < filled; x++) {
        const lanes = Math.min(W, filled - x * W)
        cols.push({
          offset: j * (colTile ? this.#strides.col(colTile.loop) : 0) + x * W * laneStride,
          lanes: this.#packed.cols ? W : lanes,
          stride: laneStride,
          j,
          x,
          filled: lanes,
        })
      }
    }
    const sums = emitTile(this.#b, { rows, cols, sums: this.#loops(place) }, place.row, place.col)
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
    const stride = colTile ? this.#strides.col(colTile.loop) : 0
    const cols = Array.from({ length: count }, (_, j): Access => ({ offset: j * stride, lanes: W, stride: 4 }))
    const sums = emitTile(b, { rows, cols, sums: this.#loops(place) }, place.row, place.col)
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
    if (this.#chunks) at.set(this.#chunks.v, { reg: place.starts.get(this.#chunks.v) ?? null })
    for (const l of problem.loops) {
      if (l.role === 'k') continue
      const plus = l === rowTile?.loop ? row : l === colTile?.loop ? column : l === laneLoop ? lane : 0
      at.set(l.v, { reg: place.starts.get(l.v) ?? null, offset: plus })
    }
    return at
  }
}
