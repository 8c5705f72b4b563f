/** @file The device that a command computes on. */

import { createDevice } from '../plan/create.ts'
import { type Device, setDefaultDevice } from '../plan/device.ts'
import { availableThreads } from '../targets/wasm/cores.ts'
import { enableV8Flags } from '../targets/wasm/index.ts'
import type { Target } from './values.ts'

export interface DeviceChoice {
  readonly target?: Target
  readonly threads?: number
}

/**
 * Makes the chosen device the one of new tensors; tells on standard error when its threads have to take turns.
 *
 * @throws GliaError for a target that cannot run here, saying why
 */
export async function useDevice({ target = 'auto', threads }: DeviceChoice): Promise<Device> {
  enableV8Flags()
  const device = await createDevice(target, threads === undefined ? {} : { threads })
  const cores = availableThreads()
  if (device.threads > cores) {
    const many = `${cores} ${cores === 1 ? 'core' : 'cores'}`
    console.error(`glia: ${device.threads} threads take turns on ${many} here; --threads ${cores} is usually faster.`)
  }
  setDefaultDevice(device)
  return device
}

/** `wasm, 2 threads`. */
export function describe(device: Device): string {
  return `${device.name}, ${device.threads} ${device.threads === 1 ? 'thread' : 'threads'}`
}
