/** @file The devices that tests of tensors and layers run on. */
import { createDeviceSync } from '../../src/plan/create.ts'
import type { Device } from '../../src/plan/device.ts'
import { InterpDevice } from '../../src/plan/interp.ts'

/** `GLIA_TEST_TARGETS=interp` chooses; by default all of them. */
const names = (process.env.GLIA_TEST_TARGETS ?? 'interp,wasm').split(',')

export const devices: readonly (readonly [name: string, device: Device])[] = names.map((name) => [
  name,
  name === 'interp' ? new InterpDevice() : createDeviceSync('wasm'),
])
