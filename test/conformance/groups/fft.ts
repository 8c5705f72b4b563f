/** @file Fourier transforms: `fft` of `glia`. */
import { fft } from '../../../src/index.ts'
import { type AnyFunction, runFunction } from '../functions.ts'
import type { Group } from '../harness.ts'

const table = fft as unknown as Readonly<Record<string, AnyFunction>>

export const group: Group = {
  name: 'fft',
  module: 'glia fft',
  items: () => Object.keys(table),
  run: (check, device) => runFunction(check, device, table[check.item]),
}
