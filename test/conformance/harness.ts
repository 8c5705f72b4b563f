/**
 * @file Runs the cases of `cases/*.json` and compares values and gradients with what `scripts/fixtures/conformance.py`
 * recorded of PyTorch, or with a formula from `references`. Free of vitest, so that `npm run conformance` runs them, too.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { sameShape, sizeOf } from '../../src/core/shape.ts'
import { grad, Tensor, tensor } from '../../src/index.ts'
import type { Device } from '../../src/plan/device.ts'
import { fill } from '../support/torch.ts'

export interface InputSpec {
  readonly shape: readonly number[]
  /** Numbers in [−scale, scale] + offset (default 1 and 0). */
  readonly scale?: number
  readonly offset?: number
  /** Whole numbers below this instead. */
  readonly below?: number
  /** These numbers instead; with dtype 'int' or 'bool' of that kind (of `below`: 'bool'). */
  readonly values?: readonly Num[]
  readonly dtype?: 'int' | 'bool'
  /** Default: the position among the inputs. */
  readonly seed?: number
  /** false: a constant, whose gradient is not asked for. */
  readonly grad?: boolean
  /** Passed as this option rather than by position. */
  readonly as?: string
}

type Num = number | string
export type Options = Readonly<Record<string, unknown>>

export interface Case {
  readonly args?: readonly unknown[]
  readonly options?: Options
  readonly inputs?: readonly InputSpec[]
  /** Method of a layer that runs instead of `forward`. */
  readonly method?: string
  /** Options of `forward`, its last argument. */
  readonly call?: Options
  /** Default 'train'. */
  readonly mode?: 'train' | 'eval'
  /** How often `forward` runs; the last run is compared (default 1). */
  readonly calls?: number
  /** Parameters are filled within ± this (default 1). */
  readonly parameterScale?: number
  /** Whether second derivatives are compared, too. */
  readonly second?: boolean
  /** Of the greatest magnitude in each array compared, but at least of 1 (default 1e-5). */
  readonly tolerance?: number
  readonly note?: string
}

export interface Entry extends Case {
  readonly oracle: 'torch' | 'composed'
  /** For reports: who computed the fixture, where that is not PyTorch. */
  readonly by?: string
  readonly torch?: string
  readonly cases: readonly Case[]
}

interface Gradients {
  readonly inputs?: readonly (readonly Num[] | null)[]
  readonly parameters?: Readonly<Record<string, readonly Num[] | null>>
}

/** What the oracle found for a case. */
export interface Expected extends Gradients {
  readonly outputs: readonly { readonly shape: readonly number[]; readonly data: readonly Num[] }[]
  readonly buffers?: Readonly<Record<string, readonly Num[]>>
  readonly second?: Gradients
}

export interface Check {
  readonly group: string
  readonly item: string
  readonly entry: Entry
  readonly case: Case
  /** null where no fixture has it: then `references` must. */
  readonly expected: Expected | null
  readonly label: string
}

/** One array that was compared. */
export interface Comparison {
  readonly what: string
  /** Greatest |a − b| / (1 + |b|). */
  readonly deviation: number
  /** null: within the tolerance. */
  readonly problem: string | null
}

/** A family of public items, and how a case of theirs runs. */
export interface Group {
  readonly name: string
  /** Where users import the items from. */
  readonly module: string
  /** Every public item: each needs a case. */
  readonly items: () => readonly string[]
  readonly run: (check: Check, device: Device) => readonly Comparison[]
}

const here = new URL('.', import.meta.url)
const read = <T>(path: string): T => JSON.parse(readFileSync(new URL(path, here), 'utf8')) as T

/** Entries of `<group>.json` and `<group>-….json`, by item. */
export function entriesOf(group: string): Map<string, { readonly entry: Entry; readonly file: string }> {
  const files = readdirSync(new URL('cases/', here)).filter((f) => f === `${group}.json` || f.startsWith(`${group}-`))
  const found = new Map<string, { entry: Entry; file: string }>()
  for (const file of files.sort()) {
    for (const [item, entry] of Object.entries(read<Record<string, Entry>>(`cases/${file}`))) {
      if (found.has(item)) throw new Error(`${item} has entries in two files of group ${group}`)
      found.set(item, { entry, file })
    }
  }
  return found
}

