/**
 * @file What a CPU target does for the plan executor: it holds memory, and turns a plan's kernels into code that every
 * thread walks. `wasm` implements it; a machine-code target does so the same way.
 */
import type { Machine, VectorProgram } from '../kernels/vector.ts'

/** A byte address: `slots[slot] + offset`, moving by `step` bytes with each iteration of the enclosing loop. */
export interface Address {
  readonly slot: number
  readonly offset: number
  /** Terms for enclosing loops: `bytes × iteration`, or with `alternate`, `bytes × (iteration mod 2)`. */
  readonly steps?: readonly LoopStep[]
}

export interface LoopStep {
  /** Which enclosing loop: the `id` of its step. */
  readonly loop: number
  readonly bytes: number
  /**
   * `index`: times the loop's index (which runs downwards when the loop is reversed); `alternate`: times (iterations
   * done so far) mod 2; `alternateNext`: times (iterations done so far + 1) mod 2.
   */
  readonly by: 'index' | 'alternate' | 'alternateNext'
}

export type Step =
  /** Work units 0 … units-1 are divided among the threads in contiguous ranges, program(addresses…, begin, end). */
  | { readonly op: 'kernel'; readonly program: number; readonly args: readonly Address[]; readonly units: number }
  /** All threads wait for each other; afterwards all leave the plan if the status word is not 0. */
  | { readonly op: 'barrier' }
  | {
      readonly op: 'loop'
      readonly id: number
      readonly length: number
      readonly reverse: boolean
      readonly body: readonly Step[]
    }

/** One plan: its kernels, and segments of steps between which the host acts. */
export interface PlanCode {
  readonly programs: readonly VectorProgram[]
  readonly segments: readonly (readonly Step[])[]
  /** Number of slots: entries of the address table that a run is given. Slot 0 is always the status block. */
  readonly slots: number
}

/** Bytes of the status block at slot 0: int32 code (0 = fine), operation, value, position. */
export const STATUS_BYTES = 16

export interface LoadedPlan {
  /** Runs one segment on all threads with `slots[i]` the byte address of slot i. Blocks until done. */
  run(segment: number, slots: ArrayLike<number>): void
  /**
   * As `run`, on other threads while the caller's event loop goes on; nothing else runs on the target meanwhile. Absent
   * where a target cannot.
   */
  runAsync?(segment: number, slots: ArrayLike<number>): Promise<void>
  /** Releases the code. */
  unload(): void
  /** Size of the code emitted. */
  readonly codeBytes: number
}

export interface Target {
  readonly name: string
  readonly machine: Machine
  /** Threads that walk a plan, the caller's included. */
  readonly threads: number
  /** Allocates `bytes` of the target's memory, aligned to 64 bytes, contents undefined. @throws GliaError when full. */
  allocate(bytes: number): number
  free(address: number): void
  /** A view of the target's memory; valid only until the next `allocate`. */
  view(address: number, bytes: number): Uint8Array
  load(code: PlanCode): LoadedPlan
  /** Bytes of memory reserved by the target and in use by blocks. */
  memory(): { readonly reserved: number; readonly used: number }
}
