/**
 * @file The loops around a contraction's tiles: their order, which of them are divided among threads as work units,
 * and the code that walks them. Every tile shape (whole, or cut off at an end) gets a body of its own.
 */
import type { Var } from '../index.ts'
import type { ProgramBuilder } from '../program-builder.ts'
import type { IntOperand, Machine, Reg } from '../vector.ts'
import { type Loop, type Plan, product } from './contraction-plan.ts'

/** One loop around the tiles. `step` elements of `loop` per iteration; a `block` takes several iterations of its tile loop. */
export interface Level {
  readonly loop: Loop
  readonly kind: 'tile' | 'block'
  readonly step: number
  /** Iterations that are whole, and elements of a last one that is not. */
  readonly whole: number
  readonly rest: number
  /** Bytes per iteration. */
  readonly row: number
  readonly col: number
}

/** Where the walk stands: pointers, and for every loop its position and tile size. */
export interface Place {
  readonly row: Reg
  readonly col: Reg
  /** First element of the current iteration, where not always 0. */
  readonly starts: ReadonlyMap<Var, Reg>
  readonly sizes: ReadonlyMap<Loop, number>
  readonly blocks: ReadonlyMap<Loop, Block>
}

interface Block {
  /** Iterations of the tile loop, from … to - 1; `last` is the index of the last block, `at` the current one. */
  readonly tiles: number
  readonly at: Reg
  readonly last: number
}

/** Work units wanted: enough to balance 16 threads. */
export const UNITS = 32

export const trips = (l: Level): number => l.whole + (l.rest > 0 ? 1 : 0)

/** Byte strides of the operands, where they lie or in panels. */
export interface Strides {
  row(l: Loop): number
  col(l: Loop): number
  /** From tile to tile. */
  readonly rowTile: number
  readonly laneTile: number
}

export function makeLevels(plan: Plan, machine: Machine, strides: Strides, chunks: Level | null): Level[] {
  const { problem, lane, rowTile, colTile, form } = plan
  const of = (role: Loop['role']): Loop[] => problem.loops.filter((l) => l.role === role)
  const plain = (loop: Loop): Level => tileLevel(loop, 1, strides.row(loop), strides.col(loop))
  const outer = (loops: Loop[]): Level[] =>
    loops.filter((l) => l !== lane && l !== rowTile?.loop && l !== colTile?.loop).map(plain)
  const columns: Level[] = []
  if (colTile) {
    const { loop, size } = colTile
    columns.push(tileLevel(loop, size, 0, strides.col(loop) * size))
  }
  if (lane && form === 'splat') columns.push(tileLevel(lane, plan.vectors * machine.lanes, 0, strides.laneTile))
  const rows = rowTile ? [tileLevel(rowTile.loop, rowTile.size, strides.rowTile, 0)] : []
  const summed = product(of('k'))
  const room = machine.l2 / 2
  const rowOuter = outer(of('row'))
  const colOuter = outer(of('col'))
  const levels = [...(chunks ? [chunks] : []), ...outer(of('batch'))]
  // Columns that overflow the cache must not pass by once for every row outside the tile loop.
  const colTail = columns.at(-1)
  if (colTail && rowOuter.length > 0 && product(of('col')) * summed * 4 > room) {
    levels.push(...block(colTail, Math.floor(room / (colTail.step * summed * 4))))
  }
  const groups = rows.length > 0 ? rowGroups(rows[0], rowOuter, of('k'), strides, room) : []
  levels.push(...groups, ...rowOuter)
  if (rows.length > 0 && groups.length === 0) {
    levels.push(...block(rows[0], Math.floor(room / (rows[0].step * summed * 4))))
  }
  levels.push(...colOuter, ...columns, ...rows)
  return levels
}

/**
 * Tiles of images, say, inside loops over places: windows at neighbouring places overlap, but all images pass by from one
 * place to the next. Where they overflow the cache, groups of tiles that do not go round all places one after the other.
 */
function rowGroups(
  tile: Level,
  outer: readonly Level[],
  summed: readonly Loop[],
  strides: Strides,
  room: number,
): Level[] {
  const stride = Math.abs(strides.row(tile.loop))
  if (outer.length === 0 || outer.some((l) => Math.abs(l.row) >= stride)) return []
  const window = summed.map((l): [number, number] => [l.extent, strides.row(l)])
  const bytes = (rows: number): number => touched([...window, [rows, stride]])
  return bytes(tile.loop.extent) <= room ? [] : block(tile, Math.floor(room / bytes(tile.step)))
}

/** Bytes in the cache lines that loops with these extents and byte strides touch. */
function touched(loops: readonly (readonly [number, number])[]): number {
  let [runs, run] = [1, 4]
  for (const [extent, bytes] of loops.map(([n, by]) => [n, Math.abs(by)]).sort((p, q) => p[1] - q[1])) {
    if (bytes <= run + LINE) run += bytes * (extent - 1)
    else runs *= extent
  }
  return runs * Math.ceil(run / LINE) * LINE
}

/** Bytes of a cache line. */
const LINE = 64

