/**
 * @file The innermost part of a contraction: a tile of rows × columns of accumulators in registers, and the loops over
 * the summed dims that fill it. Row offsets are constants within a tile, so that one moving pointer serves all rows.
 */
import type { ProgramBuilder } from '../program-builder.ts'
import type { Reg } from '../vector.ts'

/** Bytes by which one summed loop moves in the two operands. */
export interface SumLoop {
  readonly extent: number
  readonly row: number
  readonly col: number
  /** Instead of `extent`, where a chunk's length is only known at run time. */
  readonly trips?: Reg
  /** Elements consumed by one step: more than 1 where the loop is the vectorised one of a dot product. */
  readonly step: number
}

/** A load of one operand at a constant distance from its pointer. */
export interface Access {
  readonly offset: number
  /** One element in all lanes, or this many elements from consecutive lanes. */
  readonly lanes: number | 'splat'
  /** Bytes from lane to lane. */
  readonly stride: number
}

export interface Tile {
  readonly rows: readonly Access[]
  readonly cols: readonly Access[]
  readonly sums: readonly SumLoop[]
}

/** Multiply-adds that an unrolled body may hold: more makes code larger without making it faster. */
const BODY_BUDGET = 110

/** Sums a tile; returns accumulators `[row][column]`. */
export function emitTile(b: ProgramBuilder, tile: Tile, row: Reg, col: Reg): Reg[][] {
  const zero = b.f32(0)
  const accumulators = tile.rows.map(() => tile.cols.map(() => b.variable(zero)))
  if (!tile.sums.some((s) => s.extent === 0)) new TileWriter(b, tile, accumulators).write(row, col)
  return accumulators
}

/** A pointer and how far it has moved from where the current loop's body began. */
class Pointer {
  readonly #b: ProgramBuilder
  readonly reg: Reg
  at = 0

  constructor(b: ProgramBuilder, start: Reg) {
    this.#b = b
    this.reg = b.variable(start)
  }

  moveTo(at: number): void {
    if (at !== this.at) this.#b.bump(this.reg, at - this.at)
    this.at = at
  }
}

class TileWriter {
  readonly #b: ProgramBuilder
  readonly #tile: Tile
  readonly #accumulators: readonly (readonly Reg[])[]
  readonly #fma: number
  /** The first summed loop whose body is written out in full. */
  readonly #unrolledFrom: number

