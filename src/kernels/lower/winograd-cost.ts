/** @file What a Winograd convolution costs, in the cycles in which `contraction-plan.ts` prices contractions. */
import type { Contraction } from '../kernel.ts'
import type { Machine } from '../vector.ts'
import { canonical } from './contraction-dims.ts'
import { choosePlan, orient } from './contraction-plan.ts'
import type { Algebra } from './winograd-algebra.ts'
import type { Conv3x3 } from './winograd-match.ts'
import { makeTiling } from './winograd-tiles.ts'

/** Cycles of both transforms and of the products. */
export function winogradCycles(conv: Conv3x3, algebra: Algebra, products: Contraction, machine: Machine): number {
  const form = canonical(products)
  const plan = choosePlan(
    [orient(form, products.a, products.b, false), orient(form, products.a, products.b, true)],
    machine,
  )
  const { filters, channels } = conv
  const { lanes } = machine
  const t = makeTiling(conv, algebra.m, lanes)
  const square = (algebra.m + 2) ** 2
  const groups = t.strips * Math.ceil(t.stripTiles / lanes)
  // A tile's square is read by rows and turned round, multiplied from both sides, and written; and back.
  const turned = square * (3 + lanes / 4)
  const perGroup = (turned + square * 8) / 2
  const weights = (filters.extent * Math.ceil(channels.extent / lanes) * (9 * lanes + square * 3)) / 2
  const bytes = products.buffers.reduce((n, x) => n + x.size * 4, 0)
  const memory = bytes > machine.l2 / 2 ? bytes * 2 * 0.1 : 0
  return plan.cost + groups * (filters.extent + channels.extent) * perGroup + weights + memory + 20_000
}
