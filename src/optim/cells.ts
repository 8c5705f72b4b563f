/** @file Cells that optimizers keep: they outlive the compiled step in which they may be first needed. */
import { allocate, type DType } from '../core/dtype.ts'
import { type Shape, sizeOf } from '../core/shape.ts'
import { outsideTrace } from '../graph/trace.ts'
import type { Device } from '../plan/device.ts'
import { tensor } from '../tensor/factories.ts'
import { Buffer } from '../tensor/parameter.ts'

/** A cell that starts with `value` in every element, computed already. */
export function cellOf(shape: Shape, value: number, name: string, device: Device, dtype: DType = 'float32'): Buffer {
  const values = allocate(dtype, sizeOf(shape)).fill(value)
  return outsideTrace(() => new Buffer(tensor(values, { shape, dtype, device }), { name }))
}

/** The number in a cell `[]`, also while a function is being compiled. */
export function numberIn(cell: Buffer): number {
  return outsideTrace(() => cell.itemSync())
}
