/**
 * @file `compile`: records a function's graph once per signature and replays it as one plan, with no per-operation
 * JavaScript.
 */
import type { TypedArray } from '../core/dtype.ts'
import { GliaError } from '../core/errors.ts'
import { Node } from '../graph/node.ts'
import { activeTrace, type Guard, Trace, withTrace } from '../graph/trace.ts'
import { type Device, defaultDevice, type KernelTime, type Step } from '../plan/device.ts'
import { TensorBase } from './base.ts'
import { settleCells } from './pending.ts'
import { Tensor } from './tensor.ts'

/**
 * What a compiled function may take: tensors are data; strings, booleans, null and undefined are structure (another
 * value, another plan); arrays and plain objects hold either.
 */
export type Arg = TensorBase | string | boolean | null | undefined | readonly Arg[] | { readonly [key: string]: Arg }

/** What a compiled function may return. */
export type Result =
  | Tensor
  | number
  | string
  | boolean
  | null
  | undefined
  | readonly Result[]
  | { readonly [key: string]: Result }

/** Where the function takes a tensor, the compiled one also takes a number, read anew at every call. */
export type Callable<A> = A extends TensorBase ? A | number : A

export interface Compiled<A extends readonly Arg[], R> {
  (...args: { [K in keyof A]: Callable<A[K]> }): R
  /**
   * As a call, while the event loop goes on where the device has threads of the system to run on (`avx2`, `avx512`);
   * elsewhere the step has run when this returns, and only the promise comes later.
   *
   * Until the promise settles the device is the step's: whatever else computes on it, or reads, sets or moves what lives in
   * its memory (parameters, states, learning rates), throws. `await t.data()`, `t.item()` and `t.array()` wait instead.
   * Steps started with `async` while another one runs follow in order, and read their arguments and cells when their turn
   * comes. A step that fails rejects, has changed no cell, and holds up nobody.
   */
  async(...args: { [K in keyof A]: Callable<A[K]> }): Promise<R>
  /** Lists the kernels of the plan used last (or of all), with operations, module path and call site. */
  explain(): string
  /** Time of each kernel alone with these arguments, the fastest of `runs` (20 by default); the step runs `runs` + 3 times. */
  profile(args: { [K in keyof A]: Callable<A[K]> }, runs?: number): KernelTime[]
  /** How many times the function has been recorded, and why each time. */
  readonly traces: readonly string[]
}

interface Recorded {
  readonly guards: readonly Guard[]
  readonly step: Step
  /** Rebuilds the function's result from the output values. */
  readonly rebuild: (values: readonly TypedArray[]) => unknown
}

/** Arguments of a call and what they have in common. */
interface Inspected {
  readonly args: readonly unknown[]
  readonly tensors: readonly (TensorBase | number)[]
  /** Their shapes, dtypes and structure. */
  readonly key: string
  readonly device: Device
}

/**
 * Compiles `fn`. It runs once for each signature (shapes and dtypes of tensors, structural arguments, and whatever the
 * recording depended on: train or eval mode, frozen parameters); afterwards calls replay the plan. Parameters,
 * optimizer states, learning rates, running statistics and random counters are read and updated in place at each call.
 *
 * Tensors made inside do not leave but by being returned. Values cannot be read inside.
 *
 * @throws GliaError for arguments that are neither tensors nor structure, and whatever `fn` throws while recorded
 */
export function compile<const A extends readonly Arg[], R extends Result>(fn: (...args: A) => R): Compiled<A, R> {
  const name = fn.name || 'step'
  const recorded = new Map<string, Recorded[]>()
  const traces: string[] = []
  let latest: Recorded | null = null

  const inspect = (args: readonly unknown[]): Inspected => {
    const tensors: (TensorBase | number)[] = []
    const key = args.map((a, i) => signature(a, `argument ${i + 1} of ${name}`, tensors)).join(';')
    return { args, tensors, key, device: deviceOf(name, tensors) }
  }
  /** The recording that serves these arguments, made if need be, with their values. */
  const find = ({ args, tensors, key, device }: Inspected): { found: Recorded; values: TypedArray[] } => {
    device.turns.check(name)
    const signed = `${device.name} ${key}`
    const variants = recorded.get(signed) ?? []
    let found = variants.find((v) => v.guards.every((g) => g.holds()))
    if (!found) {
      traces.push(reasonFor(signed, recorded, variants))
      found = record(name, fn as (...args: readonly unknown[]) => unknown, args, tensors, device)
      recorded.set(signed, [...variants, found])
    }
    latest = found
    settleCells(device, found.step.cells)
    return { found, values: tensors.map(hostValues) }
  }
  const call = (...args: readonly unknown[]): R => {
    if (activeTrace()) return fn(...(args as unknown as A))
    const { found, values } = find(inspect(args))
    return found.rebuild(found.step.run(values)) as R
  }
  const async = async (...args: readonly unknown[]): Promise<R> => {
    if (activeTrace()) {
      throw new GliaError(
        `${name}: async() was called in a compiled function, which cannot wait for it. Call ${name}(…) itself there.`,
      )
    }
    const inspected = inspect(args)
    return inspected.device.turns.take(async () => {
      const { found, values } = find(inspected)
      return found.rebuild(await found.step.runAsync(values)) as R
    })
  }
  return Object.assign(call, {
    async,
    explain: (): string =>
      latest?.step.explain() ?? `${name} has not been called yet: call it once, then explain() lists its kernels.`,
    profile: (args: readonly unknown[], runs = 20): KernelTime[] => {
      const { found, values } = find(inspect(args))
      return found.step.profile(values, runs)
    },
    traces,
  }) as Compiled<A, R>
}

