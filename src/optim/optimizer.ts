/**
 * @file Optimizer: an update rule applied to every parameter that has a gradient. A rule says what state it keeps for a
 * parameter and how one step changes parameter and state; everything else is here.
 */
import { takeAwaiting } from '../autograd/backward.ts'
import { barrier } from '../autograd/leaves.ts'
import { noGrad } from '../autograd/mode.ts'
import { GliaError } from '../core/errors.ts'
import type { Node } from '../graph/node.ts'
import { activeTrace } from '../graph/trace.ts'
import type { Device } from '../plan/device.ts'
import type { Operand } from '../tensor/apply.ts'
import { TensorBase } from '../tensor/base.ts'
import type { Buffer, Parameter } from '../tensor/parameter.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { cellOf } from './cells.ts'
import { Clocks } from './clocks.ts'
import { type BaseOptions, Group, type GroupOptions, type Parameters } from './group.ts'
import { fromTorch, isTorchState, load, optionsFromTorch, type Slots, type TorchState, toTorch } from './state.ts'

/** State of one parameter by name, of the parameter's shape (or single numbers: see `scalars`). */
export type State = Readonly<Record<string, Tensor>>

/** What an update rule is told besides the gradient. */
export interface StepContext<O> {
  readonly options: O
  /** Learning rate, `[]`. */
  readonly lr: Tensor
  /** Steps of this parameter, `[]`, float32: 1 in its first. */
  readonly step: Tensor
  /** Momentum (of Adam and the like: β₁): the options', or what a schedule has set. */
  readonly momentum: Operand
}

/** What a step makes of a parameter and its state. */
export interface Update {
  readonly value: Tensor
  readonly state: State
}

export abstract class Optimizer<O extends BaseOptions = BaseOptions> {
  readonly groups: readonly Group<O>[]
  /** Steps so far, int32 `[]`. */
  readonly #steps: Buffer
  readonly #clocks: Clocks
  readonly #states = new Map<Parameter, Record<string, Buffer>>()

  /** @param options the optimizer's, complete; a group's own come on top */
  constructor(params: Parameters<O>, options: O) {
    const list = [...params]
    if (list.length === 0) throw new GliaError('optimizer: received no parameters; pass model.parameters().')
    const grouped = list.every(isGroup) ? list : [{ params: list as Parameter[] } as unknown as GroupOptions<O>]
    this.groups = grouped.map(({ params: own, ...rest }, i) => {
      const all = { ...options, ...rest } as O
      this.check(all)
      return new Group(own, all, i, { momentumOf: (o) => this.momentumOf(o) })
    })
    const all = this.parameters()
    if (new Set(all).size < all.length) throw new GliaError('optimizer: a parameter was given twice.')
    this.#steps = cellOf([], 0, 'optimizer steps', all[0].device, 'int32')
    this.#clocks = new Clocks(all)
  }

  /** @throws GliaError if an option makes no sense */
  protected abstract check(options: O): void

  /** State kept for each parameter: names, and the value that all of its elements start with. */
  protected abstract init(options: O): Readonly<Record<string, number>>

  /** One step for one parameter `w` with gradient `g` (same shape): the new value and the new state. */
  protected abstract apply(w: Tensor, g: Tensor, state: State, context: StepContext<O>): Update

  /** State that is a single number for each parameter. */
  protected scalars(): Readonly<Record<string, number>> {
    return {}
  }

  /** The option that schedules of momentum change, null if there is none. */
  protected momentumOf(_options: O): number | null {
    return null
  }

  /** Whether the rule (or PyTorch's state) needs each parameter's own number of steps; default true. */
  protected counts(_options: O): boolean {
    return true
  }

  /** The gradients that are used, given all of them; `step` is the number of steps, int32 `[]`. */
  protected select(gradients: ReadonlyMap<Parameter, Tensor>, _step: Tensor): ReadonlyMap<Parameter, Tensor> {
    return gradients
  }

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

  /** All parameters, group by group. */
  parameters(): Parameter[] {
    return this.groups.flatMap((g) => g.params)
  }

  /** Forgets the gradients. */
  zeroGrad(): void {
    for (const p of this.parameters()) p.grad = null
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
    for (const device of new Set(this.parameters().map((p) => p.device))) commit(device, updates)
  }

