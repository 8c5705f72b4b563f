/** @file The WebAssembly target: SIMD128 kernels emitted here, run by the calling thread and a pool of workers. */
import type { Machine } from '../../kernels/vector.ts'
import type { LoadedPlan, PlanCode, Target } from '../target.ts'
import { availableThreads } from './cores.ts'
import { detectFeatures, hoistsLoads, multiplyAddIsFused, requireSimd } from './features.ts'
import { revectorizes } from './flags.ts'
import { type MemoryOptions, TargetMemory } from './memory.ts'
import { emitPlan } from './plan.ts'
import { Pool, type PoolOptions, startPool, startPoolSync } from './pool.ts'

export { detectFeatures, type Features } from './features.ts'
export { enableV8Flags, type V8Flags } from './flags.ts'

export interface WasmOptions extends MemoryOptions, PoolOptions {
  /** Threads that walk a plan, the caller's included. Default: the physical cores that this process may use. */
  readonly threads?: number
}

/** `load` may grow memory as `allocate` does: views end there too. */
export interface WasmTarget extends Target {
  /** Ends the worker threads. The target runs nothing afterwards. */
  close(): void
}

/**
 * A WebAssembly target whose threads are ready. In a browser, threads need a cross-origin isolated page and a caller in
 * a worker: a page's main thread may not wait, and computes alone.
 */
export async function createWasmTarget(options: WasmOptions = {}): Promise<WasmTarget> {
  const memory = prepare(options)
  const pool = memory.shared ? await startPool(memory, options.threads ?? availableThreads(), options) : undefined
  return new Wasm(memory, pool ?? new Pool(memory, []))
}

/** As `createWasmTarget`, at once. Where workers cannot start while the caller waits (browsers), it has one thread. */
export function createWasmTargetSync(options: WasmOptions = {}): WasmTarget {
  const memory = prepare(options)
  const pool = memory.shared ? startPoolSync(memory, options.threads ?? availableThreads(), options) : undefined
  return new Wasm(memory, pool ?? new Pool(memory, []))
}

function prepare(options: WasmOptions): TargetMemory {
  const features = detectFeatures()
  requireSimd(features)
  return new TargetMemory({ ...options, shared: options.shared ?? features.threads })
}

class Wasm implements WasmTarget {
  readonly name = 'wasm'
  readonly machine: Machine
  readonly threads: number
  readonly #memory: TargetMemory
  readonly #pool: Pool
  readonly #relaxed: boolean
  readonly #pins = hoistsLoads()

  constructor(memory: TargetMemory, pool: Pool) {
    this.#memory = memory
    this.#pool = pool
    this.threads = pool.threads
    this.#relaxed = detectFeatures().relaxed
    this.machine = {
      lanes: 4,
      vectorRegisters: 16,
      fused: this.#relaxed && multiplyAddIsFused(),
      l1: 32 << 10,
      l2: 1 << 20,
      pairs: revectorizes(),
    }
  }

  allocate(bytes: number): number {
    return this.#memory.allocate(bytes)
  }

  free(address: number): void {
    this.#memory.free(address)
  }

  view(address: number, bytes: number): Uint8Array {
    return this.#memory.view(address, bytes)
  }

  memory(): { readonly reserved: number; readonly used: number } {
    return { reserved: this.#memory.reserved, used: this.#memory.used }
  }

  load(code: PlanCode): LoadedPlan {
    const { bytes, solo } = emitPlan(code, {
      shared: this.#memory.shared,
      maximumPages: this.#memory.maximumPages,
      threads: this.threads,
      relaxed: this.#relaxed,
      pins: this.#pins,
      spins: this.#pool.spins,
    })
    const table = this.#memory.allocate(4 * code.slots)
    const plan = this.#pool.load(bytes)
    const memory = this.#memory
    const pool = this.#pool
    return {
      codeBytes: bytes.length,
      run(segment, slots) {
        const { words } = memory
        for (let i = 0; i < slots.length; i++) words[(table >>> 2) + i] = slots[i]
        pool.run(plan, segment, table, solo[segment])
      },
      unload() {
        pool.unload(plan)
        memory.free(table)
      },
    }
  }

  close(): void {
    this.#pool.close()
  }
}
