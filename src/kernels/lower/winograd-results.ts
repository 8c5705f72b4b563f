/**
 * @file The programs behind the products of a Winograd convolution: they transform sums back into what the kernel's
 * stores are about, results of a convolution or gradients of filters.
 */
import type { Var } from '../index.ts'
import type { LoweredCall } from '../kernel.ts'
import { ProgramBuilder, type Reg } from '../vector.ts'
import { Arguments } from './contraction-arguments.ts'
import { Epilogue, epilogueArguments, type Vector } from './contraction-epilogue.ts'
import type { Binding } from './emit.ts'
import { multiplyBoth, transposed } from './winograd-algebra.ts'
import { blocksOf, type Context, emitBlock, planeOf, scaled } from './winograd-passes.ts'
import { emitGroups, emitRows, emitStrip, groupPointer } from './winograd-tiles.ts'

/** Bytes that a work unit needs to turn results round; 0 where registers do. */
export const temporaryBytes = (m: number, lanes: number): number => (m === lanes ? 0 : m * m * lanes * 4)

/** Work units of `resultPass`. */
export function resultUnits({ conv, tiling }: Context): number {
  return tiling.strips * blocksOf(conv.filters.extent, tiling.strips).count
}

/** Aᵀ M A of every filter and tile. `temporary`: a scratch buffer of `temporaryBytes` for each unit. */
export function resultPass(c: Context, scratch: number, temporary: number): LoweredCall {
  const { conv, tiling: t, algebra, machine } = c
  const { filters, images, rows, cols } = conv
  const { m } = algebra
  const n = m + 2
  const line = planeOf(t.tiles) * 4
  const turning = temporaryBytes(m, machine.lanes)
  const blocks = blocksOf(filters.extent, t.strips)
  const w = new ResultWriter(c, scratch, turning > 0 ? [{ scratch: temporary }] : [])
  const { b } = w
  const room = turning > 0 ? scaled(b, w.args.of({ scratch: temporary }), w.begin, turning) : null
  b.loop(w.begin, w.end, 1, (unit) => {
    const index = blocks.count === 1 ? unit : b.i2('div', unit, { imm: blocks.count })
    const at = blocks.count === 1 ? unit : b.i2('rem', unit, { imm: blocks.count })
    emitStrip(b, t, index, (strip) => {
      const first = scaled(b, w.base, strip.tile, 4)
      emitBlock(b, blocks, filters.extent, at, (filter) => {
        const source = scaled(b, first, filter, n * n * line)
        emitGroups(b, t, strip, (group) => {
          const from = groupPointer(b, source, group, 4)
          const sums = Array.from({ length: n }, (_, i) =>
            Array.from({ length: n }, (_, j) => b.load(from, (i * n + j) * line, 'f32', group.lanes.length)),
          )
          const y: Reg[][] = Array.from({ length: m }, () => [])
          multiplyBoth(b, algebra.output, sums, (i, j, value) => {
            y[i][j] = value ?? b.f32(0)
          })
          const col = group.tile === null ? null : b.i2('mul', group.tile, { imm: b.lanes * m })
          emitRows(b, group.lanes, y, room, (i, found) => {
            w.epilogue.store(
              found.map(({ lane, value }): Vector => {
                const where = new Map<Var, Binding>([
                  [images.v, { reg: strip.image }],
                  [filters.v, { reg: filter }],
                  [rows.v, { reg: strip.row, offset: lane.row + i }],
                  [cols.v, { reg: col, offset: group.first * m + lane.col }],
                ])
                return { value, at: where, lane: cols.v, lanes: lane.cols }
              }),
            )
          })
        })
      })
    })
  })
  return w.finish(resultUnits(c))
}

/** Gᵀ M G of every filter and channel, from [element][filter][channel]. */
export function filterGradientPass(c: Context, scratch: number): LoweredCall {
  const { conv, algebra, machine } = c
  const { filters, channels, tapRows, tapCols } = conv
  const W = machine.lanes
  const n = algebra.m + 2
  const plane = planeOf(filters.extent * channels.extent) * 4
  const w = new ResultWriter(c, scratch, [])
  const { b } = w
  const whole = Math.floor(channels.extent / W)
  const rest = channels.extent % W
  b.loop(w.begin, w.end, 1, (filter) => {
    const line = scaled(b, w.base, filter, channels.extent * 4)
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

/** A program that reads sums and ends in the kernel's stores. */
class ResultWriter {
  readonly args: Arguments
  readonly b: ProgramBuilder
  readonly base: Reg
  readonly epilogue: Epilogue
  readonly begin: Reg
  readonly end: Reg

  constructor({ name, machine, buffers, stores }: Context, scratch: number, more: readonly { scratch: number }[]) {
    this.args = new Arguments(buffers.length)
    this.base = this.args.of({ scratch })
    for (const x of more) this.args.of(x)
    for (const x of epilogueArguments(stores)) this.args.of(x)
    this.begin = this.args.list.length
    this.end = this.begin + 1
    this.b = new ProgramBuilder(`${name} transform results`, machine.lanes, this.end + 1)
    this.epilogue = new Epilogue(this.b, stores, buffers, (x) => this.args.of(x))
  }

  finish(units: number): LoweredCall {
    return { program: this.b.finish(), args: this.args.list, units, after: true }
  }
}
