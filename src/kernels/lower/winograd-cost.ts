/**
 * @file What a Winograd convolution costs, in the cycles in which `contraction-plan.ts` prices contractions. The numbers
 * are instructions counted from the programs, and memory measured with 4, 8 and 16 lanes.
 */
import type { Machine } from '../vector.ts'
import { canonical } from './contraction-dims.ts'
import { choosePlan, orient } from './contraction-plan.ts'
import type { Blocking } from './winograd-fused.ts'
import type { Context } from './winograd-passes.ts'
import type { Product } from './winograd-products.ts'

type Problem = Omit<Context, 'buffers' | 'stores'>

/** Cycles of all programs. `times`: how many times one after the other a product of this size is made. */
export function winogradCycles(
  p: Problem,
  { contraction: c }: Product,
  blocking: Blocking | null,
  times: number,
): number {
  const { conv, tiling: t, machine } = p
  const { filters, channels } = conv
  // What follows was measured with 16 lanes where one such instruction runs in a cycle.
  const unit = machine.lanes === 16 ? (machine.perCycle ?? 2) ** -1 : 1
  const groups = t.strips * Math.ceil(t.stripTiles / machine.lanes)
  const images = channels.extent * groups * readCycles(p, p.algebra.m + 2)
  const pairs = filters.extent * Math.ceil(channels.extent / machine.lanes)
  const [first, second, sums] = c.buffers.map((x) => x.size * 4)
  if (conv.kind === 'gradient') {
    const gradients = filters.extent * groups * readCycles(p, p.algebra.m)
    const between = memoryCycles(first + second, machine) + streamCycles(sums, machine)
    return (images + gradients + pairs * 150 + between) * unit + productCycles(p, c) + 20_000
  }
  const weights = pairs * (9 * machine.lanes + 85) + streamCycles(first, machine)
  const results = filters.extent * groups * resultCycles(p)
  const transforms = (images + weights + results) * unit + 20_000
  if (blocking !== null) return transforms + blocking.cycles * blocking.count
  const between = memoryCycles(second + sums, machine) + (times > 1 ? streamCycles(first, machine) / 2 : 0)
  return transforms + times * (productCycles(p, c) + between * unit)
}

function productCycles({ machine }: Problem, c: Product['contraction']): number {
  const form = canonical(c)
  return choosePlan([orient(form, c.a, c.b, false), orient(form, c.a, c.b, true)], machine).cost
}

/** Cycles to transpose a square of vectors, the loads or stores of its rows included. */
const turnCycles = (lanes: number): number => (lanes === 4 ? 12 : lanes * (3 + lanes / 4))

/** Cycles to read a group of squares of `size` × `size` elements, to transform and to store them. */
function readCycles({ algebra: { m }, machine: { lanes } }: Problem, size: number): number {
  const n = m + 2
  return size * Math.ceil(size / lanes) * turnCycles(lanes) + (size + n) * n * 2.5 + n * n
}

/** Cycles to read a group of sums, to transform and to store them. */
function resultCycles({ algebra: { m }, machine: { lanes } }: Problem): number {
  const n = m + 2
  return n * n + (n + m) * n * 1.7 + ((m * m) / lanes) * turnCycles(lanes) + m * lanes * (lanes === m ? 1 : 2)
}

/** Cycles to write so much in few long lines, and to read it again, beyond what it takes in the caches of a core. */
const streamCycles = (bytes: number, { l2 }: Machine): number => bytes * (bytes > l2 * 16 ? 0.4 : 0.1)

/** The same for lines as short as a channel's tiles. */
export function memoryCycles(bytes: number, { l2 }: Machine): number {
  if (bytes <= l2 / 2) return 0
  return bytes * (bytes > l2 * 16 ? 0.8 : 0.3)
}
