/** @file Makes devices by name. */
import { GliaError } from '../core/errors.ts'
import { createWasmTarget, createWasmTargetSync, detectFeatures } from '../targets/wasm/index.ts'
import { CpuDevice } from './cpu.ts'
import type { Device } from './device.ts'
import { InterpDevice } from './interp.ts'

/** `auto` takes the fastest that this machine and runtime have. */
export type TargetName = 'auto' | 'wasm' | 'interp'

export interface DeviceOptions {
  /** Threads that a plan runs on. Default: the physical cores that this process may use. */
  readonly threads?: number
  /** false: one operation a kernel, for debugging. Default true. */
  readonly fuse?: boolean
}

/**
 * A device whose threads are ready. Several may coexist; tensors of different devices do not mix.
 * @throws GliaError for an unknown target, a number of threads that is not a positive integer, or a runtime without SIMD
 */
export async function createDevice(target: TargetName = 'auto', options: DeviceOptions = {}): Promise<Device> {
  check(target, options)
  return choose(target) === 'interp'
    ? new InterpDevice()
    : new CpuDevice(await createWasmTarget(wasmOptions(options)), options)
}

/** As `createDevice`, at once; where workers cannot start while the caller waits (browsers), it has one thread. */
export function createDeviceSync(target: TargetName = 'auto', options: DeviceOptions = {}): Device {
  check(target, options)
  return choose(target) === 'interp'
    ? new InterpDevice()
    : new CpuDevice(createWasmTargetSync(wasmOptions(options)), options)
}

function choose(target: TargetName): 'wasm' | 'interp' {
  if (target !== 'auto') return target
  return detectFeatures().simd ? 'wasm' : 'interp'
}

function wasmOptions({ threads }: DeviceOptions): { threads?: number } {
  return threads === undefined ? {} : { threads }
}

function check(target: string, { threads }: DeviceOptions): void {
  if (target !== 'auto' && target !== 'wasm' && target !== 'interp') {
    throw new GliaError(
      `createDevice: unknown target ${JSON.stringify(target)}; it must be 'auto', 'wasm' or 'interp'.`,
    )
  }
  if (threads !== undefined && (!Number.isInteger(threads) || threads < 1)) {
    throw new GliaError(`createDevice: threads must be a positive integer; received ${threads}.`)
  }
}
