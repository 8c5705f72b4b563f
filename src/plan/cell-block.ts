/** @file Where the value of a cell lies in a device's memory. */
import { allocate, type TypedArray } from '../core/dtype.ts'
import { sizeOf } from '../core/shape.ts'
import type { Cell, Residence } from '../graph/cell.ts'
import type { CpuDevice } from './cpu.ts'

export class CellBlock implements Residence {
  readonly device: CpuDevice
  readonly address: number
  readonly bytes: number
  readonly #cell: Cell

  constructor(device: CpuDevice, cell: Cell, address: number, bytes: number) {
    this.device = device
    this.#cell = cell
    this.address = address
    this.bytes = bytes
  }

  read(): TypedArray {
    this.#check()
    const out = allocate(this.#cell.dtype, sizeOf(this.#cell.shape))
    if (this.bytes > 0) new Uint8Array(out.buffer).set(this.device.target.view(this.address, this.bytes))
    return out
  }

  write(values: TypedArray): void {
    this.#check()
    if (this.bytes === 0) return
    const bytes = new Uint8Array(values.buffer, values.byteOffset, this.bytes)
    this.device.target.view(this.address, this.bytes).set(bytes)
  }

  /** `value` in every element. */
  fill(value: number): void {
    if (this.bytes === 0) return
    const view = this.device.target.view(this.address, this.bytes)
    const one = new Uint8Array(allocate(this.#cell.dtype, 1).fill(value).buffer)
    view.set(one)
    for (let done = one.length; done < view.length; done *= 2)
      view.copyWithin(done, 0, Math.min(done, view.length - done))
  }

  release(): void {
    this.#check()
    this.device.residents.forget(this.#cell)
    this.device.target.free(this.address)
  }

  #check(): void {
    this.device.turns.check(this.#cell.name)
  }
}
