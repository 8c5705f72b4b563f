/**
 * @file 3 × 3 convolutions of stride 1, and their gradients, by Winograd's minimal filtering: filters and images are
 * transformed, multiplied as (m + 2)² matrix products (which are contractions again), and transformed back. Chosen where
 * it is estimated to be cheaper than multiplying directly.
 */
import type { Argument, Contraction, Lowered, LoweredCall } from '../kernel.ts'
import type { Machine } from '../vector.ts'
import { lowerContraction } from './contraction.ts'
import { canonical } from './contraction-dims.ts'
import { choosePlan, orient } from './contraction-plan.ts'
import { type Algebra, algebras } from './winograd-algebra.ts'
import { winogradCycles } from './winograd-cost.ts'
import { type Blocking, chooseBlocking, lowerFused } from './winograd-fused.ts'
import { type Conv3x3, matchConv3x3 } from './winograd-match.ts'
import { type Context, filterPass, gradientsOf, imagesOf, picturePass } from './winograd-passes.ts'
import { type Product, productOf, wholeVectors } from './winograd-products.ts'
import { filterGradientPass, resultPass, resultUnits, temporaryBytes } from './winograd-results.ts'
import { makeTiling } from './winograd-tiles.ts'

/** How much cheaper than the direct way it must be: the estimates are no better than that. */
const MARGIN = 0.85

/** Bytes that a convolution may take beside its operands and its result. */
const MEMORY = 64 << 20

/** A way to do it, and the cycles that it takes by estimate. */
export interface Way {
  readonly algebra: Algebra
  readonly product: Product
  /** For one program that goes block by block; null: one pass after the other over all tiles. */
  readonly blocking: Blocking | null
  readonly cycles: number
}

/**
 * The convolution lowered with the largest tiles that pay, in the way that pays most; null where none does, or it is no
 * 3 × 3 convolution.
 */
export function lowerWinograd(c: Contraction, machine: Machine): Lowered | null {
  const form = canonical(c)
  const conv = matchConv3x3(c, form)
  if (conv === null) return null
  const direct = choosePlan([orient(form, c.a, c.b, false), orient(form, c.a, c.b, true)], machine)
  for (const algebra of algebras) {
    let best: Way | null = null
    for (const way of waysWith(algebra, c.name, conv, machine)) {
      if (way.cycles < (best?.cycles ?? MARGIN * direct.cost)) best = way
    }
    if (best) return lowerWay(c, best, machine)
  }
  return null
}

/** All ways to do a contraction like this: none where it is no 3 × 3 convolution. */
export function ways(c: Contraction, machine: Machine): Way[] {
  const conv = matchConv3x3(c, canonical(c))
  return conv === null ? [] : algebras.flatMap((algebra) => waysWith(algebra, c.name, conv, machine))
}

function waysWith(algebra: Algebra, name: string, conv: Conv3x3, machine: Machine): Way[] {
  const tiling = makeTiling(conv, algebra.m, machine.lanes)
  const context = { name, conv, tiling, algebra, machine }
  const tiles = conv.kind === 'convolution' ? wholeVectors(tiling.tiles, machine) : tiling.tiles
  const product = productOf(name, conv, algebra, tiles)
  const way = (blocking: Blocking | null): Way => {
    return { algebra, product, blocking, cycles: winogradCycles(context, product, blocking) }
  }
  const bytes = product.contraction.buffers.reduce((n, x) => n + x.size * 4, 0)
  const blocking = conv.kind === 'convolution' ? chooseBlocking(context, MEMORY) : null
  return [...(bytes <= MEMORY ? [way(null)] : []), ...(blocking ? [way(blocking)] : [])]
}

/** Lowers a convolution in one of its `ways`. */
export function lowerWay(c: Contraction, { algebra, product, blocking }: Way, machine: Machine): Lowered {
  const form = canonical(c)
  const conv = matchConv3x3(c, form)
  if (conv === null) throw new Error(`${c.name} is no 3 × 3 convolution`)
  const tiling = makeTiling(conv, algebra.m, machine.lanes)
  const context: Context = { name: c.name, conv, tiling, algebra, machine, buffers: c.buffers, stores: form.stores }
  return blocking ? lowerFused(context, blocking) : lowerPasses(context, product)
}

/** One pass after the other, each over all tiles. */
function lowerPasses(c: Context, product: Product): Lowered {
  const { contraction } = product
  const [first, second, sums] = [0, 1, 2]
  const scratch = contraction.buffers.map((x) => x.size * 4)
  const own = scratch.length
  const calls: LoweredCall[] = []
  const convolution = c.conv.kind === 'convolution'
  calls.push(convolution ? filterPass(c, first) : picturePass(c, gradientsOf(c), 'gradients', first, product.row))
  calls.push(picturePass(c, imagesOf(c), 'images', second, product.row))
  const inner = lowerContraction(contraction, c.machine)
  const moved = (x: Argument): Argument =>
    'buffer' in x ? { scratch: x.buffer } : 'scratch' in x ? { scratch: x.scratch + own } : x
  inner.calls.forEach((call, i) => {
    calls.push({ ...call, args: call.args.map(moved), after: call.after || i === 0 })
  })
  scratch.push(...inner.scratch)
  if (!convolution) {
    calls.push(filterGradientPass(c, sums))
    return { calls, scratch }
  }
  calls.push(resultPass(c, sums, scratch.length, product.line))
  const turning = temporaryBytes(c.algebra.m, c.machine.lanes)
  if (turning > 0) scratch.push(turning * resultUnits(c))
  return { calls, scratch }
}