/** Every case of a group with what is expected of it. */
export function checksOf(group: string): Check[] {
  const fixtures = new Map<string, Record<string, readonly (Expected | null)[]>>()
  const recorded = (file: string): Record<string, readonly (Expected | null)[]> => {
    if (!fixtures.has(file)) {
      const exists = readdirSync(new URL('../fixtures/conformance/', here)).includes(file)
      fixtures.set(file, exists ? read(`../fixtures/conformance/${file}`) : {})
    }
    return fixtures.get(file) ?? {}
  }
  return [...entriesOf(group)].flatMap(([item, { entry, file }]) => {
    const { oracle: _, torch: __, cases, ...shared } = entry
    return cases.map((own, k) => {
      const merged = { ...shared, ...own }
      return {
        group,
        item,
        entry,
        case: merged,
        expected: recorded(file)[item]?.[k] ?? null,
        label: `${item} ${describe(own)}`,
      }
    })
  })
}

function describe(c: Case): string {
  // Batches of metrics are long.
  const { inputs, note, batches: _, ...rest } = c as Case & { readonly batches?: unknown }
  const shapes = inputs?.map((i) => `[${i.shape}]`).join(' ')
  return [note, shapes, Object.keys(rest).length > 0 ? JSON.stringify(rest) : ''].filter((s) => s).join(' ') || 'plain'
}

/** The numbers that both sides use. */
function inputValues(spec: InputSpec, seed: number): Float32Array | Int32Array {
  const { shape, below } = spec
  const given = spec.values?.map(Number)
  if (given) return spec.dtype ? Int32Array.from(given) : Float32Array.from(given)
  if (below === undefined) return fill(shape, spec.seed ?? seed, spec.scale, spec.offset)
  const at = (i: number): number => ((i * 7919 + (spec.seed ?? seed) * 104729) % 2001) % below
  return Int32Array.from({ length: sizeOf(shape) }, (_, i) => at(i))
}

/** The inputs of a case, those that are options by name apart. */
export function inputsOf(
  c: Case,
  device: Device,
): { all: Tensor[]; positional: Tensor[]; named: Record<string, Tensor> } {
  const specs = c.inputs ?? []
  const all = specs.map((spec, k) => {
    const values = inputValues(spec, k)
    if (spec.dtype === 'bool') return tensor(Uint8Array.from(values), { shape: spec.shape, device }).ne(0)
    const t = tensor(values, { shape: spec.shape, device })
    if (values instanceof Float32Array && spec.grad !== false) t.requiresGrad = true
    return t
  })
  const elsewhere = new Set(
    [...JSON.stringify([c.args, c.options]).matchAll(/"\$input":(\d+)/g)].map((m) => Number(m[1])),
  )
  return {
    all,
    positional: all.filter((_, k) => specs[k].as === undefined && !elsewhere.has(k)),
    named: Object.fromEntries(specs.flatMap(({ as }, k) => (as === undefined ? [] : [[as, all[k]]]))),
  }
}

/** JSON as TypeScript takes it: see test/conformance/README.md. */
export function argument(
  value: unknown,
  layer: (name: string, c: Case) => unknown,
  inputs: readonly Tensor[] = [],
): unknown {
  if (value === 'Infinity' || value === '-Infinity') return Number(value)
  if (Array.isArray(value)) return value.map((v) => argument(v, layer, inputs))
  if (value === null || typeof value !== 'object') return value
  if ('$layer' in value) return layer(String(value.$layer), value as Case)
  if ('$input' in value) return inputs[Number(value.$input)]
  if ('$method' in value) {
    const method = String(value.$method)
    return (x: Tensor) => (x as unknown as Record<string, () => Tensor>)[method]()
  }
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, argument(v, layer, inputs)]))
}

/** All tensors within a result, in order. */
export function flat(value: unknown): Tensor[] {
  if (value instanceof Tensor) return [value]
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(flat) : []
}

/** Outputs of a case and what their gradients are asked for. */
export interface Computed {
  readonly outputs: readonly Tensor[]
  readonly inputs: readonly Tensor[]
  readonly parameters?: ReadonlyMap<string, Tensor>
  readonly buffers?: ReadonlyMap<string, Tensor>
}

const seeded = (t: Tensor, seed: number): Tensor =>
  t.mul(tensor(fill(t.shape, seed), { shape: t.shape, device: t.device })).sum()

