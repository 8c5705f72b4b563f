/** @file What layers compute, as functions: `functional` of `glia/nn`. */
import { functional } from '../../../src/nn/index.ts'
import { type AnyFunction, runFunction } from '../functions.ts'
import type { Group } from '../harness.ts'
import { references } from '../references/functions.ts'

const table = functional as unknown as Readonly<Record<string, unknown>>

const isFunction = (value: unknown): value is AnyFunction => typeof value === 'function'

export const group: Group = {
  name: 'functions',
  module: 'glia/nn functional',
  items: () => Object.keys(table).filter((name) => isFunction(table[name])),
  run: (check, device) => {
    const fn = table[check.item]
    if (!isFunction(fn)) throw new Error(`glia/nn functional has no ${check.item}`)
    return runFunction(check, device, fn, references[check.item])
  },
}
