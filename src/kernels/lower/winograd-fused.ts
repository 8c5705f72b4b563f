/**
 * @file A Winograd convolution in one program: block by block of tiles, images are transformed, multiplied with the
 * transformed filters, and transformed back, while all that lies between stays in the caches of one core.
 */
import type { Contraction, Lowered } from '../kernel.ts'
import type { Machine } from '../vector.ts'
import { emitTiles } from './contraction.ts'
import { canonical } from './contraction-dims.ts'
import { Epilogue } from './contraction-epilogue.ts'
import { choosePlan, orient, type Plan } from './contraction-plan.ts'
import { memoryCycles } from './winograd-cost.ts'
import { type Context, emitPicture, filterPass, imagesOf, scaled } from './winograd-passes.ts'
import { type Product, productOf, wholeVectors } from './winograd-products.ts'
import { emitResults, ResultWriter, temporaryBytes } from './winograd-results.ts'
import { emitStrip } from './winograd-tiles.ts'

/** How a convolution's strips are divided. */
export interface Blocking {
  /** Strips of a block, and how many blocks there are; the last may be shorter. */
  readonly strips: number
  readonly count: number
  /** Blocks that a work unit does one after the other, and units. */
  readonly each: number
  readonly units: number
  readonly product: Product
  readonly plan: Plan
  /** Of the products of one block. */
  readonly cycles: number
}

/**
 * Work units, and bytes of their blocks: each has its own, so there are no more than balance wants, and fewer (but 8)
 * where blocks are large.
 */
const UNITS = 32
const MEMORY = 24 << 20

/** Tiles of a block at least and at most, where there are as many. */
const LEAST = 24
const MOST = 96

/** The cheapest division that needs at most so many bytes; null where there is none, or too few tiles to divide. */
export function chooseBlocking(c: Omit<Context, 'buffers' | 'stores'>, most: number): Blocking | null {
  const { tiling: t, conv, algebra, machine } = c
  const square = (algebra.m + 2) ** 2
  const room = machine.l2 / 2 / (square * 4 * (conv.filters.extent + conv.channels.extent))
  const wanted = Math.max(1, Math.round(Math.min(MOST, Math.max(LEAST, room)) / t.stripTiles))
  let best: Blocking | null = null
  for (const strips of new Set([wanted, wanted + 1, Math.max(1, wanted - 1)])) {
    const count = Math.ceil(t.strips / strips)
    if (count < 8) continue
    const even = Math.ceil(t.strips / count)
    // The last group of a strip is stored whole: what it overwrites belongs to the next strip, or to nobody.
    const tiles = wholeVectors(even * t.stripTiles, machine)
    const row = Math.max(tiles, (even - 1) * t.stripTiles + wholeVectors(t.stripTiles, machine))
    const product = productOf(c.name, conv, algebra, tiles, row)
    const plan = unpacked(product.contraction, machine)
    if (plan === null) continue
    const [weights, images, sums] = product.contraction.buffers.map((x) => x.size * 4)
    const each = Math.ceil(count / Math.min(UNITS, Math.max(8, Math.floor(MEMORY / (images + sums)))))
    const units = Math.ceil(count / each)
    if (weights + (images + sums) * units > most) continue
    // All filters pass by once for each block.
    const passing = weights > machine.l2 / 2 ? weights * (weights > machine.l2 * 16 ? 0.3 : 0.05) : 0
    const cycles = plan.cost + passing + memoryCycles(images + sums, machine)
    const found = { strips: even, count, each, units, product, plan, cycles }
    if (best === null || cycles * count < best.cycles * best.count) best = found
  }
  return best
}

/** The cheapest plan of those that copy no operand. */
function unpacked(c: Contraction, machine: Machine): Plan | null {
  const form = canonical(c)
  let best: Plan | null = null
  choosePlan([orient(form, c.a, c.b, false), orient(form, c.a, c.b, true)], machine, (plan) => {
    if (!plan.packed && !plan.packedRows && plan.cost < (best?.cost ?? Number.POSITIVE_INFINITY)) best = plan
  })
  return best
}

export function lowerFused(c: Context, blocking: Blocking): Lowered {
  const { tiling: t, conv, algebra, machine } = c
  const { filters, channels } = conv
  const { strips, count, each, units, product, plan } = blocking
  const [weights, blocks, temporary] = [0, 1, 2]
  const [size, images, sums] = product.contraction.buffers.map((x) => x.size * 4)
  const turning = temporaryBytes(algebra.m, machine.lanes)
  const w = new ResultWriter(c, `transform, multiply ${strips * t.stripTiles} tiles`, [
    { scratch: weights },
    { scratch: blocks },
    { buffer: conv.image.buffer },
    ...(turning > 0 ? [{ scratch: temporary }] : []),
  ])
  const { b } = w
  // A thread's units take the memory of its first.
  const own = scaled(b, w.address(1), w.begin, images + sums)
  const ownSums = b.addImm(own, images)
  const room = turning > 0 ? scaled(b, w.address(3), w.begin, turning) : null
  const image = b.addImm(w.address(2), conv.image.offset * 4)
  const toSums = new Epilogue(b, plan.problem.stores, product.contraction.buffers, () => ownSums)
  const operand = (buffer: number): number => (buffer === 0 ? w.address(0) : own)
  b.loop(w.begin, w.end, 1, (unit) => {
    const from = b.i2('mul', unit, { imm: each })
    const to = b.i2('min', b.addImm(from, each), { imm: count })
    b.loop(from, to, 1, (block) => {
      const first = b.i2('mul', block, { imm: strips })
      const past = b.i2('min', b.addImm(first, strips), { imm: t.strips })
      b.loop(first, past, 1, (index) => {
        const base = scaled(b, own, b.i2('sub', index, first), t.stripTiles * 4)
        const planes = { base, channel: product.row * 4, plane: product.imagePlane * 4, whole: true }
        emitStrip(b, t, index, (strip) => {
          emitPicture(b, c, imagesOf(c), image, strip, planes, (body) =>
            b.loop({ imm: 0 }, { imm: channels.extent }, 1, body),
          )
        })
      })
      // A last block that is shorter multiplies what an earlier one left, which nobody looks at.
      const { row, col } = plan.problem
      emitTiles(b, plan, machine, { row: operand(row.buffer), col: operand(col.buffer) }, toSums)
      b.loop(first, past, 1, (index) => {
        const base = scaled(b, ownSums, b.i2('sub', index, first), t.stripTiles * 4)
        emitStrip(b, t, index, (strip) => {
          emitResults(w, c, strip, { base, line: product.line * 4 }, room, (body) =>
            b.loop({ imm: 0 }, { imm: filters.extent }, 1, body),
          )
        })
      })
    })
  })
  const scratch = [size, (images + sums) * units, ...(turning > 0 ? [turning * units] : [])]
  return { calls: [filterPass(c, weights), w.finish(units)], scratch }
}