/** Values of a computed case in the form of the fixtures: what a reference is turned into. */
export function expectationOf(computed: Computed, c: Case): Expected {
  const { outputs, inputs, parameters = new Map<string, Tensor>(), buffers = new Map<string, Tensor>() } = computed
  const live = outputs.flatMap((t, k) => (t.requiresGrad ? [seeded(t, 99 + 100 * k)] : []))
  const wanted = [...inputs.filter((t) => t.requiresGrad), ...parameters.values()]
  const loss = live.length > 0 ? live.reduce((a, b) => a.add(b)) : null
  const first = lookup(wanted, loss ? gradients(loss, wanted, c.second ?? false) : [])
  const g = c.second ? first.get(wanted[0]) : undefined
  const second = lookup(wanted, g?.requiresGrad ? gradients(seeded(g, 98), wanted, false) : [])
  // All in one run, as a step of training computes them.
  const all = [...outputs, ...first.values(), ...second.values(), ...buffers.values()]
  if (all.length > 0) Tensor.settle(all[0].device, all)
  const gather = (found: ReadonlyMap<Tensor, Tensor>): Gradients => ({
    inputs: inputs.map((t) => numbers(found.get(t))),
    ...(parameters.size > 0
      ? { parameters: Object.fromEntries([...parameters].map(([name, p]) => [name, numbers(found.get(p))])) }
      : {}),
  })
  return {
    outputs: outputs.map((t) => ({ shape: t.shape, data: [...t.dataSync()] })),
    ...(buffers.size > 0 ? { buffers: values(buffers) } : {}),
    ...(loss ? gather(first) : {}),
    ...(loss && c.second ? { second: gather(second) } : {}),
  }
}

const gradients = (loss: Tensor, wanted: readonly Tensor[], createGraph: boolean): Tensor[] =>
  grad(loss, wanted, { createGraph, allowUnused: true })

const lookup = (keys: readonly Tensor[], values: readonly Tensor[]): Map<Tensor, Tensor> =>
  new Map(values.map((v, k) => [keys[k], v]))

const numbers = (t: Tensor | undefined): number[] | null => (t ? [...t.dataSync()] : null)

const values = (named: ReadonlyMap<string, Tensor>): Record<string, number[]> =>
  Object.fromEntries([...named].map(([name, t]) => [name, [...t.dataSync()]]))

/** Compares everything that the oracle recorded. A gradient it lacks may be zeros. */
export function compare(computed: Computed, expected: Expected, c: Case): Comparison[] {
  const actual = expectationOf(computed, c)
  const tolerance = c.tolerance ?? 1e-5
  const result: Comparison[] = [
    equal('number of outputs', actual.outputs.length, expected.outputs.length),
    ...expected.outputs.flatMap((e, k) => {
      const a = actual.outputs[k]
      if (!a) return []
      const what = `output ${k}`
      return sameShape(a.shape, e.shape)
        ? [close(what, a.data, e.data, tolerance)]
        : [equal(`shape of ${what}`, `[${a.shape}]`, `[${e.shape}]`)]
    }),
  ]
  const both = (prefix: string, a: Gradients, e: Gradients): void => {
    e.inputs?.forEach((g, k) => {
      if (computed.inputs[k].requiresGrad) result.push(close(`${prefix} of input ${k}`, a.inputs?.[k], g, tolerance))
    })
    for (const [name, g] of Object.entries(e.parameters ?? {}))
      result.push(close(`${prefix} of ${name}`, a.parameters?.[name], g, tolerance))
  }
  both('gradient', actual, expected)
  if (expected.second) both('second derivative', actual.second ?? {}, expected.second)
  for (const [name, b] of Object.entries(expected.buffers ?? {}))
    result.push(close(`buffer ${name}`, actual.buffers?.[name], b, tolerance))
  return result
}

/** Compares two words or numbers. */
export function equal(what: string, actual: unknown, expected: unknown): Comparison {
  const same = actual === expected
  return { what, deviation: 0, problem: same ? null : `${what} is ${actual}, but should be ${expected}` }
}

/** Compares arrays; null stands for zeros. The tolerance is relative to the greatest magnitude, but at least to 1. */
export function close(
  what: string,
  actual: readonly Num[] | null | undefined,
  expected: readonly Num[] | null,
  tolerance = 1e-5,
): Comparison {
  const length = expected?.length ?? actual?.length ?? 0
  if (actual && actual.length !== length) return equal(`number of values of ${what}`, actual.length, length)
  const wanted = Array.from({ length }, (_, i) => Number(expected?.[i] ?? 0))
  const greatest = wanted.reduce((m, v) => (Number.isFinite(v) ? Math.max(m, Math.abs(v)) : m), 1)
  let deviation = 0
  let problem: string | null = null
  wanted.forEach((e, i) => {
    const a = Number(actual?.[i] ?? 0)
    if (a === e || (Number.isNaN(a) && Number.isNaN(e))) return
    const distance = Math.abs(a - e)
    if (Number.isFinite(distance)) deviation = Math.max(deviation, distance / (1 + Math.abs(e)))
    if (!(distance <= tolerance * greatest)) problem ??= `${what}: element ${i} is ${a}, but should be ${e}`
  })
  return { what, deviation, problem }
}
