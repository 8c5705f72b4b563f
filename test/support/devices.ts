/** @file The devices that tests of tensors and layers run on. */
import { createDeviceSync, type DeviceOptions, type TargetName } from '../../src/plan/create.ts'
import type { Device } from '../../src/plan/device.ts'
import { InterpDevice } from '../../src/plan/interp.ts'
import { x64Support } from '../../src/targets/x64/index.ts'

const support = x64Support()

/** The targets with kernels that can run here: machine code only on processors that have the instructions. */
export const compiledTargets: readonly TargetName[] = ['wasm', ...('isas' in support ? support.isas : [])]

/** `GLIA_TEST_TARGETS=interp` chooses; by default all that can run here. */
const names = process.env.GLIA_TEST_TARGETS?.split(',') ?? ['interp', ...compiledTargets]

export const devices: readonly (readonly [name: string, device: Device])[] = names.map((name) => [
  name,
  name === 'interp' ? new InterpDevice() : createDeviceSync(name as TargetName),
])

/** Every compiled target with one thread, with two, and without fusion. */
export const variants: readonly (readonly [name: string, device: Device])[] = compiledTargets.flatMap((target) => {
  const make = (label: string, options: DeviceOptions): readonly [string, Device] => [
    `${target}, ${label}`,
    createDeviceSync(target, options),
  ]
  return [
    make('one thread', { threads: 1 }),
    make('two threads', { threads: 2 }),
    make('fusion off', { threads: 1, fuse: false }),
  ]
})
