/** @file Samples of every primitive. A primitive without samples does not compile. */
import type { Node, Primitive } from '../../src/graph/node.ts'
import { ops } from '../../src/graph/ops.ts'
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

export function allSamples(): { readonly op: Primitive; readonly sample: Sample }[] {
  return primitives.flatMap((op) => samples[op].map((sample) => ({ op, sample })))
}

/** What a sample computes of its inputs: at least one node of its primitive, as tests of the samples hold. */
export function build(sample: Sample, inputs: readonly Node[]): readonly Node[] {
  return sample.build(ops, inputs)
}
