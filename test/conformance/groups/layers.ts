/** @file Layers: classes of `glia/nn`, built by name with the case's arguments, parameters filled alike on both sides. */
import * as nn from '../../../src/nn/index.ts'
import type { Device } from '../../../src/plan/device.ts'
import { fill } from '../../support/torch.ts'
import { type Adapter, adapters } from '../adapters.ts'
import {
  argument,
  type Case,
  type Check,
  type Comparison,
  type Computed,
  compare,
  equal,
  expectationOf,
  flat,
  type Group,
  inputsOf,
} from '../harness.ts'
import { type Reference, references } from '../references/layers.ts'

type Constructor = new (...args: readonly unknown[]) => nn.AnyModule

const table = nn as unknown as Readonly<Record<string, unknown>>

/** Classes that are layers themselves. */
const isLayer = (value: unknown): value is Constructor =>
  typeof value === 'function' && value.prototype instanceof nn.Module

/** Functions that take a layer and return it, changed. */
const wrappers: readonly string[] = ['spectralNorm', 'weightNorm']

/** A layer by name, with the arguments of a case and its options last. */
export function makeLayer(name: string, c: Case, extra: Readonly<Record<string, unknown>> = {}): nn.AnyModule {
  const Layer = table[name]
  const args = (c.args ?? []).map((a) => argument(a, makeLayer))
  const options = { ...(argument(c.options ?? {}, makeLayer) as object), ...extra }
  const all = [...args, ...(Object.keys(options).length > 0 ? [options] : [])]
  if (isLayer(Layer)) return new Layer(...all)
  if (wrappers.includes(name)) return (Layer as (...args: readonly unknown[]) => nn.AnyModule)(...all)
  throw new Error(`glia/nn has no layer ${name}`)
}

const method =
  (name: string): Adapter =>
  (module, inputs, options) => {
    const run = (module as unknown as Record<string, (...args: readonly unknown[]) => unknown>)[name]
    return run.call(module, ...inputs, ...(Object.keys(options).length > 0 ? [options] : []))
  }

function run({ item, entry, case: c, expected }: Check, device: Device): Comparison[] {
  const module = makeLayer(item, c).to(device)
  const { all, positional, named } = inputsOf(c, device)
  const parameters = new Map(module.namedParameters())
  const buffers = new Map(module.namedBuffers())
  const state: Comparison[] = []
  if (expected) {
    // The oracle's order decides the seeds; the names must be the same, whatever theirs.
    const names = Object.keys(expected.parameters ?? {})
    if (expected.inputs || names.length > 0)
      state.push(equal('parameters', [...parameters.keys()].sort().join(), [...names].sort().join()))
    state.push(
      equal(
        'buffers',
        [...buffers.keys()].sort().join(),
        Object.keys(expected.buffers ?? {})
          .sort()
          .join(),
      ),
    )
  }
  const order = <T>(map: Map<string, T>, like: object | undefined): [string, T][] =>
    Object.keys(like ?? Object.fromEntries(map)).flatMap((name) => {
      const found = map.get(name)
      return found ? [[name, found] as [string, T]] : []
    })
  order(parameters, expected?.parameters).forEach(([, p], k) => {
    p.set(fill(p.shape, 10 + k, c.parameterScale ?? 1))
  })
  order(buffers, expected?.buffers)
    .filter(([, b]) => b.dtype.startsWith('float'))
    .forEach(([, b], k) => {
      b.set(fill(b.shape, 50 + k, 0.4, 1))
    })
  module.train((c.mode ?? 'train') === 'train')
  const reference: Reference | undefined = references[item]
  const wanted = expected ?? (reference ? expectationOf(reference({ module, case: c, inputs: all }), c) : null)
  if (!wanted) throw new Error(`${item}: ${entry.oracle}, but neither a fixture nor a reference has this case`)
  const options = { ...(argument(c.call ?? {}, makeLayer) as object), ...named }
  let result: unknown
  for (let k = 0; k < (c.calls ?? 1); k++)
    result = (adapters[item] ?? method(c.method ?? 'call'))(module, positional, options)
  const computed: Computed = { outputs: flat(result), inputs: all, parameters, buffers }
  return [...state, ...compare(computed, wanted, c)]
}

export const group: Group = {
  name: 'layers',
  module: 'glia/nn',
  items: () => [...Object.keys(table).filter((name) => name !== 'Module' && isLayer(table[name])), ...wrappers],
  run,
}
