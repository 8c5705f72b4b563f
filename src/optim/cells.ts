/** @file Cells that optimizers keep: they outlive the compiled step in which they may be first needed. */
import { allocate, type DType } from '../core/dtype.ts'
import { type Shape, sizeOf } from '../core/shape.ts'
import { activeTrace, outsideTrace } from '../graph/trace.ts'
import type { Device } from '../plan/device.ts'
import { full, tensor } from '../tensor/factories.ts'
import { Buffer } from '../tensor/parameter.ts'
import type { Tensor } from '../tensor/tensor.ts'

/**
 * A cell that starts with `value` in every element: computed already, unless a function is being compiled, which will
 * keep it in the device's memory and needs no copy on the host.
 */
export function cellOf(shape: Shape, value: number, name: string, device: Device, dtype: DType = 'float32'): Buffer {
  const filled = (): Tensor => tensor(allocate(dtype, sizeOf(shape)).fill(value), { shape, dtype, device })
  const later = activeTrace() !== null
  return outsideTrace(() => new Buffer(later ? full(shape, value, { dtype, device }) : filled(), { name }))
}

/** The number in a cell `[]`, also while a function is being compiled. */
export function numberIn(cell: Buffer): number {
  return outsideTrace(() => cell.itemSync())
}
