/**
 * @file Module: a piece of a network with parameters. Its parameters, buffers and children are simply its properties;
 * their names are the keys under which they are saved.
 */

import { modulePath, withModule } from '../core/debug.ts'
import { GliaError } from '../core/errors.ts'
import { sameShape, showShape } from '../core/shape.ts'
import { activeTrace, guard, type Trace } from '../graph/trace.ts'
import type { Device } from '../plan/device.ts'
import { Buffer, Parameter } from '../tensor/parameter.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { addForwardHook, type ForwardHook, guardHooks } from './hooks.ts'

/** Any module, whatever its forward takes and returns. */
export type AnyModule = Module<readonly never[], unknown>

/** Values by name, such as `{ 'conv1.weight': … }`. */
export type StateDict = Record<string, Tensor>

export interface LoadResult {
  /** Keys the module has and the dict lacks. */
  readonly missing: string[]
  /** Keys the dict has and the module lacks. */
  readonly unexpected: string[]
  /** Keys of both with different shapes. */
  readonly mismatched: {
    readonly key: string
    readonly expected: readonly number[]
    readonly received: readonly number[]
  }[]
}

/**
 * Base of all layers and models. A subclass makes its parts in the constructor and computes in `forward`:
 *
 * ```ts
 * class Net extends Module {
 *   readonly hidden = new Linear(784, 128)
 *   readonly out = new Linear(128, 10)
 *   forward(x: Tensor): Tensor {
 *     return this.out.call(this.hidden.call(x).relu())
 *   }
 * }
 * ```
 *
 * Parts may also sit in arrays and plain objects (`this.blocks = [new Block(), …]` is saved as `blocks.0.…`). A part used
 * twice is one part.
 */
export abstract class Module<A extends readonly unknown[] = [x: Tensor], R = Tensor> {
  #training = true
  #guardedIn: Trace | null = null
  /** Name in the parent. */
  #label = ''
  #labelled = false

  /** What the module computes. */
  abstract forward(...args: A): R

  /** `forward`, noted under the module's name in reports and error messages. */
  call(...args: A): R {
    guardHooks()
    if (!this.#labelled) {
      for (const [name, child] of this.namedChildren()) child.#label = name
      this.#labelled = true
    }
    // The root has no name, so that paths read as the parameters' names do.
    return withModule(this.#label || (modulePath() && this.constructor.name), () => this.forward(...args))
  }

  /**
   * Calls `hook` with the output and the inputs after every `forward`; what it returns, unless undefined, takes the
   * output's place. Costs nothing where there is none. A compiled function that calls its modules through `call` is
   * recorded anew when hooks come or go; in it, the hook runs when it is recorded.
   *
   * @returns removes the hook
   */
  onForward(hook: ForwardHook<R>): () => void {
    return addForwardHook(this, hook as ForwardHook)
  }

  /** Whether the module trains (dropout drops, batch norm uses the batch's statistics). Set by `train` and `eval`. */
  get training(): boolean {
    const trace = activeTrace()
    if (trace && trace !== this.#guardedIn) {
      this.#guardedIn = trace
      guard(() => this.#training, `${this.constructor.name} switched between train() and eval()`)
    }
    return this.#training
  }

  /** Sets the mode of this module and all its parts. Returns it. */
  train(mode = true): this {
    for (const [, m] of this.namedModules()) m.#training = mode
    return this
  }

  /** `train(false)`. */
  eval(): this {
    return this.train(false)
  }

  /** Direct parts, by property name. */
  namedChildren(): [name: string, child: AnyModule][] {
    return properties(this).flatMap(([name, value]) =>
      value instanceof Module ? [[name, value] as [string, AnyModule]] : [],
    )
  }

  /** Direct parts. */
  children(): AnyModule[] {
    return this.namedChildren().map(([, child]) => child)
  }

  /** This module (name `''`) and all its parts at any depth, each once, by dotted path. */
  namedModules(prefix = '', seen: Set<AnyModule> = new Set()): [path: string, module: AnyModule][] {
    if (seen.has(this)) return []
    seen.add(this)
    const below = this.namedChildren().flatMap(([name, child]) => child.namedModules(join(prefix, name), seen))
    return [[prefix, this], ...below]
  }

  /** This module and all its parts, each once. */
  modules(): AnyModule[] {
    return this.namedModules().map(([, m]) => m)
  }

  /** All parameters at any depth, each once (tied ones under their first name). */
  namedParameters(): [name: string, parameter: Parameter][] {
    return unique(this.#owned((v) => v instanceof Parameter)).map(([name, p]) => {
      if (p.cell.name === 'parameter') p.cell.name = name
      return [name, p]
    })
  }

  /** All parameters at any depth, each once: what an optimizer takes. */
  parameters(): Parameter[] {
    return this.namedParameters().map(([, p]) => p)
  }

  /** All buffers at any depth, each once. */
  namedBuffers(): [name: string, buffer: Buffer][] {
    return unique(this.#owned((v) => v instanceof Buffer)).map(([name, b]) => {
      if (b.cell.name === 'buffer') b.cell.name = name
      return [name, b]
    })
  }

