/** @file What a Winograd convolution costs, in the cycles in which `contraction-plan.ts` prices contractions. */
import { canonical } from './contraction-dims.ts'
import { choosePlan, orient } from './contraction-plan.ts'
import type { Blocking } from './winograd-fused.ts'
import type { Context } from './winograd-passes.ts'
import type { Product } from './winograd-products.ts'

/** Cycles of both transforms and of the products. */
export function winogradCycles(
  { conv, tiling: t, algebra, machine }: Omit<Context, 'buffers' | 'stores'>,
  { contraction: c }: Product,
  blocking: Blocking | null,
): number {
  const { filters, channels } = conv
  const { lanes } = machine
  const square = (algebra.m + 2) ** 2
  const groups = t.strips * Math.ceil(t.stripTiles / lanes)
  // A tile's square is read by rows and turned round, multiplied from both sides, and written; and back.
  const turned = square * (3 + lanes / 4)
  const perGroup = (turned + square * 8) / 2
  const weights = (filters.extent * Math.ceil(channels.extent / lanes) * (9 * lanes + square * 3)) / 2
  const transforms = groups * (filters.extent + channels.extent) * perGroup + weights + 20_000
  if (blocking) return transforms + blocking.plan.cost * blocking.count
  const form = canonical(c)
  const plan = choosePlan([orient(form, c.a, c.b, false), orient(form, c.a, c.b, true)], machine)
  const bytes = c.buffers.reduce((n, x) => n + x.size * 4, 0)
  const memory = bytes > machine.l2 / 2 ? bytes * 2 * 0.1 : 0
  return transforms + plan.cost + memory
}
