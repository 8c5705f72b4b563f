/**
 * @file Tensors that change: parameters, which an optimizer updates, and buffers, such as running statistics. Both read
 * their cell at each use, so that a compiled step sees the value of the moment.
 */
import { isReplaying } from '../autograd/checkpoint.ts'
import { registerLeaf } from '../autograd/leaves.ts'
import { type DType, dtypes, type TypedArray } from '../core/dtype.ts'
import { GliaError } from '../core/errors.ts'
import { type Shape, sameShape, showShape } from '../core/shape.ts'
import { Cell } from '../graph/cell.ts'
import { Node } from '../graph/node.ts'
import { activeTrace, guard, type Trace } from '../graph/trace.ts'
import type { Device } from '../plan/device.ts'
import { checkFloat, type History, isReadable, type TensorBase, valuesOf } from './base.ts'
import { assignLater, isWaiting, settleCells } from './pending.ts'
import { isInLoop } from './random.ts'
import { Tensor } from './tensor.ts'

class CellTensor extends Tensor {
  readonly cell: Cell

  constructor(init: Tensor, name: string) {
    if (activeTrace()) {
      throw new GliaError(`${name}: made inside a compiled function. Make modules and parameters before the step.`)
    }
    super(null, init.device)
    const readable = isReadable(init.node)
    this.cell = new Cell(readable ? valuesOf(init.node) : init.node, init.shape, init.dtype, name)
    if (!readable) assignLater(this.cell, init.node, init.device)
  }

  override get node(): Node {
    return this.cell.read()
  }

  // Known without the value: asking for them must not compute the initial weights of a model about to be loaded.
  override get shape(): Shape {
    return this.cell.shape
  }

  override get dtype(): DType {
    return this.cell.dtype
  }

  override get history(): History {
    const { op } = this.node
    return op === 'data' || op === 'cell' ? 'none' : 'cut'
  }

  /** Overwrites the values from host memory at once. Not for use in a compiled function. */
  set(values: ArrayLike<number>): void {
    this.cell.set(values)
  }

  /** Moves it to another device in place (values live in host memory). */
  moveTo(device: Device): void {
    this.readValues()
    this.cell.evict()
    this.setDevice(device)
  }

  /** A plain tensor with the values of now, which later updates leave alone. */
  snapshot(): Tensor {
    const resident = this.cell.residence !== null
    const values = this.readValues()
    return new Tensor(new Node('data', [], { values: resident ? values.slice() : values }, this.cell), this.device)
  }

  protected override probe(): Node | null {
    return isReadable(this.node) ? null : this.node
  }

  protected override adopt(): void {}

  protected override readValues(): TypedArray {
    super.readValues()
    return valuesOf(this.node)
  }

  protected check(operation: string, value: TensorBase): void {
    if (!sameShape(value.shape, this.shape)) {
      throw new GliaError(
        `${operation} ${this.cell.name}: received shape ${showShape(value.shape)}, but it holds ${showShape(this.shape)}, which never changes.`,
      )
    }
  }
}

export interface ParameterOptions {
  /** For messages and reports (default `parameter`, then its path in the model). */
  readonly name?: string
  /** Default true. */
  readonly requiresGrad?: boolean
}

/** A tensor that an optimizer updates. Its initial values are computed with the rest of the model on first use. */
export class Parameter extends CellTensor {
  #requiresGrad: boolean
  #guardedIn: Trace | null = null

  constructor(init: Tensor, options: ParameterOptions = {}) {
    checkFloat(init)
    super(init, options.name ?? 'parameter')
    this.#requiresGrad = options.requiresGrad ?? true
  }

  override get node(): Node {
    if (!activeTrace() && isWaiting(this.cell)) settleCells(this.device)
    const node = this.cell.read()
    registerLeaf(node, this)
    return node
  }

  override get history(): History {
    return this.requiresGrad ? 'live' : super.history
  }

  /** Whether it is trained. A compiled step that saw the other value is recorded anew. */
  override get requiresGrad(): boolean {
    const trace = activeTrace()
    if (trace && trace !== this.#guardedIn) {
      this.#guardedIn = trace
      guard(() => this.#requiresGrad, `${this.cell.name} was frozen or unfrozen`)
    }
    return this.#requiresGrad
  }

  override set requiresGrad(value: boolean) {
    this.#requiresGrad = value
  }

  override get isLeaf(): boolean {
    return true
  }

  /** Gives it a new value. Outside compiled functions it is computed on next use. */
  assign(value: TensorBase): void {
    this.check('assign', value)
    assignLater(this.cell, value.node, this.device)
  }
}

/** A tensor that a module keeps and saves but no optimizer touches: running statistics, counters, tables. */
export class Buffer extends CellTensor {
  /** Name of the wider dtype it is saved as, where PyTorch's differs. */
  readonly savedAs: 'I64' | null

  constructor(init: Tensor, options: { readonly name?: string; readonly savedAs?: 'I64' } = {}) {
    super(init, options.name ?? 'buffer')
    this.savedAs = options.savedAs ?? null
  }

  /**
   * Gives it a new value, computed with the next run (a loss, an optimizer's step). Does nothing while `checkpoint`
   * runs a segment for the second time.
   * @throws GliaError in the body of a `scan`, whose iterations cannot change state; carry the value instead
   */
  assign(value: TensorBase): void {
    if (isReplaying()) return
    if (isInLoop()) {
      throw new GliaError(
        `assign ${this.cell.name}: not in the body of a scan; carry the value through it and assign after.`,
      )
    }
    this.check('assign', value)
    assignLater(this.cell, value.node, this.device)
  }
}

/** Bytes that a cell's values take. */
export function bytesOf(t: TensorBase): number {
  return t.size * dtypes[t.dtype].bytes
}
