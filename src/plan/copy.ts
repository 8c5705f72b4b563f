/** @file The kernel that copies a value from one place to another. */
import { sizeOf } from '../core/shape.ts'
import { indexOf, newVar } from '../kernels/index.ts'
import type { Kernel } from '../kernels/kernel.ts'
import type { PNode } from './pgraph.ts'

/** Copies buffer 0 to buffer 1, each of which has the shape of `n`. */
export function copyKernel(n: PNode): Kernel {
  const size = sizeOf(n.shape)
  const v = newVar(size)
  const index = indexOf(v)
  const info = { dtype: n.dtype, size }
  const value = { op: 'load', dtype: n.dtype, buffer: 0, index, guards: [] } as const
  return {
    kind: 'nest',
    name: 'copy',
    buffers: [info, info],
    outer: [v],
    passes: [{ inner: [], reductions: [], stores: [{ buffer: 1, index, value }] }],
  }
}