/** Describes an argument's structure, collecting its tensors. */
function signature(a: unknown, where: string, tensors: (TensorBase | number)[]): string {
  if (a instanceof TensorBase) {
    tensors.push(a)
    return `${a.dtype}[${a.shape}]`
  }
  if (typeof a === 'number') {
    tensors.push(a)
    return 'float32[]'
  }
  if (a === null || a === undefined || typeof a === 'boolean') return String(a)
  if (typeof a === 'string') return JSON.stringify(a)
  if (Array.isArray(a)) return `[${a.map((x, i) => signature(x, `${where}[${i}]`, tensors)).join(',')}]`
  if (isPlain(a)) {
    const entries = Object.entries(a).map(([k, v]) => `${JSON.stringify(k)}:${signature(v, `${where}.${k}`, tensors)}`)
    return `{${entries.join(',')}}`
  }
  throw new GliaError(
    `compile: ${where} is ${describe(a)}; a compiled function takes tensors, numbers, strings, booleans, and arrays or ` +
      'plain objects of these. Make typed arrays into tensors with tensor(…), and use models and optimizers from the surrounding scope.',
  )
}

function isPlain(a: unknown): a is Record<string, unknown> {
  return typeof a === 'object' && a !== null && [Object.prototype, null].includes(Object.getPrototypeOf(a))
}

function describe(a: unknown): string {
  return typeof a === 'object' && a !== null ? `a ${a.constructor?.name ?? 'object'}` : `a ${typeof a}`
}

function deviceOf(name: string, tensors: readonly (TensorBase | number)[]): Device {
  let device: Device | null = null
  for (const t of tensors) {
    if (typeof t === 'number') continue
    if (device && t.device !== device) {
      throw new GliaError(
        `${name}: received tensors on two devices, ${device.name} and ${t.device.name}. Move one with to(device).`,
      )
    }
    device = t.device
  }
  return device ?? defaultDevice()
}

function hostValues(t: TensorBase | number): TypedArray {
  return typeof t === 'number' ? Float32Array.of(t) : t.hostValues()
}

function reasonFor(signed: string, recorded: ReadonlyMap<string, unknown>, variants: readonly Recorded[]): string {
  if (variants.length > 0) {
    const broken = variants[variants.length - 1].guards.find((g) => !g.holds())
    return broken?.reason ?? 'a condition changed'
  }
  return recorded.size === 0 ? 'first call' : `new signature ${signed}`
}

function record(
  name: string,
  fn: (...args: readonly unknown[]) => unknown,
  args: readonly unknown[],
  tensors: readonly (TensorBase | number)[],
  device: Device,
): Recorded {
  const trace = new Trace(name)
  const parameters = tensors.map((t, index) => {
    const aval = typeof t === 'number' ? { shape: [], dtype: 'float32' as const } : t
    return new Node('parameter', [], { owner: trace, index }, { shape: aval.shape, dtype: aval.dtype })
  })
  let next = 0
  const place = (a: unknown): unknown => {
    if (a instanceof TensorBase || typeof a === 'number') return new Tensor(parameters[next++], device)
    if (Array.isArray(a)) return a.map(place)
    if (isPlain(a)) return Object.fromEntries(Object.entries(a).map(([k, v]) => [k, place(v)]))
    return a
  }
  const result = withTrace(trace, () => fn(...args.map(place)))
  const outputs: Node[] = []
  const rebuild = collect(result, `the result of ${name}`, device, outputs)
  const step = device.compile({ parameters, outputs, writes: trace.writes, reads: trace.reads, name })
  return { guards: trace.guards, step, rebuild }
}

/** Notes the tensors of a result; gives back how to build the same structure from values. */
function collect(
  result: unknown,
  where: string,
  device: Device,
  outputs: Node[],
): (values: readonly TypedArray[]) => unknown {
  if (result instanceof TensorBase) {
    const { node } = result
    const position = outputs.push(node) - 1
    const aval = { shape: node.shape, dtype: node.dtype }
    return (values) => new Tensor(new Node('data', [], { values: values[position] }, aval), device)
  }
  if (result instanceof Promise) {
    throw new GliaError(`compile: ${where} is a Promise; a compiled function is recorded at once and cannot await.`)
  }
  if (Array.isArray(result)) {
    const parts = result.map((r, i) => collect(r, `${where}[${i}]`, device, outputs))
    return (values) => parts.map((p) => p(values))
  }
  if (isPlain(result)) {
    const parts = Object.entries(result).map(([k, r]) => [k, collect(r, `${where}.${k}`, device, outputs)] as const)
    return (values) => Object.fromEntries(parts.map(([k, p]) => [k, p(values)]))
  }
  if (typeof result === 'object' && result !== null) {
    throw new GliaError(
      `compile: ${where} is ${describe(result)}; return tensors, or arrays and plain objects of them.`,
    )
  }
  return () => result
}
