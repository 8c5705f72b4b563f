/** @file Fourier transforms: `fft` of `glia`. */
import { fft } from '../../../src/index.ts'
import type { Device } from '../../../src/plan/device.ts'
import { type AnyFunction, runFunction } from '../functions.ts'
import type { Check, Comparison, Group } from '../harness.ts'

const table = fft as unknown as Readonly<Record<string, AnyFunction>>

/** Runs a case with every argument passed through a function first. */
export function runThrough(check: Check, device: Device, through: (argument: unknown) => unknown): Comparison[] {
  const fn = table[check.item]
  return runFunction(check, device, (...args) => fn(...args.map(through)))
}

export const group: Group = {
  name: 'fft',
  module: 'glia fft',
  items: () => Object.keys(table),
  run: (check, device) => runThrough(check, device, (argument) => argument),
}
