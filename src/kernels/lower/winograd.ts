/**
 * @file 3 × 3 convolutions of stride 1, and their gradients, by Winograd's minimal filtering: filters and images are
 * transformed, multiplied as (m + 2)² matrix products (which are contractions again), and transformed back. Chosen where
 * it is estimated to be cheaper than multiplying directly.
 */
import type { Contraction, Lowered } from '../kernel.ts'
import type { Machine } from '../vector.ts'
import { canonical } from './contraction-dims.ts'
import { choosePlan, orient } from './contraction-plan.ts'
import { type Algebra, algebras } from './winograd-algebra.ts'
import { winogradCycles } from './winograd-cost.ts'
import { type Blocking, chooseBlocking, lowerFused } from './winograd-fused.ts'
import { groupSize, lowerPasses } from './winograd-groups.ts'
import { type Conv3x3, matchConv3x3 } from './winograd-match.ts'
import type { Context } from './winograd-passes.ts'
import { type Product, productOf, wholeVectors } from './winograd-products.ts'
import { makeTiling } from './winograd-tiles.ts'

/** How much cheaper than the direct way it must be: the estimates are no better than that. */
const MARGIN = 0.85

/** Bytes that a convolution may take beside its operands and its result. */
const MEMORY = 64 << 20

/** A way to do it, and the cycles that it takes by estimate. */
export interface Way {
  readonly algebra: Algebra
  readonly product: Product
  /** For one program that goes block by block; null: one pass after the other over all tiles of a group of images. */
  readonly blocking: Blocking | null
  /** Images of a group; the last may have fewer. */
  readonly group: number
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
  const images = conv.images.extent
  const productFor = (count: number): Product => {
    const tiles = (tiling.tiles / images) * count
    return productOf(name, conv, algebra, conv.kind === 'convolution' ? wholeVectors(tiles, machine) : tiles)
  }
  const whole = productFor(images)
  const inPasses = (group: number, product: Product): Way[] => {
    if (bytesOf(product) > MEMORY) return []
    return [{ algebra, product, blocking: null, group, cycles: winogradCycles(context, product, null, images / group) }]
  }
  if (conv.kind === 'gradient') return inPasses(images, whole)
  const group = groupSize(whole, images, machine)
  const blocking = chooseBlocking(context, MEMORY)
  return [
    ...inPasses(images, whole),
    ...(group < images ? inPasses(group, productFor(group)) : []),
    ...(blocking
      ? [{ algebra, product: whole, blocking, group: images, cycles: winogradCycles(context, whole, blocking, 1) }]
      : []),
  ]
}

const bytesOf = ({ contraction }: Product): number => contraction.buffers.reduce((n, x) => n + x.size * 4, 0)

/** Lowers a convolution in one of its `ways`. */
export function lowerWay(c: Contraction, { algebra, blocking, group }: Way, machine: Machine): Lowered {
  const form = canonical(c)
  const conv = matchConv3x3(c, form)
  if (conv === null) throw new Error(`${c.name} is no 3 × 3 convolution`)
  const tiling = makeTiling(conv, algebra.m, machine.lanes)
  const context: Context = { name: c.name, conv, tiling, algebra, machine, buffers: c.buffers, stores: form.stores }
  return blocking ? lowerFused(context, blocking) : lowerPasses(context, group)
}