  constructor(b: ProgramBuilder, tile: Tile, accumulators: readonly (readonly Reg[])[]) {
    this.#b = b
    this.#tile = tile
    this.#accumulators = accumulators
    this.#fma = tile.rows.length * tile.cols.length
    let steps = 1
    let from = tile.sums.length
    while (from > 0) {
      const s = tile.sums[from - 1]
      const times = Math.ceil(s.extent / s.step)
      if (s.trips !== undefined || steps * times * this.#fma > BODY_BUDGET) break
      steps *= times
      from--
    }
    this.#unrolledFrom = from
  }

  write(row: Reg, col: Reg): void {
    const b = this.#b
    const least = (side: readonly Access[]): number => Math.min(...side.map((x) => x.offset))
    const rows = new Pointer(b, b.addImm(row, least(this.#tile.rows)))
    const cols = new Pointer(b, b.addImm(col, least(this.#tile.cols)))
    const walk = new Walk(rows, cols, least(this.#tile.rows), least(this.#tile.cols))
    // Pins lead out of a loop: there must be one.
    if (this.#unrolledFrom > 0) this.#level(walk, 0, 0, 0)
    else b.loop({ imm: 0 }, { imm: 1 }, 1, () => this.#level(walk, 0, 0, 0))
  }

  /** Writes the loops from `i` on, which start at the given offsets from where the loop around them began. */
  #level(walk: Walk, i: number, row: number, col: number): void {
    const { sums } = this.#tile
    if (i === sums.length) {
      this.#step(walk, row, col, Number.POSITIVE_INFINITY)
      return
    }
    const s = sums[i]
    const body = (k: number): void => {
      const left = s.step > 1 ? s.extent - k : Number.POSITIVE_INFINITY
      if (i < sums.length - 1) this.#level(walk, i + 1, row + k * s.row, col + k * s.col)
      else this.#step(walk, row + k * s.row, col + k * s.col, left)
    }
    if (i >= this.#unrolledFrom) {
      for (let k = 0; k < s.extent; k += s.step) body(k)
      return
    }
    const unroll = i === sums.length - 1 && s.trips === undefined ? this.#partialUnroll(s) : 1
    const stride = unroll * s.step
    const whole = Math.floor(s.extent / stride)
    walk.loop(row, col, { row: stride * s.row, col: stride * s.col }, whole, (write) =>
      this.#b.loop({ imm: 0 }, s.trips ?? { imm: whole }, 1, () => {
        write(() => {
          for (let u = 0; u < unroll; u++) {
            const [r, c] = [u * s.step * s.row, u * s.step * s.col]
            if (i < sums.length - 1) this.#level(walk, i + 1, r, c)
            else this.#step(walk, r, c, Number.POSITIVE_INFINITY)
          }
        })
      }),
    )
    if (s.trips === undefined) for (let k = whole * stride; k < s.extent; k += s.step) body(k)
  }

  #partialUnroll(s: SumLoop): number {
    const steps = Math.floor(s.extent / s.step)
    return Math.max(1, Math.min(steps, 2, Math.floor(BODY_BUDGET / 2 / this.#fma)))
  }

  /**
   * One multiply-add for every accumulator. The smaller side is held in registers, the other streams past. `left` limits
   * the lanes of a dot product's last step.
   */
  #step(walk: Walk, row: number, col: number, left: number): void {
    const { rows, cols } = this.#tile
    const b = this.#b
    // V8 folds constants into the addresses of vector loads, but not of splats.
    const [r, c] = walk.reach(row, col, rows[0].lanes === 'splat')
    const loadRow = (i: number): Reg => this.#load(walk.rows.reg, rows[i], r, left)
    const loadCol = (j: number): Reg => this.#load(walk.cols.reg, cols[j], c, left)
    if (cols.length <= rows.length) {
      const held = cols.map((_, j) => loadCol(j))
      rows.forEach((_, i) => {
        const x = loadRow(i)
        held.forEach((y, j) => {
          b.accumulate(this.#accumulators[i][j], x, y)
        })
        b.pin(walk.rows.reg)
      })
    } else {
      const held = rows.map((_, i) => loadRow(i))
      cols.forEach((_, j) => {
        const y = loadCol(j)
        held.forEach((x, i) => {
          b.accumulate(this.#accumulators[i][j], x, y)
        })
        b.pin(walk.cols.reg)
      })
    }
  }

  #load(pointer: Reg, access: Access, at: number, left: number): Reg {
    const offset = at + access.offset
    if (access.lanes === 'splat') return this.#b.loadSplat(pointer, offset)
    const lanes = Math.min(access.lanes, left)
    if (access.stride === 4) return this.#b.load(pointer, offset, 'f32', lanes)
    const pattern = Array.from({ length: lanes }, (_, l) => l * access.stride)
    return this.#b.loadLanes(pointer, offset, pattern)
  }
}

/** The two pointers on their way through the summed loops; they start at the tile's lowest addresses. */
class Walk {
  readonly rows: Pointer
  readonly cols: Pointer
  readonly #leastRow: number
  readonly #leastCol: number

  constructor(rows: Pointer, cols: Pointer, leastRow: number, leastCol: number) {
    this.rows = rows
    this.cols = cols
    this.#leastRow = leastRow
    this.#leastCol = leastCol
  }

  /** Moves the pointers as a loop does: `stride` at every iteration, whatever its body does with them. */
  loop(
    row: number,
    col: number,
    stride: { readonly row: number; readonly col: number },
    times: number,
    write: (body: (inner: () => void) => void) => void,
  ): void {
    this.rows.moveTo(row)
    this.cols.moveTo(col)
    write((inner) => {
      this.rows.at = 0
      this.cols.at = 0
      inner()
      this.rows.moveTo(stride.row)
      this.cols.moveTo(stride.col)
    })
    this.rows.at = row + times * stride.row
    this.cols.at = col + times * stride.col
  }

  /** The constants by which loads at a step's place lie ahead of the pointers, moved where they would lie behind. */
  reach(row: number, col: number, moveRows: boolean): [number, number] {
    if (moveRows || row < this.rows.at) this.rows.moveTo(row)
    if (col < this.cols.at) this.cols.moveTo(col)
    return [row - this.rows.at - this.#leastRow, col - this.cols.at - this.#leastCol]
  }
}
