/**
 * @file What every tensor is: a node of the graph, the device that computes it, and how gradients reach it. Reading
 * values is here; operations are in the classes built on top.
 */
import { checkOutside } from '../autograd/batching/active.ts'
import { barrier, freshLeaf, markReleased, registerLeaf } from '../autograd/leaves.ts'
import { type DType, isFloat, type TypedArray } from '../core/dtype.ts'
import { GliaError } from '../core/errors.ts'
import { type Shape, showShape, sizeOf } from '../core/shape.ts'
import { Node } from '../graph/node.ts'
import { activeTrace, type Trace } from '../graph/trace.ts'
import type { Device } from '../plan/device.ts'
import { realise } from './pending.ts'
import { type NestedNumbers, nest, show } from './print.ts'
import type { Tensor } from './tensor.ts'

/**
 * How a tensor relates to leaves that require a gradient: `none` (independent of them), `cut` (computed from them, but
 * gradients must not flow) or `live`.
 */
export type History = 'none' | 'cut' | 'live'

export class TensorBase implements Disposable {
  #node: Node | null
  #device: Device
  #history: History
  /** The computed values of a live tensor, whose node must keep its history. */
  #values: TypedArray | null = null
  #grad: { readonly value: Tensor; readonly trace: Trace | null } | null = null
  #leaf = false
  /** Leaves whose gradients wait to be computed along with this loss. */
  #fed: readonly TensorBase[] | null = null

  /** Used by the engine; people call `tensor(…)`, `zeros(…)` and the like. Without a node, a subclass provides it. */
  constructor(node: Node | null, device: Device, history: History = 'none') {
    this.#node = node
    this.#device = device
    this.#history = history
  }

  /** The graph node that holds or computes the value. */
  get node(): Node {
    return this.#node as Node
  }

  /** The device that computes this tensor. */
  get device(): Device {
    return this.#device
  }

  get shape(): Shape {
    return this.node.shape
  }

  get dtype(): DType {
    return this.node.dtype
  }