  #updates(): Map<Parameter | Buffer, Node> {
    const found = new Map<Parameter, Tensor>()
    for (const { params, options } of this.groups) {
      for (const p of params) {
        const g = p.requiresGrad ? p.grad : null
        if (g) found.set(p, options.maximize ? g.neg() : g)
      }
    }
    const steps = this.#steps.add(1)
    const gradients = this.select(found, steps)
    const moving = this.groups.some((g) => this.counts(g.options)) ? [...gradients.keys()] : this.parameters()
    const { stepOf, updates: ticks } = this.#clocks.tick(new Set(moving))
    const updates = new Map<Parameter | Buffer, Node>([[this.#steps, steps.node], ...ticks])
    for (const { params, options, rate, momentumOperand: momentum } of this.groups) {
      for (const p of params) {
        const [g, step] = [gradients.get(p), stepOf.get(p)]
        if (!g || !step) continue
        const buffers = this.#stateOf(p, options)
        const { value, state } = this.apply(p, g, buffers, { options, lr: rate, step, momentum })
        updates.set(p, value.node)
        for (const [name, t] of Object.entries(state)) updates.set(buffers[name], t.node)
      }
    }
    return updates
  }

  #stateOf(p: Parameter, options: O): Record<string, Buffer> {
    let state = this.#states.get(p)
    if (!state) {
      const cell = (shape: readonly number[], name: string, value: number): [string, Buffer] => [
        name,
        cellOf(shape, value, `${name} of ${p.cell.name}`, p.device, p.dtype),
      ]
      state = Object.fromEntries([
        ...Object.entries(this.init(options)).map(([name, value]) => cell(p.shape, name, value)),
        ...Object.entries(this.scalars()).map(([name, value]) => cell([], name, value)),
      ])
      this.#states.set(p, state)
    }
    return state
  }

  /**
   * Everything that a resumed run needs, by name: `steps`, `lr.0` (of group 0), `0.step`, `0.exp_avg` (of parameter 0) …
   */
  stateDict(): Record<string, Tensor> {
    return Object.fromEntries([...this.#slots().cells].map(([name, b]) => [name, b.snapshot()]))
  }

  /** The same in the form of PyTorch's `optimizer.state_dict()`, with its names: `state` and `param_groups`. */
  torchStateDict(): TorchState {
    return toTorch(this.groups, this.#states, (p) => this.#clocks.of(p))
  }

  /**
   * Takes over what `stateDict` gave, or what PyTorch's `optimizer.state_dict()` holds, for the same parameters in the
   * same order. PyTorch's also brings the options of its groups.
   * @throws GliaError if a value does not belong to this optimizer, or its shape differs; nothing has changed then
   */
  loadStateDict(dict: Readonly<Record<string, Tensor>> | TorchState): void {
    if (!isTorchState(dict)) {
      load(dict, this.#slots(dict), this.#clocks, this.parameters())
      return
    }
    const flat = fromTorch(dict, this.groups)
    const options = this.groups.map((g, i) => optionsFromTorch(dict.param_groups[i], g.options))
    for (const o of options) this.check(o)
    load(flat, this.#slots(flat), this.#clocks, this.parameters())
    for (const [i, group] of this.groups.entries()) group.replaceOptions(options[i])
  }

  /** All cells by name, with those of parameters that `wanted` names too. */
  #slots(wanted: Readonly<Record<string, unknown>> = {}): Slots {
    const cells = new Map<string, Buffer>([['steps', this.#steps], ...this.groups.flatMap((g) => g.cells(wanted))])
    const named = new Set(Object.keys(wanted).map((key) => key.slice(0, key.indexOf('.'))))
    let i = 0
    for (const { params, options } of this.groups) {
      for (const p of params) {
        const state = named.has(`${i}`) ? this.#stateOf(p, options) : this.#states.get(p)
        for (const [name, b] of Object.entries(state ?? {})) cells.set(`${i}.${name}`, b)
        const count = this.counts(options) ? this.#clocks.of(p) : 0
        if (count > 0 || named.has(`${i}`)) cells.set(`${i}.step`, cellOf([], count, 'step', p.device, 'int32'))
        i++
      }
    }
    return { cells }
  }
}

function isGroup<O>(entry: Parameter | GroupOptions<O>): entry is GroupOptions<O> {
  return 'params' in entry
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
