/**
 * @file The programs before the products of a Winograd convolution: transforms of filters, of images, and of gradients
 * that lie as images do.
 */
import type { Store } from '../expr.ts'
import type { BufferInfo, LoweredCall } from '../kernel.ts'
import { ProgramBuilder } from '../program-builder.ts'
import type { Machine, Reg } from '../vector.ts'
import type { Side } from './contraction-plan.ts'
import { type Algebra, type Matrix, multiplyBoth, transposed } from './winograd-algebra.ts'
import type { Conv3x3 } from './winograd-match.ts'
import { emitGroups, emitStrip, groupPointer, loadSquares, type Strip, type Tiling } from './winograd-tiles.ts'

/** What the passes of one kernel share. */
export interface Context {
  readonly name: string
  readonly conv: Conv3x3
  readonly tiling: Tiling
  readonly algebra: Algebra
  readonly machine: Machine
  readonly buffers: readonly BufferInfo[]
  readonly stores: readonly Store[]
}

/** Elements from one element of the tile's square to the next: planes that start in different sets of the caches. */
export function planeOf(elements: number): number {
  const lines = Math.ceil(elements / 16)
  return (lines < 16 ? lines : lines | 1) * 16
}

/** Work units wanted of a pass. */
const PASS_UNITS = 64

/** A loop cut into blocks, so that with `others` there are enough units. */
export interface Blocks {
  readonly count: number
  readonly each: number
}

export function blocksOf(extent: number, others: number): Blocks {
  const wanted = Math.max(1, Math.min(extent, Math.ceil(PASS_UNITS / Math.max(1, others))))
  const each = Math.ceil(extent / wanted)
  return { count: Math.ceil(extent / each), each }
}

/** Loops over the elements of a block whose number is `at`. */
export function emitBlock(
  b: ProgramBuilder,
  { count, each }: Blocks,
  extent: number,
  at: Reg,
  body: (i: Reg) => void,
): void {
  if (count === 1) {
    b.loop({ imm: 0 }, { imm: extent }, 1, body)
    return
  }
  const from = b.i2('mul', at, { imm: each })
  const to = b.i2('min', b.addImm(from, each), { imm: extent })
  b.loop(from, to, 1, body)
}

/** A unit's place among others, and the number of its block. */
export function splitUnit(b: ProgramBuilder, unit: Reg, { count }: Blocks): [Reg, Reg] {
  return count === 1 ? [unit, unit] : [b.i2('div', unit, { imm: count }), b.i2('rem', unit, { imm: count })]
}

export const scaled = (b: ProgramBuilder, base: Reg, i: Reg, bytes: number): Reg =>
  bytes === 0 ? base : b.i2('add', base, b.i2('mul', i, { imm: bytes }))

// Filters ------------------------------------------------------------------------------------------------------------

/** G g Gᵀ of every filter and channel, to [element][filter][channel]. */
export function filterPass({ name, conv, algebra, machine }: Context, scratch: number): LoweredCall {
  const { other, filters, channels, tapRows, tapCols } = conv
  const W = machine.lanes
  const n = algebra.m + 2
  const plane = planeOf(filters.extent * channels.extent) * 4
  const blocks = blocksOf(Math.ceil(channels.extent / W), filters.extent)
  const b = new ProgramBuilder(`${name} transform filters`, W, 4)
  const body = (from: Reg, to: Reg, lanes: number): void => {
    const pattern = Array.from({ length: lanes }, (_, l) => l * channels.other * 4)
    const taps = Array.from({ length: 3 }, (_, i) =>
      Array.from({ length: 3 }, (_, j) => b.loadLanes(from, (i * tapRows.other + j * tapCols.other) * 4, pattern)),
    )
    multiplyBoth(b, algebra.filter, taps, (i, j, value) => {
      b.store(to, (i * n + j) * plane, value ?? b.f32(0), 'f32', lanes)
    })
  }
  const whole = Math.floor(channels.extent / W)
  const rest = channels.extent % W
  b.loop(2, 3, 1, (unit) => {
    const [filter, at] = splitUnit(b, unit, blocks)
    const from = scaled(b, b.addImm(0, other.offset * 4), filter, filters.other * 4)
    const to = scaled(b, 1, filter, channels.extent * 4)
    const group = (i: Reg, lanes: number): void =>
      body(scaled(b, from, i, channels.other * W * 4), scaled(b, to, i, W * 4), lanes)
    emitBlock(b, blocks, whole + (rest > 0 ? 1 : 0), at, (i) => {
      if (rest === 0) group(i, W)
      else if (whole === 0) group(i, rest)
      else
        b.if(
          i,
          'lt',
          { imm: whole },
          () => group(i, W),
          () => group(i, rest),
        )
    })
  })
  return {
    program: b.finish(),
    args: [{ buffer: other.buffer }, { scratch }],
    units: filters.extent * blocks.count,
    after: false,
  }
}

