/** @file From kernel descriptions to vector programs. */
import type { Kernel, Lowered } from '../kernel.ts'
import type { Machine } from '../vector.ts'
import { lowerContraction } from './contraction.ts'
import { lowerNest } from './nest.ts'
import { lowerScatter } from './scatter.ts'
import { lowerWinograd } from './winograd.ts'

export function lowerKernel(kernel: Kernel, machine: Machine): Lowered {
  switch (kernel.kind) {
    case 'nest':
      return lowerNest(kernel, machine)
    case 'contraction':
      return lowerWinograd(kernel, machine) ?? lowerContraction(kernel, machine)
    case 'scatter':
      return lowerScatter(kernel, machine)
  }
}
