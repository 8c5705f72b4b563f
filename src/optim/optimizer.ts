/**
 * @file Optimizer: an update rule applied to every parameter that has a gradient. A rule says what state it keeps for a
 * parameter and how one step changes parameter and state; everything else is here.
 */
import { takeAwaiting } from '../autograd/backward.ts'
import { barrier } from '../autograd/leaves.ts'
import { noGrad } from '../autograd/mode.ts'
import { allocate } from '../core/dtype.ts'
import { GliaError } from '../core/errors.ts'
import { sameShape, showShape, sizeOf } from '../core/shape.ts'
import type { Node } from '../graph/node.ts'
import { activeTrace, outsideTrace } from '../graph/trace.ts'
import type { Device } from '../plan/device.ts'
import { TensorBase } from '../tensor/base.ts'
import { tensor } from '../tensor/factories.ts'
import { Buffer, type Parameter } from '../tensor/parameter.ts'
import type { Tensor } from '../tensor/tensor.ts'

/** State of one parameter by name, of the parameter's shape. */
export type State = Readonly<Record<string, Tensor>>

/** What an update rule is told besides the gradient. */
export interface StepContext<O> {
  readonly options: O
  /** Learning rate, `[]`. */
  readonly lr: Tensor
  /** 1 in the first step, `[]`, float32. */
  readonly step: Tensor
}

/** Parameters with options of their own; the rest are the optimizer's. */
export type GroupOptions<O> = Partial<O> & { readonly params: readonly Parameter[] }

/** What an optimizer takes: parameters, or groups of them. */
export type Parameters<O> = readonly Parameter[] | readonly GroupOptions<O>[]

class Group<O extends { readonly lr: number }> {
  readonly params: readonly Parameter[]
  readonly options: O
  readonly rate: Buffer

  constructor(params: readonly Parameter[], options: O, index: number) {
    if (!(options.lr >= 0)) throw new GliaError(`optimizer: lr must be a number of at least 0; received ${options.lr}.`)
    this.params = params
    this.options = options
    this.rate = cellOf([], options.lr, `lr of group ${index}`, params[0]?.device)
  }

  /** Learning rate. Compiled steps follow changes. */
  get lr(): number {
    return this.rate.itemSync()
  }

  set lr(value: number) {
    if (activeTrace()) throw new GliaError('lr: not to be set in a compiled function; set it between steps.')
    this.rate.set([value])
  }
}

export abstract class Optimizer<O extends { readonly lr: number } = { readonly lr: number }> {
  readonly groups: readonly Group<O>[]
  /** Steps so far, int32 `[]`. */
  readonly #steps: Buffer
  readonly #states = new Map<Parameter, Record<string, Buffer>>()

  constructor(params: Parameters<O>, options: O) {
    const list = [...params]
    if (list.length === 0) throw new GliaError('optimizer: received no parameters; pass model.parameters().')
    const grouped = list.every(isGroup) ? list : [{ params: list as Parameter[] } as unknown as GroupOptions<O>]
    this.groups = grouped.map(({ params: own, ...rest }, i) => new Group(own, { ...options, ...rest } as O, i))
    const all = this.#parameters()
    if (new Set(all).size < all.length) throw new GliaError('optimizer: a parameter was given twice.')
    this.#steps = cellOf([], 0, 'optimizer steps', all[0].device, 'int32')
  }

  /** State kept for each parameter: names, and the value that all of its elements start with. */
  protected abstract init(options: O): Readonly<Record<string, number>>

  /** One step for one parameter `w` with gradient `g` (same shape): the new value and the new state. */
  protected abstract apply(w: Tensor, g: Tensor, state: State, context: StepContext<O>): { value: Tensor; state: State }

  /** Learning rate of the first group; setting it sets every group's. Compiled steps follow changes. */
  get lr(): number {
    return this.groups[0].lr
  }

  set lr(value: number) {
    for (const group of this.groups) group.lr = value
  }

  /** Number of steps so far. */
  get steps(): number {
    return this.#steps.itemSync()
  }