// Images -------------------------------------------------------------------------------------------------------------

/** An operand that lies as images do, and what becomes of it. */
export interface Picture {
  readonly side: Side
  /** Strides in elements. */
  readonly images: number
  readonly channelStride: number
  readonly rows: number
  readonly channels: number
  /** Elements of a tile's square along an axis, and how many of them belong to the next tile. */
  readonly size: number
  readonly margin: number
  readonly matrix: Matrix
}

/** The images: Bᵀ d B. */
export function imagesOf({ conv, algebra }: Context): Picture {
  return {
    side: conv.image,
    images: conv.images.image,
    channels: conv.channels.extent,
    channelStride: conv.channels.image,
    rows: conv.rows.image,
    size: algebra.m + 2,
    margin: 2,
    matrix: algebra.input,
  }
}

/** The gradients of a convolution's results: A y Aᵀ. */
export function gradientsOf({ conv, algebra }: Context): Picture {
  return {
    side: conv.other,
    images: conv.images.other,
    channels: conv.filters.extent,
    channelStride: conv.filters.other,
    rows: conv.rows.other,
    size: algebra.m,
    margin: 0,
    matrix: transposed(algebra.output),
  }
}

/** Where transformed tiles go: the address of channel 0 of a strip's first tile, and bytes between channels and planes. */
export interface Planes {
  readonly base: Reg
  readonly channel: number
  readonly plane: number
  /** Whether what follows a group may be overwritten, so that whole vectors are stored. */
  readonly whole: boolean
}

/** Transforms one channel of a strip. `image`: the address of image 0. */
export function emitPicture(
  b: ProgramBuilder,
  { tiling, algebra: { m } }: Context,
  p: Picture,
  image: Reg,
  strip: Strip,
  to: Planes,
  channels: (body: (channel: Reg) => void) => void,
): void {
  const n = m + 2
  const line = scaled(b, scaled(b, image, strip.image, p.images * 4), strip.row, p.rows * 4)
  channels((channel) => {
    const source = scaled(b, line, channel, p.channelStride * 4)
    const target = scaled(b, to.base, channel, to.channel)
    emitGroups(b, tiling, strip, (group) => {
      const squares = loadSquares(b, group.lanes, groupPointer(b, source, group, m * 4), p.rows, p.size, p.margin)
      const place = groupPointer(b, target, group, 4)
      multiplyBoth(b, p.matrix, squares, (i, j, value) => {
        b.store(place, (i * n + j) * to.plane, value ?? b.f32(0), 'f32', to.whole ? b.lanes : group.lanes.length)
      })
    })
  })
}

/** All of a picture's tiles, to [element][channel][tile]; channels are `row` elements apart. */
export function picturePass(c: Context, p: Picture, what: string, scratch: number, row: number): LoweredCall {
  const { tiling: t, machine } = c
  const blocks = blocksOf(p.channels, t.strips)
  const b = new ProgramBuilder(`${c.name} transform ${what}`, machine.lanes, 4)
  const image = b.addImm(0, p.side.offset * 4)
  b.loop(2, 3, 1, (unit) => {
    const [index, at] = splitUnit(b, unit, blocks)
    emitStrip(b, t, index, (strip) => {
      const base = scaled(b, 1, index, t.stripTiles * 4)
      const to = { base, channel: row * 4, plane: planeOf(p.channels * row) * 4, whole: false }
      emitPicture(b, c, p, image, strip, to, (body) => emitBlock(b, blocks, p.channels, at, body))
    })
  })
  return {
    program: b.finish(),
    args: [{ buffer: p.side.buffer }, { scratch }],
    units: t.strips * blocks.count,
    after: false,
  }
}
