/**
 * @file The innermost part of a contraction: a tile of rows × columns of accumulators in registers, and the loops over
 * the summed dims that fill it. Row offsets are constants within a tile, so that one moving pointer serves all rows.
 */
import type { ProgramBuilder, Reg } from '../vector.ts'

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
  if (tile.sums.some((s) => s.extent === 0)) return accumulators
  const writer = new TileWriter(b, tile, accumulators)
  const least = writer.leastOffsets()
  writer.run(b.variable(b.addImm(row, least.row)), b.variable(b.addImm(col, least.col)), least)
  return accumulators
}

interface Offsets {
  readonly row: number
  readonly col: number
}

class TileWriter {
  readonly #b: ProgramBuilder
  readonly #tile: Tile
  readonly #accumulators: readonly (readonly Reg[])[]
  readonly #fma: number
  #rowPointer: Reg = 0
  #colPointer: Reg = 0
  #least: Offsets = { row: 0, col: 0 }
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

  /** The smallest offsets that unrolled steps reach: pointers start there, because constants must not be negative. */
  leastOffsets(): Offsets {
    let row = Math.min(...this.#tile.rows.map((r) => r.offset))
    let col = Math.min(...this.#tile.cols.map((c) => c.offset))
    const { sums } = this.#tile
    const reach = (s: SumLoop, elements: number): void => {
      row += Math.min(0, elements * s.row)
      col += Math.min(0, elements * s.col)
    }
    sums.slice(this.#unrolledFrom).forEach((s) => {
      reach(s, (Math.ceil(s.extent / s.step) - 1) * s.step)
    })
    const last = sums.length - 1
    if (last >= 0 && this.#unrolledFrom > last && sums[last].trips === undefined) {
      const s = sums[last]
      const unroll = this.#partialUnroll(Math.floor(s.extent / s.step))
      reach(s, Math.max(unroll - 1, Math.ceil(s.extent / s.step) % unroll) * s.step)
    }
    return { row, col }
  }

  run(row: Reg, col: Reg, least: Offsets): void {
    this.#rowPointer = row
    this.#colPointer = col
    this.#least = least
    this.#level(0, 0, 0)
  }

  /** Writes loops from `i` on with constant offsets so far; returns by how much the pointers have moved. */
  #level(i: number, row: number, col: number): Offsets {
    const { sums } = this.#tile
    if (i === sums.length) {
      this.#step(row, col, Number.POSITIVE_INFINITY)
      return { row: 0, col: 0 }
    }
    const s = sums[i]
    if (i >= this.#unrolledFrom) {
      for (let k = 0; k < s.extent; k += s.step) this.#inner(i, row + k * s.row, col + k * s.col, left(s, k))
      return { row: 0, col: 0 }
    }
    const innermost = i === sums.length - 1
    const unroll = innermost && s.trips === undefined ? this.#partialUnroll(Math.floor(s.extent / s.step)) : 1
    const stride = unroll * s.step
    const whole = Math.floor(s.extent / stride)
    this.#b.loop({ imm: 0 }, s.trips ?? { imm: whole }, 1, () => {
      let moved: Offsets = { row: 0, col: 0 }
      for (let u = 0; u < unroll; u++) {
        const k = u * s.step
        moved = this.#inner(i, row + k * s.row, col + k * s.col, Number.POSITIVE_INFINITY)
      }
      this.#bump(this.#rowPointer, stride * s.row - moved.row)
      this.#bump(this.#colPointer, stride * s.col - moved.col)
    })
    for (let k = whole * stride; s.trips === undefined && k < s.extent; k += s.step) {
      const rest = k - whole * stride
      this.#inner(i, row + rest * s.row, col + rest * s.col, left(s, k))
    }
    return { row: whole * stride * s.row, col: whole * stride * s.col }
  }

  /** The body of loop `i`, of which `left` elements remain. */
  #inner(i: number, row: number, col: number, left: number): Offsets {
    if (i < this.#tile.sums.length - 1) return this.#level(i + 1, row, col)
    this.#step(row, col, left)
    return { row: 0, col: 0 }
  }

  #partialUnroll(steps: number): number {
    return Math.max(1, Math.min(steps, 2, Math.floor(BODY_BUDGET / 2 / this.#fma)))
  }

  #bump(pointer: Reg, bytes: number): void {
    if (bytes !== 0) this.#b.bump(pointer, bytes)
  }

  /** One multiply-add for every accumulator. The smaller side is held in registers, the other streams past. */
  #step(row: number, col: number, left: number): void {
    const { rows, cols } = this.#tile
    const loadRow = (i: number): Reg => this.#load(this.#rowPointer, rows[i], row - this.#least.row, left)
    const loadCol = (j: number): Reg => this.#load(this.#colPointer, cols[j], col - this.#least.col, left)
    const b = this.#b
    if (cols.length <= rows.length) {
      const held = cols.map((_, j) => loadCol(j))
      rows.forEach((_, i) => {
        const x = loadRow(i)
        held.forEach((y, j) => {
          b.accumulate(this.#accumulators[i][j], x, y)
        })
        b.pin()
      })
    } else {
      const held = rows.map((_, i) => loadRow(i))
      cols.forEach((_, j) => {
        const y = loadCol(j)
        held.forEach((x, i) => {
          b.accumulate(this.#accumulators[i][j], x, y)
        })
        b.pin()
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

/** Lanes that a dot product's step at element k may still read; other steps read no lanes of the summed loop. */
function left(s: SumLoop, k: number): number {
  return s.step > 1 ? s.extent - k : Number.POSITIVE_INFINITY
}
