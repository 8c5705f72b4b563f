/** @file Tensors: their methods, and the functions that make, join and pick from them. */
import { defaultDevice, setDefaultDevice, Tensor } from '../../../src/index.ts'
import type { Device } from '../../../src/plan/device.ts'
import * as everything from '../../../src/tensor/index.ts'
import type { Index } from '../../../src/tensor/indexing.ts'
import { type AnyFunction, runFunction } from '../functions.ts'
import type { Check, Comparison, Group } from '../harness.ts'

/** Methods that are about graphs, devices and reading rather than values: test/tensor and test/autograd hold them. */
const elsewhere = new Set(
  `constructor node device shape dtype rank size history requiresGrad isLeaf grad data dataSync item itemSync array
  arraySync hostValues readValues realise feeds release probe adopt moved setDevice toString backward detach to`.split(
    /\s+/,
  ),
)

/** Functions whose results are drawn, classes, and functions of functions: test/tensor holds them. */
const drawnOrOther = new Set(
  `bernoulli defaultGenerator exponential gumbel manualSeed multinomial normal rand randint randn randperm uniform scan
  tensor Tensor Parameter Buffer Generator`.split(/\s+/),
)

function methods(): Map<string, AnyFunction> {
  const found = new Map<string, AnyFunction>()
  for (let p: object = Tensor.prototype; p !== Object.prototype; p = Object.getPrototypeOf(p) as object) {
    for (const name of Object.getOwnPropertyNames(p)) {
      if (elsewhere.has(name)) continue
      found.set(name, (x, ...rest) => {
        const member = (x as Readonly<Record<string, unknown>>)[name]
        return typeof member === 'function' ? (member as AnyFunction).apply(x, rest as unknown[]) : member
      })
    }
  }
  return found
}

/** "t0", "t1" … in an index stand for the tensors. */
function indices(spec: unknown, tensors: readonly unknown[]): Index[] {
  return (spec as readonly unknown[]).map((s) =>
    typeof s === 'string' ? (tensors[Number(s.slice(1))] as Tensor) : (s as Index),
  )
}

/** Where inputs come in another order than `x, …, arguments, options`. */
const adapters: Readonly<Record<string, AnyFunction>> = {
  index: (x, ...rest) => (x as Tensor).index(...indices(rest.at(-1), rest)),
  indexPut: (x, ...rest) => {
    const at = rest.findIndex(Array.isArray)
    const spec = rest[at] as readonly unknown[]
    const count = spec.filter((s) => typeof s === 'string').length
    const values = (at > count ? rest[count] : rest[at + 1]) as Tensor | number
    const options = rest.slice(at + 1).find((o) => typeof o === 'object')
    return (x as Tensor).indexPut(indices(spec, rest), values, options as object)
  },
  where: (condition, a, b) => (a as Tensor).where(condition as Tensor, b as Tensor),
  maskedFill: (x, mask, value) => (x as Tensor).maskedFill(mask as Tensor, value as Tensor | number),
  cat: (...rest) => everything.cat(rest.slice(0, -1) as Tensor[], rest.at(-1) as number),
  stack: (...rest) => everything.stack(rest.slice(0, -1) as Tensor[], rest.at(-1) as number),
  einsum: (...rest) => everything.einsum(rest.at(-1) as string, ...(rest.slice(0, -1) as Tensor[])),
}

const table: ReadonlyMap<string, AnyFunction> = new Map([
  ...methods(),
  ...Object.entries(everything).flatMap(([name, value]): [string, AnyFunction][] =>
    typeof value === 'function' && !drawnOrOther.has(name) ? [[name, value as unknown as AnyFunction]] : [],
  ),
  ...Object.entries(adapters),
])

/** Runs a case with every argument passed through a function first. */
export function runThrough(check: Check, device: Device, through: (argument: unknown) => unknown): Comparison[] {
  const fn = table.get(check.item)
  if (!fn) throw new Error(`glia has no ${check.item}`)
  return runOn(device, () => runFunction(check, device, (...args) => fn(...args.map(through))))
}

export const group: Group = {
  name: 'tensor',
  module: 'glia',
  items: () => [...table.keys()],
  run: (check, device) => runThrough(check, device, (argument) => argument),
}

/** Factories make tensors of the default device. */
function runOn<T>(device: Device, fn: () => T): T {
  const before = defaultDevice()
  setDefaultDevice(device)
  try {
    return fn()
  } finally {
    setDefaultDevice(before)
  }
}
