/** @file Makes devices by name. */
import { createX64Target, type Isa, x64Support } from '#machine-code'
import { GliaError } from '../core/errors.ts'
import type { Target } from '../targets/target.ts'
import { createWasmTarget, createWasmTargetSync, detectFeatures } from '../targets/wasm/index.ts'
import { CpuDevice } from './cpu.ts'
import type { Device } from './device.ts'
import { InterpDevice } from './interp.ts'

/** In the order in which `auto` takes them: the fastest that this machine and runtime have. */
export const TARGETS = ['avx512', 'avx2', 'wasm', 'interp'] as const

export type TargetName = 'auto' | (typeof TARGETS)[number]

export interface DeviceOptions {
  /** Threads that a plan runs on. Default: the physical cores that this process may use. */
  readonly threads?: number
  /** false: one operation a kernel, for debugging. Default true. */
  readonly fuse?: boolean
}

/**
 * A device whose threads are ready. Several may coexist; tensors of different devices do not mix. `auto` takes machine code
 * where it can run, else WebAssembly.
 * @throws GliaError for an unknown target or one that cannot run here (saying why), and a number of threads that is not a positive integer
 */
export async function createDevice(target: TargetName = 'auto', options: DeviceOptions = {}): Promise<Device> {
  check(target, options)
  return create(target, options) ?? new CpuDevice(await createWasmTarget(threadsOf(options)), options)
}

/** As `createDevice`, at once; where workers cannot start while the caller waits (browsers), it has one thread. */
export function createDeviceSync(target: TargetName = 'auto', options: DeviceOptions = {}): Device {
  check(target, options)
  return create(target, options) ?? new CpuDevice(createWasmTargetSync(threadsOf(options)), options)
}

/** The device, unless it is a wasm one, which is made in two ways. */
function create(target: TargetName, options: DeviceOptions): Device | undefined {
  if (target === 'interp') return new InterpDevice()
  if (target === 'avx512' || target === 'avx2') return new CpuDevice(machineCode(target, options), options)
  if (target === 'wasm') return undefined
  const native = bestMachineCode(options)
  if (native !== undefined) return new CpuDevice(native, options)
  return detectFeatures().simd ? undefined : new InterpDevice()
}

function machineCode(isa: Isa, options: DeviceOptions): Target {
  return createX64Target({ ...threadsOf(options), isa })
}

/** Undefined where machine code cannot run, or its threads or memory are refused: `auto` then goes on without. */
function bestMachineCode(options: DeviceOptions): Target | undefined {
  const support = x64Support()
  if ('reason' in support) return undefined
  try {
    return createX64Target(threadsOf(options))
  } catch (error) {
    if (error instanceof GliaError) return undefined
    throw error
  }
}

function threadsOf({ threads }: DeviceOptions): { threads?: number } {
  return threads === undefined ? {} : { threads }
}

function check(target: string, { threads }: DeviceOptions): void {
  if (target !== 'auto' && !TARGETS.some((name) => name === target)) {
    const names = ['auto', ...TARGETS].map((name) => `'${name}'`)
    throw new GliaError(
      `createDevice: unknown target ${JSON.stringify(target)}; it must be ${names.slice(0, -1).join(', ')} or ${names.at(-1)}.`,
    )
  }
  if (threads !== undefined && (!Number.isInteger(threads) || threads < 1)) {
    throw new GliaError(`createDevice: threads must be a positive integer; received ${threads}.`)
  }
}
