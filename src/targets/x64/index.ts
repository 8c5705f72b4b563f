/** @file The x64 target: AVX2 or AVX-512 machine code, run by the calling thread and threads of the system. Node only. */
import { GliaError } from '../../core/errors.ts'
import type { Machine } from '../../kernels/vector.ts'
import type { LoadedPlan, PlanCode, Target } from '../target.ts'
import { CodeMemory } from './native/code.ts'
import { type Cpu, detectCpu } from './native/cpu.ts'
import { loadNative, Native } from './native/libc.ts'
import { keepFreedMemory } from './native/malloc.ts'
import { NativeMemory, type NativeMemoryOptions } from './native/memory.ts'
import { NativePool, type NativePoolOptions } from './native/pool.ts'
import { emitPlan } from './plan.ts'

/** Which instructions kernels are made of. */
export type Isa = 'avx2' | 'avx512'

export interface X64Options extends NativePoolOptions, NativeMemoryOptions {
  /** Threads that walk a plan, the caller's included. Default: the physical cores that this process may use. */
  readonly threads?: number
  /** Default: the best that the processor has. */
  readonly isa?: Isa
}

export interface X64Target extends Target {
  readonly isa: Isa
  /** Ends the threads. The target runs nothing afterwards. */
  close(): void
}

/** What there is to know before a target is made; `reason` says why there can be none. */
export type X64Support =
  | { readonly native: Native; readonly cpu: Cpu; readonly isas: readonly Isa[] }
  | { readonly reason: string }

let support: X64Support | undefined

/** Whether machine code can run here, found out once. */
export function x64Support(): X64Support {
  support ??= findSupport()
  return support
}

function findSupport(): X64Support {
  const native = loadNative()
  if (!(native instanceof Native)) return { reason: native.reason }
  const cpu = detectCpu(native)
  if (!cpu.avx2)
    return { reason: `This processor (${cpu.brand}) lacks AVX2 or FMA, which machine code is made of here.` }
  return { native, cpu, isas: cpu.avx512 ? ['avx2', 'avx512'] : ['avx2'] }
}

/** @throws GliaError where machine code cannot run, for an instruction set that the processor lacks, or a number of threads. */
export function createX64Target(options: X64Options = {}): X64Target {
  const found = x64Support()
  if ('reason' in found) throw new GliaError(`Machine code cannot run here: ${found.reason}`)
  const { native, cpu, isas } = found
  const isa = options.isa ?? (cpu.avx512 ? 'avx512' : 'avx2')
  if (!isas.includes(isa)) {
    throw new GliaError(`This processor (${cpu.brand}) has no ${isa}. Use ${isas.join(' or ')}, or 'auto'.`)
  }
  return new X64(native, cpu, isa, options)
}

class X64 implements X64Target {
  readonly name: string
  readonly isa: Isa
  readonly machine: Machine
  readonly threads: number
  readonly #memory: NativeMemory
  readonly #code: CodeMemory
  readonly #pool: NativePool

  constructor(native: Native, cpu: Cpu, isa: Isa, options: X64Options) {
    const evex = isa === 'avx512'
    this.name = isa
    this.isa = isa
    this.threads = options.threads ?? cpu.cores
    this.machine = {
      lanes: evex ? 16 : 8,
      vectorRegisters: evex ? 32 : 16,
      fused: true,
      perCycle: evex && cpu.halves ? 1 : 2,
      l1: cpu.l1 || 32 << 10,
      l2: cpu.l2 || 512 << 10,
    }
    keepFreedMemory(native)
    this.#memory = new NativeMemory(native, options)
    this.#code = new CodeMemory(native)
    this.#pool = new NativePool(native, this.threads, options)
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
    const pool = this.#pool
    const memory = this.#memory
    const { bytes, segments, solo } = emitPlan(code, {
      evex: this.isa === 'avx512',
      threads: this.threads,
      barrier: pool.barrierAddress,
    })
    const loaded = this.#code.load(bytes)
    const table = memory.allocate(8 * code.slots)
    const words = new Uint32Array(2 * code.slots)
    const written = new Uint8Array(words.buffer)
    const tell = (slots: ArrayLike<number>): void => {
      for (let i = 0; i < slots.length; i++) {
        words[2 * i] = slots[i] >>> 0
        words[2 * i + 1] = slots[i] / 2 ** 32
      }
      memory.view(table, written.length).set(written)
    }
    return {
      codeBytes: bytes.length,
      run(segment, slots) {
        tell(slots)
        pool.run(loaded.address + segments[segment], table, solo[segment])
      },
      runAsync(segment, slots) {
        tell(slots)
        return pool.runAsync(loaded.address + segments[segment], table, solo[segment])
      },
      unload() {
        loaded.free()
        memory.free(table)
      },
    }
  }

  close(): void {
    this.#pool.close()
  }
}
