/**
 * @file The programs behind the products of a Winograd convolution: they transform sums back into what the kernel's
 * stores are about, results of a convolution or gradients of filters.
 */
import type { Var } from '../index.ts'
import type { Argument, LoweredCall } from '../kernel.ts'
import { ProgramBuilder } from '../program-builder.ts'
import type { Reg } from '../vector.ts'
import { Arguments } from './contraction-arguments.ts'
import { Epilogue, epilogueArguments, type Vector } from './contraction-epilogue.ts'
import type { Binding } from './emit.ts'
import { multiplyBoth, transposed } from './winograd-algebra.ts'
import { blocksOf, type Context, emitBlock, planeOf, scaled, splitUnit } from './winograd-passes.ts'
import { emitGroups, emitRows, emitStrip, groupPointer, type Strip } from './winograd-tiles.ts'

/** Bytes that a work unit needs to turn results round; 0 where registers do. */
export const temporaryBytes = (m: number, lanes: number): number => (m === lanes ? 0 : m * m * lanes * 4)

/** Work units of `resultPass`. */
export function resultUnits({ conv, tiling }: Context): number {
  return tiling.strips * blocksOf(conv.filters.extent, tiling.strips).count
}

/** Aᵀ M A of every filter and tile. `line`: elements between those of a tile's square. `temporary`: a scratch buffer of `temporaryBytes` for each unit. */
export function resultPass(c: Context, scratch: number, temporary: number, line: number): LoweredCall {
  const { conv, tiling: t, algebra, machine } = c
  const { filters } = conv
  const turning = temporaryBytes(algebra.m, machine.lanes)
  const blocks = blocksOf(filters.extent, t.strips)
  const w = new ResultWriter(c, 'transform results', [{ scratch }, ...(turning > 0 ? [{ scratch: temporary }] : [])])
  const { b } = w
  const room = turning > 0 ? scaled(b, w.address(1), w.begin, turning) : null
  b.loop(w.begin, w.end, 1, (unit) => {
    const [index, at] = splitUnit(b, unit, blocks)
    emitStrip(b, t, index, (strip) => {
      const from = { base: scaled(b, w.address(0), index, t.stripTiles * 4), line: line * 4 }
      emitResults(w, c, strip, from, room, (body) => emitBlock(b, blocks, filters.extent, at, body))
    })
  })
  return w.finish(resultUnits(c))
}

/**
 * Where sums come from: the address of a strip's first tile, and bytes between the elements of its square. They are read
 * by whole vectors, so the buffer is longer than they are.
 */
export interface Lines {
  readonly base: Reg
  readonly line: number
}

/** Transforms and stores the results of one strip. */
export function emitResults(
  w: ResultWriter,
  { conv, tiling, algebra }: Context,
  strip: Strip,
  sums: Lines,
  room: Reg | null,
  filters: (body: (filter: Reg) => void) => void,
): void {
  const { b } = w
  const { images, rows, cols } = conv
  const { m } = algebra
  const n = m + 2
  filters((filter) => {
    const source = scaled(b, sums.base, filter, n * n * sums.line)
    emitGroups(b, tiling, strip, (group) => {
      const from = groupPointer(b, source, group, 4)
      const square = Array.from({ length: n }, (_, i) =>
        Array.from({ length: n }, (_, j) => b.load(from, (i * n + j) * sums.line)),
      )
      const y: Reg[][] = Array.from({ length: m }, () => [])
      multiplyBoth(b, algebra.output, square, (i, j, value) => {
        y[i][j] = value ?? b.f32(0)
      })
      const col = group.tile === null ? null : b.i2('mul', group.tile, { imm: b.lanes * m })
      emitRows(b, group.lanes, y, room, (i, found) => {
        w.epilogue.store(
          found.map(({ lane, value }): Vector => {
            const where = new Map<Var, Binding>([
              [images.v, { reg: strip.image }],
              [conv.filters.v, { reg: filter }],
              [rows.v, { reg: strip.row, offset: lane.row + i }],
              [cols.v, { reg: col, offset: group.first * m + lane.col }],
            ])
            return { value, at: where, lane: cols.v, lanes: lane.cols }
          }),
        )
      })
    })
  })
}

/** Gᵀ M G of every filter and channel, from [element][filter][channel]. */
export function filterGradientPass(c: Context, scratch: number): LoweredCall {
  const { conv, algebra, machine } = c
  const { filters, channels, tapRows, tapCols } = conv
  const W = machine.lanes
  const n = algebra.m + 2
  const plane = planeOf(filters.extent * channels.extent) * 4
  const w = new ResultWriter(c, 'transform results', [{ scratch }])
  const { b } = w
  const whole = Math.floor(channels.extent / W)
  const rest = channels.extent % W
  b.loop(w.begin, w.end, 1, (filter) => {
    const line = scaled(b, w.address(0), filter, channels.extent * 4)
    const body = (from: Reg, channel: Binding, lanes: number): void => {
      const sums = Array.from({ length: n }, (_, i) =>
        Array.from({ length: n }, (_, j) => b.load(from, (i * n + j) * plane, 'f32', lanes)),
      )
      const vectors: Vector[] = []
      multiplyBoth(b, transposed(algebra.filter), sums, (i, j, value) => {
        const where = new Map<Var, Binding>([
          [filters.v, { reg: filter }],
          [channels.v, channel],
          [tapRows.v, { reg: null, offset: i }],
          [tapCols.v, { reg: null, offset: j }],
        ])
        vectors.push({ value: value ?? b.f32(0), at: where, lane: channels.v, lanes })
      })
      w.epilogue.store(vectors)
    }
    if (whole > 0)
      b.loop({ imm: 0 }, { imm: whole }, 1, (i) => {
        body(scaled(b, line, i, W * 4), { reg: b.i2('mul', i, { imm: W }) }, W)
      })
    if (rest > 0) body(b.addImm(line, whole * W * 4), { reg: null, offset: whole * W }, rest)
  })
  return w.finish(filters.extent)
}

/** A program that ends in the kernel's stores. */
export class ResultWriter {
  readonly b: ProgramBuilder
  readonly epilogue: Epilogue
  readonly begin: Reg
  readonly end: Reg
  readonly #args: Arguments
  readonly #first: readonly Argument[]

  /** `first`: what it needs besides the buffers of the stores. */
  constructor({ name, machine, buffers, stores }: Context, what: string, first: readonly Argument[]) {
    const args = new Arguments(buffers.length)
    for (const x of [...first, ...epilogueArguments(stores)]) args.of(x)
    this.begin = args.list.length
    this.end = this.begin + 1
    this.b = new ProgramBuilder(`${name} ${what}`, machine.lanes, this.end + 1)
    this.epilogue = new Epilogue(this.b, stores, buffers, (x) => args.of(x))
    this.#args = args
    this.#first = first
  }

  /** The address of argument `i` of the constructor's. */
  address(i: number): Reg {
    return this.#args.of(this.#first[i])
  }

  finish(units: number): LoweredCall {
    return { program: this.b.finish(), args: this.#args.list, units, after: true }
  }
}
