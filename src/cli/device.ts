/** @file The device that a command computes on. */

import { createDevice } from '../plan/create.ts'
import { type Device, setDefaultDevice } from '../plan/device.ts'
import { enableV8Flags } from '../targets/wasm/index.ts'
import type { Target } from './values.ts'

export interface DeviceChoice {
  readonly target?: Target
  readonly threads?: number
}

/** Makes the chosen device the one of new tensors. */
export async function useDevice({ target = 'auto', threads }: DeviceChoice): Promise<Device> {
  enableV8Flags()
  const device = await createDevice(target, threads === undefined ? {} : { threads })
  setDefaultDevice(device)
  return device
}

/** `wasm, 2 threads`. */
export function describe(device: Device): string {
  return `${device.name}, ${device.threads} ${device.threads === 1 ? 'thread' : 'threads'}`
}