  /** Number of axes. */
  get rank(): number {
    return this.shape.length
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape)
  }

  get history(): History {
    return this.#history
  }

  /** Whether `backward` accumulates a gradient for this tensor (a leaf) or flows through it. */
  get requiresGrad(): boolean {
    return this.#history === 'live'
  }

  set requiresGrad(value: boolean) {
    if (value === this.requiresGrad) return
    if (value) {
      checkFloat(this)
      this.#node = freshLeaf(this.node)
      this.#leaf = true
      this.#history = 'live'
      registerLeaf(this.#node, this)
    } else {
      if (!this.isLeaf) {
        throw new GliaError(
          'requiresGrad: only a leaf can stop requiring a gradient; use detach() on a computed tensor.',
        )
      }
      this.#leaf = false
      this.#history = 'cut'
    }
  }

  /** Whether differentiation ends here: made by the user, or not requiring a gradient. */
  get isLeaf(): boolean {
    return this.#leaf || !this.requiresGrad
  }

  /**
   * The gradient that `backward` accumulated, of this tensor's shape; null before. Inside a compiled function it is the
   * gradient made there: such gradients do not leave it.
   */
  get grad(): Tensor | null {
    return this.#grad?.trace === activeTrace() ? this.#grad.value : null
  }

  set grad(value: Tensor | null) {
    this.#grad = value && { value, trace: activeTrace() }
  }

  /** A copy of the values, row-major. Waits for steps that were started with `async`. */
  async data(): Promise<TypedArray> {
    if (this.#device.turns.busy) await this.#device.turns.idle()
    return this.dataSync()
  }

  /** A copy of the values, row-major, at once (devices on the CPU). */
  dataSync(): TypedArray {
    return this.readValues().slice()
  }

  /**
   * The value of a tensor with one element. Booleans read as 0 and 1. Waits for steps that were started with `async`.
   * @throws GliaError when there is not exactly one element
   */
  async item(): Promise<number> {
    if (this.#device.turns.busy) await this.#device.turns.idle()
    return this.itemSync()
  }

  /** `item` at once (devices on the CPU). */
  itemSync(): number {
    if (this.size !== 1) {
      throw new GliaError(
        `item: a tensor of shape ${showShape(this.shape)} has ${this.size} elements, not one; use data().`,
      )
    }
    return this.readValues()[0]
  }

  /**
   * The values as nested arrays, such as `[[1, 2], [3, 4]]` for shape `[2, 2]`; a number for shape `[]`. Waits for steps
   * that were started with `async`.
   */
  async array(): Promise<NestedNumbers> {
    if (this.#device.turns.busy) await this.#device.turns.idle()
    return this.arraySync()
  }

  /** `array` at once (devices on the CPU). */
  arraySync(): NestedNumbers {
    return nest(this.readValues(), this.shape)
  }

  /** Used by the engine: the values on the host without a copy, not to be changed. */
  hostValues(): TypedArray {
    return this.readValues()
  }

  /** The values on the host, not to be changed. */
  protected readValues(): TypedArray {
    if (activeTrace()) {
      throw new GliaError(
        'a value was read while a function was being compiled: there is none yet. Return the tensor from the function ' +
          'and read it outside.',
      )
    }
    if (this.#values) return this.#values
    checkOutside(
      this.node,
      'a value was read in a function that vmap runs for a whole batch: one example has none of its own. Return the ' +
        'tensor from the function and read it outside.',
    )
    TensorBase.settle(this.#device, [this])
    return this.#values ?? valuesOf(this.node)
  }

  /** Computes this tensor now, so that later uses start from its values. Returns it. */
  realise(): this {
    this.readValues()
    return this
  }

  /** Used by `backward`: reading this loss before `optimizer.step` computes the gradients in the same run. */
  feeds(leaves: readonly TensorBase[]): void {
    this.#fed = leaves
  }

  /** Used by `optimizer.step`: this loss was differentiated and computed, so its graph can go. */
  release(): void {
    if (this.#leaf || this.#history !== 'live' || this.#values === null) return
    this.#node = new Node('data', [], { values: this.#values }, this.node)
    this.#fed = null
    markReleased(this.#node)
  }

  /** Computes several tensors, and nodes beside them, of one device in one run. */
  static settle(device: Device, tensors: readonly TensorBase[], nodes: readonly Node[] = []): void {
    const all = new Set(tensors)
    for (const t of tensors) for (const leaf of t.#fed ?? []) if (leaf.grad) all.add(leaf.grad)
    const probes = new Map<TensorBase, Node>()
    for (const t of all) {
      const probe = t.probe()
      if (probe) probes.set(t, probe)
    }
    realise(device, [...probes.values(), ...nodes])
    for (const [t, probe] of probes) t.adopt(probe)
  }

  /**
   * The node to compute for this tensor, null if its values are there. With a history it is an alias, so that whatever
   * shares the node keeps its way back to the leaves.
   */
  protected probe(): Node | null {
    if (this.#values !== null || isReadable(this.node)) return null
    return this.#history === 'none' || this.#leaf ? this.node : barrier(this.node)
  }

  /** Takes the values of the computed `probe`. */
  protected adopt(probe: Node): void {
    this.#fed = null
    if (this.#history === 'live') this.#values = valuesOf(probe)
    else {
      this.#node = probe
      this.#history = 'none'
    }
  }

  /** A node with the values alone, for another device (they live in host memory: nothing is copied). */
  protected moved(): Node {
    if (!isReadable(this.node)) this.readValues()
    return this.#values ? new Node('data', [], { values: this.#values }, this.node) : this.node
  }

  protected setDevice(device: Device): void {
    this.#device = device
  }

  /** Like NumPy's: `tensor([[1, 2], [3, 4]])`, with dtype and what else is not the default. */
  toString(): string {
    const notes = this.requiresGrad ? ', requiresGrad' : ''
    if (activeTrace()) return `tensor(<traced> ${this.dtype} ${showShape(this.shape)}${notes})`
    return show(this.readValues(), this.shape, this.dtype, notes)
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString()
  }

  /** Nothing to do: memory is collected. Here so that `using t = …` works. */
  [Symbol.dispose](): void {}
}

/** Whether the values can be had without computing. */
export function isReadable(node: Node): boolean {
  if (node.op !== 'cell') return node.op === 'data'
  const { cell, version } = node.as('cell')
  return cell.residence !== null && cell.version === version
}

/** The values of a computed node. */
export function valuesOf(node: Node): TypedArray {
  if (node.op === 'cell') return node.as('cell').cell.residence?.read() ?? new Float32Array()
  return node.as('data').values
}

export function checkFloat(t: { readonly dtype: DType }): void {
  if (!isFloat(t.dtype)) {
    throw new GliaError(
      `requiresGrad: only float tensors have gradients; this one is ${t.dtype}. Cast it with float().`,
    )
  }
}
