/**
 * @file How the tiles of a Winograd convolution lie in its images, and how they are read and written. Tiles are counted
 * image by image, row by row. A strip is a row of tiles, or a whole image of few; strips are cut into groups of at most
 * `lanes` tiles, one for each lane.
 */
import type { ProgramBuilder } from '../program-builder.ts'
import type { Reg } from '../vector.ts'
import type { Value } from './winograd-algebra.ts'
import type { Conv3x3 } from './winograd-match.ts'

export interface Tiling {
  /** Outputs of a tile along each axis. */
  readonly m: number
  /** Outputs of an image. */
  readonly height: number
  readonly width: number
  /** Tiles of an image along each axis, and of a strip. */
  readonly down: number
  readonly across: number
  readonly stripRows: number
  readonly stripTiles: number
  /** Strips of an image, and of all. */
  readonly perImage: number
  readonly strips: number
  readonly tiles: number
}

export function makeTiling({ images, rows, cols }: Conv3x3, m: number, lanes: number): Tiling {
  const [height, width] = [rows.extent, cols.extent]
  const down = Math.ceil(height / m)
  const across = Math.ceil(width / m)
  const stripRows = down * across <= lanes ? down : 1
  const perImage = down / stripRows
  return {
    m,
    height,
    width,
    down,
    across,
    stripRows,
    stripTiles: stripRows * across,
    perImage,
    strips: images.extent * perImage,
    tiles: images.extent * down * across,
  }
}

export interface Strip {
  readonly image: Reg
  /** First output row. */
  readonly row: Reg
  /** Output rows of a strip of this kind. */
  readonly height: number
}

/** Calls `body` with strip number `index`; once for strips that an image's lower edge cuts off, and once for others. */
export function emitStrip(b: ProgramBuilder, t: Tiling, index: Reg, body: (strip: Strip) => void): void {
  const image = t.perImage === 1 ? index : b.i2('div', index, { imm: t.perImage })
  const within = t.perImage === 1 ? b.int(0) : b.i2('rem', index, { imm: t.perImage })
  const whole = t.stripRows * t.m
  const row = b.i2('mul', within, { imm: whole })
  const last = t.height - (t.perImage - 1) * whole
  const cut = (): void => body({ image, row, height: last })
  if (last === whole || t.perImage === 1) cut()
  else b.if(within, 'lt', { imm: t.perImage - 1 }, () => body({ image, row, height: whole }), cut)
}

/** A tile, its place counted in outputs from the group's first. */
export interface Lane {
  readonly row: number
  readonly col: number
  /** Outputs that exist, 1 … m. */
  readonly rows: number
  readonly cols: number
  /** Outputs from the tile's first to the end of the row, at least. */
  readonly reach: number
}

export interface Group {
  readonly lanes: readonly Lane[]
  /** First tile, counted from the strip's: `tile × W + first`. */
  readonly tile: Reg | null
  readonly first: number
}

/** Walks the groups of a strip. */
export function emitGroups(b: ProgramBuilder, t: Tiling, strip: Strip, body: (group: Group) => void): void {
  const W = b.lanes
  const { m, width } = t
  const lanes = (count: number, start: number): Lane[] =>
    Array.from({ length: count }, (_, l): Lane => {
      const row = Math.floor((start + l) / t.across) * m
      const col = ((start + l) % t.across) * m
      const reach = width - col
      return { row, col: col - start * m, rows: Math.min(m, strip.height - row), cols: Math.min(m, reach), reach }
    })
  if (t.stripRows > 1 || t.across <= W) {
    body({ lanes: lanes(t.stripTiles, 0), tile: null, first: 0 })
    return
  }
  // The last group is written on its own, for a row's end may cut its last tile off.
  const groups = Math.ceil(t.across / W)
  const before = (groups - 1) * W
  const whole = lanes(W, before - W)
  if (groups === 2) body({ lanes: whole, tile: null, first: 0 })
  else b.loop({ imm: 0 }, { imm: groups - 1 }, 1, (tile) => body({ lanes: whole, tile, first: 0 }))
  body({ lanes: lanes(t.across - before, before), tile: null, first: before })
}

/** `base` moved by `bytes` for each tile to the group's first. */
export function groupPointer(b: ProgramBuilder, base: Reg, { tile, first }: Group, bytes: number): Reg {
  if (tile === null) return b.addImm(base, first * bytes)
  return b.i2('add', base, b.i2('mul', tile, { imm: b.lanes * bytes }))
}

/**
 * Reads a square of each tile, `size` along each axis, of which `margin` belong to the next tile; zeros beyond the edges.
 * `base` is the address of the group's first element; rows are `stride` elements apart.
 */
export function loadSquares(
  b: ProgramBuilder,
  lanes: readonly Lane[],
  base: Reg,
  stride: number,
  size: number,
  margin: number,
): Value[][] {
  const W = b.lanes
  const most = Math.min(W, 8)
  return Array.from({ length: size }, (_, r): Value[] => {
    if (lanes.every((l) => r >= l.rows + margin)) return Array.from({ length: size }, () => null)
    const row: Reg[] = []
    for (let c = 0; c < size; c += W) {
      const parts = Array.from({ length: W }, (_, i): Reg => {
        const l = lanes[i]
        const left = l === undefined || r >= l.rows + margin ? 0 : Math.min(most, l.reach + margin - c)
        return left <= 0 ? b.f32(0) : b.load(base, ((l.row + r) * stride + l.col + c) * 4, 'f32', left)
      })
      row.push(...b.transpose(parts))
    }
    return row.slice(0, size)
  })
}

/** A row of a tile's outputs. */
export interface OutputRow {
  readonly lane: Lane
  readonly value: Reg
}

/**
 * Turns m × m vectors of results, a tile in each lane, into vectors along the rows of the images, and hands them on, row
 * by row of the tiles. `temporary`: the address of m² vectors that nobody else uses; needed where `lanes` is not m.
 */
export function emitRows(
  b: ProgramBuilder,
  lanes: readonly Lane[],
  y: readonly (readonly Reg[])[],
  temporary: Reg | null,
  done: (i: number, rows: readonly OutputRow[]) => void,
): void {
  const W = b.lanes
  const m = y.length
  const at = (i: number): Lane[] => lanes.filter((l) => i < l.rows)
  if (temporary === null) {
    y.forEach((row, i) => {
      const turned = b.transpose(row)
      done(
        i,
        at(i).map((lane) => ({ lane, value: turned[lanes.indexOf(lane)] })),
      )
    })
    return
  }
  // Tile by tile through memory: m² results lie together.
  const all = y.flat()
  for (let q = 0; q < all.length; q += W) {
    const part = Array.from({ length: W }, (_, i) => all[q + i] ?? b.f32(0))
    const filled = Math.min(W, all.length - q)
    b.transpose(part).forEach((v, l) => {
      if (l < lanes.length) b.store(temporary, (l * m * m + q) * 4, v, 'f32', filled)
    })
  }
  for (let i = 0; i < m; i++) {
    const rows = at(i).map((lane) => {
      const offset = (lanes.indexOf(lane) * m + i) * m * 4
      return { lane, value: b.load(temporary, offset, 'f32', lane.cols) }
    })
    if (rows.length > 0) done(i, rows)
  }
}
