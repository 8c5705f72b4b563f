/** @file Runs cases of plain functions of tensors: `fn(...inputs, ...args, options)`. */
import type { Tensor } from '../../src/index.ts'
import type { Device } from '../../src/plan/device.ts'
import { argument, type Check, type Comparison, compare, expectationOf, flat, inputsOf } from './harness.ts'

/** Any function of tensors, numbers and options; its result may be a tensor or hold tensors. */
export type AnyFunction = (...args: readonly unknown[]) => unknown

const noLayer = (name: string): never => {
  throw new Error(`a function takes no layer ${name}`)
}

/**
 * Compares `fn` with the fixture of the case or, where there is none, with `reference`, which takes the same arguments
 * and is composed of plain tensor operations.
 */
export function runFunction(check: Check, device: Device, fn: AnyFunction, reference?: AnyFunction): Comparison[] {
  const { case: c, expected } = check
  const { all, positional, named } = inputsOf(c, device)
  const args = (c.args ?? []).map((a) => argument(a, noLayer, all))
  const options = { ...(argument(c.options ?? {}, noLayer, all) as object), ...named }
  const outputs = (f: AnyFunction): Tensor[] =>
    flat(f(...positional, ...args, ...(Object.keys(options).length > 0 ? [options] : [])))
  const wanted = expected ?? (reference ? expectationOf({ outputs: outputs(reference), inputs: all }, c) : null)
  if (!wanted) throw new Error(`${check.item}: neither a fixture nor a reference has this case`)
  return compare({ outputs: outputs(fn), inputs: all }, wanted, c)
}
