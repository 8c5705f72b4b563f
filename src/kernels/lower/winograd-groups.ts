/**
 * @file A Winograd convolution as one pass after the other: all tiles are transformed, then multiplied, then transformed
 * back. Where what lies between outgrows the caches, that is done for one group of images after the other.
 */
import { type Expr, mapIndices } from '../expr.ts'
import { add, type Index, indexOf, newVar, substitute } from '../index.ts'
import type { Argument, Lowered, LoweredCall } from '../kernel.ts'
import type { Machine } from '../vector.ts'
import { lowerContraction } from './contraction.ts'
import { type Context, filterPass, gradientsOf, imagesOf, picturePass } from './winograd-passes.ts'
import { type Product, productOf, wholeVectors } from './winograd-products.ts'
import { filterGradientPass, resultPass, resultUnits, temporaryBytes } from './winograd-results.ts'
import { makeTiling } from './winograd-tiles.ts'

/** Groups at most: each has programs of its own. */
const MOST = 16

/**
 * Images of a group whose transformed tiles and sums stay in the last cache; all where nothing is gained. Filters that fit
 * in there pass by for every block of a fused convolution, which needs no groups.
 */
export function groupSize({ contraction }: Product, images: number, { l2 }: Machine): number {
  const room = l2 * 16
  const [filters, tiles, sums] = contraction.buffers.map((x) => x.size * 4)
  const count = Math.min(MOST, images, Math.ceil((tiles + sums) / room))
  return filters > room ? Math.ceil(images / count) : images
}

/** The passes over `group` images, then over the next as many. */
export function lowerPasses(c: Context, group: number): Lowered {
  return c.conv.kind === 'gradient' ? gradientPasses(c) : convolutionPasses(c, group)
}

/** Scratch buffers of all passes: transformed filters (or gradients), transformed images, sums. */
const [FIRST, SECOND, SUMS, OWN] = [0, 1, 2, 3]

function gradientPasses(c: Context): Lowered {
  const product = productOf(c.name, c.conv, c.algebra, c.tiling.tiles)
  const inner = multiplication(product, c.machine)
  const calls = [
    picturePass(c, gradientsOf(c), 'gradients', FIRST, product.row),
    picturePass(c, imagesOf(c), 'images', SECOND, product.row),
    ...inner.calls,
    filterGradientPass(c, SUMS),
  ]
  return { calls, scratch: inner.scratch }
}

function convolutionPasses(c: Context, group: number): Lowered {
  const { algebra, machine } = c
  const images = c.conv.images.extent
  const parts: Context[] = []
  for (let from = 0; from < images; from += group) parts.push(onImages(c, from, Math.min(group, images - from)))
  const products = new Map<number, { readonly product: Product; readonly inner: Lowered }>()
  const work = parts.map((part) => {
    const { tiles } = part.tiling
    const product = productOf(c.name, part.conv, algebra, wholeVectors(tiles, machine))
    const found = products.get(tiles) ?? { product, inner: multiplication(product, machine) }
    products.set(tiles, found)
    return { part, ...found }
  })
  const scratch: number[] = []
  for (const { inner } of products.values()) {
    inner.scratch.forEach((bytes, i) => {
      scratch[i] = Math.max(scratch[i] ?? 0, bytes)
    })
  }
  const turning = temporaryBytes(algebra.m, machine.lanes)
  const temporary = scratch.length
  if (turning > 0) scratch.push(turning * Math.max(...parts.map(resultUnits)))
  // The next group's images are transformed beside this one's results.
  const calls: LoweredCall[] = [filterPass(c, FIRST)]
  for (const { part, product, inner } of work) {
    calls.push(picturePass(part, imagesOf(part), 'images', SECOND, product.row), ...inner.calls)
    calls.push(resultPass(part, SUMS, temporary, product.line))
  }
  return { calls, scratch }
}

/** The products, with scratch buffers after the three of the passes. */
function multiplication({ contraction }: Product, machine: Machine): Lowered {
  const { calls, scratch } = lowerContraction(contraction, machine)
  const moved = (x: Argument): Argument =>
    'buffer' in x ? { scratch: x.buffer } : 'scratch' in x ? { scratch: x.scratch + OWN } : x
  return {
    calls: calls.map((call, i) => ({ ...call, args: call.args.map(moved), after: call.after || i === 0 })),
    scratch: [...contraction.buffers.map((x) => x.size * 4), ...scratch],
  }
}

/** The same convolution of `count` images from number `from` on. */
function onImages(c: Context, from: number, count: number): Context {
  const { conv, algebra, machine } = c
  const { images, image } = conv
  if (count === images.extent) return c
  const v = newVar(count)
  const by = new Map([[images.v, add(indexOf(v), from)]])
  const part = {
    ...conv,
    images: { ...images, v, extent: count },
    image: { ...image, offset: image.offset + from * images.image },
  }
  const map = (i: Index): Index => substitute(i, by)
  const done = new Map<Expr, Expr>()
  const stores = c.stores.map((s) => ({ ...s, index: map(s.index), value: mapIndices(s.value, map, done) }))
  return { ...c, conv: part, tiling: makeTiling(part, algebra.m, machine.lanes), stores }
}