export function tileLevel(loop: Loop, step: number, row: number, col: number): Level {
  const whole = Math.floor(loop.extent / step)
  return { loop, kind: 'tile', step, whole, rest: loop.extent - whole * step, row, col }
}

/** A loop over groups of `most` tiles; none where all fit in one. */
function block(tile: Level, most: number): Level[] {
  const count = trips(tile)
  const groups = Math.ceil(count / Math.max(1, most))
  if (groups <= 1) return []
  const each = Math.ceil(count / groups)
  return [{ ...tile, kind: 'block', step: each, whole: Math.ceil(count / each), rest: 0 }]
}

/** How many of the outermost levels make up the work units. */
export function unitLevels(levels: readonly Level[], target: number): number {
  let units = 1
  let n = 0
  // The tile loop inside a block depends on the block's position, so it is no unit of its own.
  while (n < levels.length && units < target && !isBlocked(levels, n)) units *= trips(levels[n++])
  return n
}

const isBlocked = (levels: readonly Level[], n: number): boolean =>
  levels.slice(0, n).some((l) => l.kind === 'block' && l.loop === levels[n].loop)

export const countUnits = (levels: readonly Level[]): number => levels.reduce((n, l) => n * trips(l), 1)

/** Walks all iterations of units begin … end - 1 and calls `body` at each tile. */
export function emitLoops(
  b: ProgramBuilder,
  levels: readonly Level[],
  units: number,
  range: { readonly begin: Reg; readonly end: Reg },
  start: Place,
  body: (at: Place) => void,
): void {
  const walker = new Walker(b, levels, body)
  if (units === 0) walker.level(0, start)
  else b.loop(range.begin, range.end, 1, (unit) => walker.unit(levels.slice(0, units), unit, start))
}

class Walker {
  readonly #b: ProgramBuilder
  readonly #levels: readonly Level[]
  readonly #body: (at: Place) => void

  constructor(b: ProgramBuilder, levels: readonly Level[], body: (at: Place) => void) {
    this.#b = b
    this.#levels = levels
    this.#body = body
  }

  unit(prefix: readonly Level[], unit: Reg, start: Place): void {
    const b = this.#b
    const at: Reg[] = []
    let rest = unit
    for (let i = prefix.length - 1; i > 0; i--) {
      const n = trips(prefix[i])
      at[i] = n === 1 ? b.int(0) : b.i2('rem', rest, { imm: n })
      if (n > 1) rest = b.i2('div', rest, { imm: n })
    }
    at[0] = rest
    const descend = (i: number, place: Place): void => {
      if (i === prefix.length) {
        this.level(i, place)
        return
      }
      const l = prefix[i]
      const whole = (): void => descend(i + 1, this.#enter(place, l, at[i], l.step))
      const cut = (): void => descend(i + 1, this.#enter(place, l, at[i], l.rest))
      if (l.rest === 0) whole()
      else if (l.whole === 0) cut()
      else b.if(at[i], 'lt', { imm: l.whole }, whole, cut)
    }
    descend(0, start)
  }

  level(i: number, place: Place): void {
    if (i === this.#levels.length) {
      this.#body(place)
      return
    }
    const b = this.#b
    const l = this.#levels[i]
    const next = (at: IntOperand, size: number): void => this.level(i + 1, this.#enter(place, l, at, size))
    const group = l.kind === 'tile' ? place.blocks.get(l.loop) : undefined
    if (group === undefined) {
      if (l.whole === 1) next({ imm: 0 }, l.step)
      else if (l.whole > 1) b.loop({ imm: 0 }, { imm: l.whole }, 1, (at) => next(at, l.step))
      if (l.rest > 0) next({ imm: l.whole }, l.rest)
      return
    }
    const from = b.i2('mul', group.at, { imm: group.tiles })
    const to: IntOperand = b.i2('min', b.addImm(from, group.tiles), { imm: l.whole })
    b.loop(from, to, 1, (at) => next(at, l.step))
    if (l.rest > 0) b.if(group.at, 'eq', { imm: group.last }, () => next({ imm: l.whole }, l.rest))
  }

  #enter(place: Place, l: Level, at: IntOperand, size: number): Place {
    const b = this.#b
    const times = (bytes: number): Reg =>
      typeof at !== 'number' ? b.int(at.imm * bytes) : bytes === 1 ? at : b.i2('mul', at, { imm: bytes })
    if (l.kind === 'block') {
      const entry: Block = { tiles: l.step, at: times(1), last: l.whole - 1 }
      return { ...place, blocks: new Map(place.blocks).set(l.loop, entry) }
    }
    const sizes = new Map(place.sizes).set(l.loop, size)
    if (typeof at !== 'number' && at.imm === 0) return { ...place, sizes }
    const move = (pointer: Reg, bytes: number): Reg => {
      if (bytes === 0) return pointer
      return typeof at !== 'number' ? b.addImm(pointer, at.imm * bytes) : b.i2('add', pointer, times(bytes))
    }
    return {
      row: move(place.row, l.row),
      col: move(place.col, l.col),
      starts: new Map(place.starts).set(l.loop.v, times(l.step)),
      sizes,
      blocks: place.blocks,
    }
  }
}
