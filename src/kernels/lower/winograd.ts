/**
 * @file 3 × 3 convolutions of stride 1, and their gradients, by Winograd's minimal filtering: filters and images are
 * transformed, multiplied as (m + 2)² matrix products (which are contractions again), and transformed back. Chosen where
 * it is estimated to be cheaper than multiplying directly.
 */
import { indexOf, linearise, newVar, type Var } from '../index.ts'
import type { Argument, Contraction, ContractionDim, Lowered, LoweredCall } from '../kernel.ts'
import type { Machine } from '../vector.ts'
import { lowerContraction } from './contraction.ts'
import { canonical } from './contraction-dims.ts'
import { choosePlan, orient } from './contraction-plan.ts'
import { type Algebra, algebras } from './winograd-algebra.ts'
import { winogradCycles } from './winograd-cost.ts'
import { type Conv3x3, matchConv3x3 } from './winograd-match.ts'
import { type Context, filterPass, gradientsOf, imagesOf, picturePass, planeOf } from './winograd-passes.ts'
import { filterGradientPass, resultPass, resultUnits, temporaryBytes } from './winograd-results.ts'
import { makeTiling } from './winograd-tiles.ts'

/** How much cheaper than the direct way it must be: the estimates are no better than that. */
const MARGIN = 0.85

/** The convolution lowered with tiles of the size that pays most; null where none does, or it is no such convolution. */
export function lowerWinograd(c: Contraction, machine: Machine): Lowered | null {
  const form = canonical(c)
  const conv = matchConv3x3(c, form)
  if (conv === null) return null
  let best = MARGIN * choosePlan([orient(form, c.a, c.b, false), orient(form, c.a, c.b, true)], machine).cost
  let chosen: Algebra | null = null
  for (const algebra of algebras) {
    const products = productsOf(c.name, conv, algebra, machine)
    const cycles = winogradCycles(conv, algebra, products, machine)
    if (cycles >= best) continue
    best = cycles
    chosen = algebra
  }
  return chosen && lowerWith(c, chosen, machine)
}

/** The convolution with tiles of one size, whether it pays or not; null where it is no 3 × 3 convolution. */
export function lowerWith(c: Contraction, algebra: Algebra, machine: Machine): Lowered | null {
  const form = canonical(c)
  const conv = matchConv3x3(c, form)
  if (conv === null) return null
  const tiling = makeTiling(conv, algebra.m, machine.lanes)
  const context: Context = { name: c.name, conv, tiling, algebra, machine, buffers: c.buffers, stores: form.stores }
  const products = productsOf(c.name, conv, algebra, machine)
  const [first, second, sums] = [0, 1, 2]
  const scratch = products.buffers.map((x) => x.size * 4)
  const calls: LoweredCall[] = []
  calls.push(
    conv.kind === 'convolution'
      ? filterPass(context, first)
      : picturePass(context, gradientsOf(context), 'gradients', first),
  )
  calls.push(picturePass(context, imagesOf(context), 'images', second))
  const inner = lowerContraction(products, machine)
  const moved = (x: Argument): Argument =>
    'buffer' in x ? { scratch: x.buffer } : 'scratch' in x ? { scratch: x.scratch + products.buffers.length } : x
  inner.calls.forEach((call, i) => {
    calls.push({ ...call, args: call.args.map(moved), after: call.after || i === 0 })
  })
  scratch.push(...inner.scratch)
  if (conv.kind === 'gradient') calls.push(filterGradientPass(context, sums))
  else {
    calls.push(resultPass(context, sums, scratch.length))
    const turning = temporaryBytes(algebra.m, machine.lanes)
    if (turning > 0) scratch.push(turning * resultUnits(context))
  }
  return { calls, scratch }
}

/** The products as one contraction over three scratch buffers: (transformed) filters or gradients, images, sums. */
function productsOf(name: string, conv: Conv3x3, algebra: Algebra, machine: Machine): Contraction {
  const { tiles } = makeTiling(conv, algebra.m, machine.lanes)
  const square = (algebra.m + 2) ** 2
  const [filters, channels] = [conv.filters.extent, conv.channels.extent]
  const element = newVar(square)
  const [f, c, t] = [newVar(filters), newVar(channels), newVar(tiles)]
  const dim = (v: Var, a: number, b: number, role: ContractionDim['role']): ContractionDim => ({ v, a, b, role })
  const images = planeOf(channels * tiles)
  const convolution = conv.kind === 'convolution'
  const [aPlane, line] = convolution ? [planeOf(filters * channels), planeOf(tiles)] : [planeOf(filters * tiles), 0]
  const result = convolution
    ? linearise([f, element, t].map(indexOf), [square * line, line, 1])
    : linearise([element, f, c].map(indexOf), [planeOf(filters * channels), channels, 1])
  const sizes = [
    square * aPlane,
    square * images,
    convolution ? filters * square * line : square * planeOf(filters * channels),
  ]
  return {
    kind: 'contraction',
    name: `${name} winograd ${algebra.m}`,
    buffers: sizes.map((size) => ({ dtype: 'float32', size })),
    dims: [
      dim(element, aPlane, images, 'batch'),
      dim(f, convolution ? channels : tiles, 0, 'm'),
      ...(convolution ? [dim(t, 0, 1, 'n'), dim(c, 1, tiles, 'k')] : [dim(c, 0, tiles, 'n'), dim(t, 1, 1, 'k')]),
    ],
    a: { buffer: 0, offset: 0 },
    b: { buffer: 1, offset: 0 },
    stores: [{ buffer: 2, index: result, value: { op: 'accumulator', dtype: 'float32' } }],
  }
}
