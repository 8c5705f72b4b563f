/** @file Samples of every primitive. A primitive without samples does not compile. */
import type { Primitive } from '../../src/graph/node.ts'
import { contractionSamples } from './samples/contraction.ts'
import { controlSamples } from './samples/control.ts'
import { binarySamples, chooseSamples, unarySamples } from './samples/elementwise.ts'
import { indexingSamples } from './samples/indexing.ts'
import { movementSamples } from './samples/movement.ts'
import { reduceSamples } from './samples/reduce.ts'
import type { Sample } from './samples/sample.ts'
import { windowSamples } from './samples/window.ts'

export const samples: { readonly [P in Primitive]: readonly Sample[] } = {
  ...unarySamples,
  ...binarySamples,
  ...chooseSamples,
  ...movementSamples,
  ...reduceSamples,
  ...contractionSamples,
  ...windowSamples,
  ...indexingSamples,
  ...controlSamples,
}

export const primitives = Object.keys(samples) as Primitive[]
