/**
 * @file Looking at what the parts of a model put out, and changing it. A module without hooks is left alone: its `forward`
 * is replaced while it has some, so that nobody pays for hooks that are not there.
 */
import { GliaError } from '../core/errors.ts'
import { activeTrace, guard, type Trace } from '../graph/trace.ts'
import { TensorBase } from '../tensor/base.ts'
import type { Tensor } from '../tensor/tensor.ts'
import type { AnyModule } from './module.ts'

/**
 * Called after a module's `forward` with what it put out and then what it took. What it returns, unless undefined, takes the
 * output's place.
 */
export type ForwardHook<R = unknown> = (output: R, inputs: readonly unknown[]) => R | undefined

interface Entry {
  readonly hook: ForwardHook
}

const hooksOf = new WeakMap<AnyModule, Set<Entry>>()

/** Hooks that outlive the recording of a compiled function, by number: a recording holds as long as these are the same. */
const lasting = new Set<number>()
let lastingNow = ''
let nextNumber = 0

/** Calls `hook` after each `forward` of `module`, until the function returned is called. */
export function addForwardHook(module: AnyModule, hook: ForwardHook): () => void {
  if (typeof hook !== 'function') throw new GliaError(`onForward: takes a function; received ${typeof hook}.`)
  const entries = hooksOf.get(module) ?? new Set()
  hooksOf.set(module, entries)
  if (entries.size === 0) intercept(module, entries)
  const entry: Entry = { hook }
  entries.add(entry)
  const number = nextNumber++
  if (!activeTrace()) {
    lasting.add(number)
    lastingNow = [...lasting].join()
  }
  return () => {
    if (!entries.delete(entry)) return
    if (lasting.delete(number)) lastingNow = [...lasting].join()
    if (entries.size === 0) restore(module)
  }
}

const originals = new WeakMap<AnyModule, PropertyDescriptor>()

/** Puts a `forward` of the module's own before that of its class. */
function intercept(module: AnyModule, entries: ReadonlySet<Entry>): void {
  const own = Object.getOwnPropertyDescriptor(module, 'forward')
  if (own) originals.set(module, own)
  const forward = module.forward as (...args: unknown[]) => unknown
  Object.defineProperty(module, 'forward', {
    configurable: true,
    value: (...args: unknown[]): unknown => {
      guardHooks()
      let output = forward.apply(module, args)
      for (const { hook } of [...entries]) {
        const replacement = hook(output, args)
        if (replacement !== undefined) output = replacement
      }
      return output
    },
  })
}

function restore(module: AnyModule): void {
  const own = originals.get(module)
  if (own) Object.defineProperty(module, 'forward', own)
  else Reflect.deleteProperty(module, 'forward')
}

let guardedIn: Trace | null = null

/** Has a compiled function recorded anew when hooks were added or removed. */
export function guardHooks(): void {
  const trace = activeTrace()
  if (!trace || trace === guardedIn) return
  guardedIn = trace
  guard(() => lastingNow, 'a forward hook was added or removed')
}

/** The first tensor of what a module put out. */
export function firstTensor(output: unknown): Tensor | null {
  if (output instanceof TensorBase) return output as Tensor
  if (output === null || typeof output !== 'object') return null
  for (const part of Object.values(output)) {
    const found = firstTensor(part)
    if (found) return found
  }
  return null
}

/** A type rather than an interface, so that compiled functions may return it. */
export type Tapped<R> = {
  /** What the function returned. */
  readonly result: R
  /** What each part put out, by path; of a part with several results, the first; of several calls, the last. */
  readonly outputs: Readonly<Record<string, Tensor>>
}

/**
 * Runs `fn` and returns what parts of `model` put out meanwhile. In a compiled function, they may be returned:
 *
 * ```ts
 * const features = compile((x: Tensor) => tap(model, ['layers.2', 'layers.5'], () => model.call(x)).outputs)
 * ```
 *
 * @param paths of the parts, as `namedModules` lists them
 * @throws GliaError for a path that the model does not have, or a part that `fn` did not call
 */
export function tap<R>(model: AnyModule, paths: readonly string[], fn: () => R): Tapped<R> {
  const modules = new Map(model.namedModules())
  const outputs: Record<string, Tensor> = {}
  const removers = paths.map((path) => {
    const module = modules.get(path)
    if (!module) {
      throw new GliaError(
        `tap: there is no part '${path}'; there are ${[...modules.keys()].filter((p) => p).join(', ')}.`,
      )
    }
    return (): (() => void) =>
      addForwardHook(module, (output) => {
        const tensor = firstTensor(output)
        if (tensor) outputs[path] = tensor
        return undefined
      })
  })
  const undo = removers.map((add) => add())
  let result: R
  try {
    result = fn()
  } finally {
    for (const remove of undo) remove()
  }
  const missing = paths.filter((path) => !(path in outputs))
  if (missing.length > 0) {
    throw new GliaError(
      `tap: ${missing.join(', ')} put out no tensor; the function must call the parts that are tapped.`,
    )
  }
  return { result, outputs }
}