  /** Forgets the gradients. */
  zeroGrad(): void {
    for (const p of this.#parameters()) p.grad = null
  }

  /** `zeroGrad`, `loss.backward()`, `step`. */
  minimize(loss: Tensor): void {
    this.zeroGrad()
    loss.backward()
    this.step()
  }

  /**
   * Updates every parameter that requires a gradient and has one; the others are left alone.
   *
   * Outside a compiled function this is where the work is done: new values, state and waiting losses in one run. If it
   * fails (an index out of range), nothing has changed.
   */
  step(): void {
    const updates = noGrad(() => this.#updates())
    if (activeTrace()) {
      // Fenced off: what is computed from the new value later in the step must not be differentiated through the update.
      for (const [buffer, node] of updates) buffer.cell.assign(barrier(node))
      return
    }
    for (const device of new Set(this.#parameters().map((p) => p.device))) commit(device, updates)
  }

  #updates(): Map<Parameter | Buffer, Node> {
    const updates = new Map<Parameter | Buffer, Node>()
    const steps = this.#steps.add(1)
    updates.set(this.#steps, steps.node)
    for (const { params, options, rate } of this.groups) {
      const context = { options, lr: rate as Tensor, step: steps.float() }
      for (const p of params) {
        const g = p.requiresGrad ? p.grad : null
        if (!g) continue
        const buffers = this.#stateOf(p, options)
        const { value, state } = this.apply(p, g, buffers, context)
        updates.set(p, value.node)
        for (const [name, t] of Object.entries(state)) updates.set(buffers[name], t.node)
      }
    }
    return updates
  }

  #stateOf(p: Parameter, options: O): Record<string, Buffer> {
    let state = this.#states.get(p)
    if (!state) {
      state = Object.fromEntries(
        Object.entries(this.init(options)).map(([name, value]) => [
          name,
          cellOf(p.shape, value, `${name} of ${p.cell.name}`, p.device, p.dtype),
        ]),
      )
      this.#states.set(p, state)
    }
    return state
  }

  #parameters(): Parameter[] {
    return this.groups.flatMap((g) => g.params)
  }

  /** Everything that a resumed run needs, by name: `steps`, `lr.0`, `0.momentum` (of parameter 0) … */
  stateDict(): Record<string, Tensor> {
    const own = this.#named()
    return Object.fromEntries([...own].map(([name, b]) => [name, b.snapshot()]))
  }

  /**
   * Takes over what `stateDict` gave, for the same parameters in the same order.
   * @throws GliaError if a value does not belong to this optimizer, or its shape differs; nothing has changed then
   */
  loadStateDict(dict: Readonly<Record<string, Tensor>>): void {
    const all = this.#parameters()
    const options = new Map(this.groups.flatMap((g) => g.params.map((p) => [p, g.options] as const)))
    for (const key of Object.keys(dict)) {
      const p = all[Number.parseInt(key, 10)]
      const own = p && options.get(p)
      if (p && own) this.#stateOf(p, own)
    }
    const named = this.#named()
    for (const [name, t] of Object.entries(dict)) {
      const shape = named.get(name)?.shape
      if (shape && sameShape(shape, t.shape)) continue
      const expected = shape ? `needs shape ${showShape(shape)}, received ${showShape(t.shape)}` : 'is unknown'
      throw new GliaError(
        `loadStateDict: ${name} ${expected}; was it saved by an optimizer of the same kind for the same parameters?`,
      )
    }
    for (const [name, t] of Object.entries(dict)) named.get(name)?.set(t.dataSync())
  }

  #named(): Map<string, Buffer> {
    const named = new Map<string, Buffer>([['steps', this.#steps]])
    for (const [i, g] of this.groups.entries()) named.set(`lr.${i}`, g.rate)
    this.#parameters().forEach((p, i) => {
      for (const [name, b] of Object.entries(this.#states.get(p) ?? {})) named.set(`${i}.${name}`, b)
    })
    return named
  }
}

function isGroup<O>(entry: Parameter | GroupOptions<O>): entry is GroupOptions<O> {
  return 'params' in entry
}

/** A cell that starts with `value` in every element, computed already. */
function cellOf(
  shape: readonly number[],
  value: number,
  name: string,
  device: Device | undefined,
  dtype: Parameter['dtype'] = 'float32',
): Buffer {
  const values = allocate(dtype, sizeOf(shape)).fill(value)
  return outsideTrace(() => new Buffer(tensor(values, { shape, dtype, ...(device ? { device } : {}) }), { name }))
}

/** Computes and assigns the updates that live on `device`, together with the losses that wait for a step. */
function commit(device: Device, updates: ReadonlyMap<Parameter | Buffer, Node>): void {
  const here = [...updates].filter(([t]) => t.device === device)
  const losses = takeAwaiting(device)
  TensorBase.settle(
    device,
    losses,
    here.map(([, node]) => node),
  )
  for (const [t, node] of here) {
    t.cell.evict()
    t.cell.assign(node)
  }
  for (const loss of losses) loss.release()
}