  /** All buffers at any depth, each once. */
  buffers(): Buffer[] {
    return this.namedBuffers().map(([, b]) => b)
  }

  /** Parameters and buffers under every name they have, tied ones repeated, as PyTorch lists them. */
  namedState(prefix = ''): [name: string, tensor: Parameter | Buffer][] {
    const own = properties(this).flatMap(([name, v]) =>
      v instanceof Parameter || v instanceof Buffer ? [[join(prefix, name), v] as [string, Parameter | Buffer]] : [],
    )
    return [...own, ...this.namedChildren().flatMap(([name, child]) => child.namedState(join(prefix, name)))]
  }

  /** The values of all parameters and buffers as of now, by name. Later updates leave them alone. */
  stateDict(): StateDict {
    return Object.fromEntries(this.namedState().map(([name, t]) => [name, t.snapshot()]))
  }

  /**
   * Takes over values by name (they are copied; dtypes are converted).
   *
   * @param options.strict throw unless names and shapes agree exactly, changing nothing (default true); otherwise load what fits
   * @returns what did not fit
   * @throws GliaError listing every difference
   */
  loadStateDict(dict: StateDict, options: { readonly strict?: boolean } = {}): LoadResult {
    const own = new Map(this.namedState())
    const given = new Set([...own].filter(([key]) => key in dict).map(([, t]) => t))
    const result: LoadResult = {
      // A tied parameter may be given under any of its names.
      missing: [...own].filter(([, t]) => !given.has(t)).map(([key]) => key),
      unexpected: Object.keys(dict).filter((key) => !own.has(key)),
      mismatched: [...own].flatMap(([key, t]) => {
        const received = dict[key]?.shape
        return received && !sameShape(received, t.shape) ? [{ key, expected: t.shape, received }] : []
      }),
    }
    if (options.strict ?? true) checkLoaded(this.constructor.name, result)
    const skip = new Set(result.mismatched.map((m) => m.key))
    for (const [key, t] of own) if (key in dict && !skip.has(key)) t.set(dict[key].dataSync())
    return result
  }

  /** Keeps all parameters (or those whose name `which` accepts) as they are: no gradients, no updates. Returns it. */
  freeze(which: (name: string) => boolean = () => true): this {
    for (const [name, p] of this.namedParameters()) if (which(name)) p.requiresGrad = false
    return this
  }

  /** Undoes `freeze`. */
  unfreeze(which: (name: string) => boolean = () => true): this {
    for (const [name, p] of this.namedParameters()) if (which(name)) p.requiresGrad = true
    return this
  }

  /** Moves all parameters and buffers to another device. Returns it. */
  to(device: Device): this {
    for (const [, t] of unique(this.namedState())) t.moveTo(device)
    return this
  }

  /** Number of parameters, each once: all of them, those that are trained, or those that are frozen. */
  parameterCount(which: 'all' | 'trainable' | 'frozen' = 'all'): number {
    const counts = (p: Parameter): boolean => which === 'all' || p.requiresGrad === (which === 'trainable')
    return this.parameters().reduce((n, p) => n + (counts(p) ? p.size : 0), 0)
  }

  #owned<T extends Parameter | Buffer>(is: (v: unknown) => v is T): [string, T][] {
    return this.namedModules().flatMap(([path, m]) =>
      properties(m).flatMap(([name, v]) => (is(v) ? [[join(path, name), v] as [string, T]] : [])),
    )
  }
}

/** Own properties, with the entries of arrays and plain objects under dotted names. */
function properties(owner: object): [name: string, value: unknown][] {
  return Object.entries(owner).flatMap(([name, value]) => entries(name, value, 0))
}

function entries(name: string, value: unknown, depth: number): [string, unknown][] {
  // Long lists of numbers or words (a vocabulary) hold no modules.
  if (Array.isArray(value) && typeof value[0] !== 'object') return [[name, value]]
  const container = Array.isArray(value) || (value != null && Object.getPrototypeOf(value) === Object.prototype)
  if (!container || depth > 4) return [[name, value]]
  return Object.entries(value as object).flatMap(([key, v]) => entries(`${name}.${key}`, v, depth + 1))
}

function unique<T>(named: readonly [string, T][]): [string, T][] {
  const seen = new Set<T>()
  return named.filter(([, v]) => !seen.has(v) && seen.add(v))
}

function join(prefix: string, name: string): string {
  return prefix === '' ? name : `${prefix}.${name}`
}

function checkLoaded(name: string, { missing, unexpected, mismatched }: LoadResult): void {
  const parts = [
    missing.length > 0 ? `missing: ${missing.join(', ')}` : '',
    unexpected.length > 0 ? `unexpected: ${unexpected.join(', ')}` : '',
    mismatched.length > 0
      ? `other shapes: ${mismatched.map((m) => `${m.key} (needs ${showShape(m.expected)}, received ${showShape(m.received)})`).join(', ')}`
      : '',
  ].filter((p) => p !== '')
  if (parts.length === 0) return
  throw new GliaError(
    `loadStateDict ${name}: the values do not fit the module; ${parts.join('; ')}. Nothing was changed; pass { strict: false } to load what fits.`,
  )
}
