/**
 * @file Cells: the only things that change. A parameter, buffer, optimizer state, learning rate or counter is a cell.
 * Reading captures its value at that moment; assigning makes a new version. A compiled step may keep a cell's value in
 * a device's memory and update it there.
 */
import { type DType, dtypes, type TypedArray } from '../core/dtype.ts'
import { GliaError } from '../core/errors.ts'
import { type Shape, sameShape, showShape, sizeOf } from '../core/shape.ts'
import { Node } from './node.ts'
import { activeTrace } from './trace.ts'

/** Where a device keeps a cell's value. */
export interface Residence {
  /** A copy of the value on the host. */
  read(): TypedArray
  /** Overwrites the value. */
  write(values: TypedArray): void
  /** Gives the memory back. */
  release(): void
}

export class Cell {
  readonly shape: Shape
  readonly dtype: DType
  /** For messages and reports, such as `conv1.weight`. */
  name: string
  version = 0
  /** Set while the value lives in a device's memory; `#value` is then a `cell` leaf of the present version. */
  residence: Residence | null = null
  #value: Node

  /** @param value the first value: on the host, or a node that is computed when somebody looks */
  constructor(value: TypedArray | Node, shape: Shape, dtype: DType, name = 'cell') {
    if (!(value instanceof Node) && value.length !== sizeOf(shape)) {
      throw new GliaError(`cell ${name}: ${value.length} values do not fill shape ${showShape(shape)}.`)
    }
    this.shape = shape
    this.dtype = dtype
    this.name = name
    this.#value = value instanceof Node ? value : new Node('data', [], { values: value }, this)
  }

  /** The value as of now: within a trace what the trace has assigned, or a leaf that the plan reads at every replay. */
  read(): Node {
    return activeTrace()?.read(this) ?? this.#value
  }

  /** Gives the cell a new value (in a trace: at every replay). */
  assign(value: Node): void {
    if (!sameShape(value.shape, this.shape) || value.dtype !== this.dtype) {
      throw new GliaError(
        `assign to ${this.name}: received ${value.dtype} ${showShape(value.shape)}, but the cell holds ${this.dtype} ` +
          `${showShape(this.shape)}. Shape and dtype of a cell never change.`,
      )
    }
    const trace = activeTrace()
    if (trace) trace.write(this, value)
    else this.#replace(value)
  }

  /**
   * Overwrites the value from host memory at once (loading weights, setting a learning rate): where it lives in a
   * device's memory, it stays there. Not for use in a trace.
   */
  set(values: ArrayLike<number>): void {
    if (values.length !== sizeOf(this.shape)) {
      throw new GliaError(
        `set ${this.name}: received ${values.length} values, but shape ${showShape(this.shape)} needs ${sizeOf(this.shape)}.`,
      )
    }
    const copy = new dtypes[this.dtype].array(values.length)
    copy.set(values)
    const { residence } = this
    if (residence === null) this.#replace(new Node('data', [], { values: copy }, this))
    else {
      residence.write(copy)
      this.settle(residence)
    }
  }

  /** Used by the engine: the value now lives (in a new version) in a device's memory. */
  settle(residence: Residence): void {
    this.version++
    this.residence = residence
    this.#value = new Node('cell', [], { cell: this, version: this.version }, this)
  }

  /** Used by the engine: brings a resident value back to the host, freeing the device's memory. */
  evict(): void {
    if (this.residence === null) return
    const leaf = this.#value
    leaf.become(this.residence.read())
    this.residence.release()
    this.residence = null
  }

  /** The node that holds the value outside any trace. */
  get value(): Node {
    return this.#value
  }

  #replace(value: Node): void {
    // First, for a device that is at work refuses.
    this.residence?.release()
    this.version++
    this.residence = null
    this.#value = value
  }
}
