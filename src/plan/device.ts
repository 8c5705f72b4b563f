/**
 * @file Devices: what computes. Values that users hold are ordinary host arrays, whatever the device; a device turns
 * graphs into plans and runs them.
 */
import type { TypedArray } from '../core/dtype.ts'
import type { Cell } from '../graph/cell.ts'
import type { Node } from '../graph/node.ts'
import { createDeviceSync } from './create.ts'
import type { Turns } from './turns.ts'

/** A recorded step: what a plan computes at every replay. */
export interface StepGraph {
  /** Leaves for the arguments, op `parameter`, in order. */
  readonly parameters: readonly Node[]
  readonly outputs: readonly Node[]
  /** New values of cells, assigned once everything that can fail is done. */
  readonly writes: ReadonlyMap<Cell, Node>
  /** The leaf that stands for each cell read. */
  readonly reads: ReadonlyMap<Cell, Node>
  readonly name: string
}

export interface Step {
  /** Runs the step on argument values, updates its cells, and returns the outputs as fresh host arrays. */
  run(args: readonly TypedArray[]): TypedArray[]
  /**
   * As `run`, while the event loop goes on where the device can do so (machine code); elsewhere it has run when this
   * returns. To be called in a turn of the device's, which lasts until the promise settles.
   */
  runAsync(args: readonly TypedArray[]): Promise<TypedArray[]>
  /** Lists the kernels with their operations, module path and call site. */
  explain(): string
  readonly codeBytes: number
  /** The cells that live in the device's memory while the step is in use. */
  readonly cells: ReadonlySet<Cell>
  /** Each kernel alone, the fastest of `runs`; the step runs (and updates its cells) `runs` + 3 times. Empty on `interp`. */
  profile(args: readonly TypedArray[], runs: number): KernelTime[]
}

export interface KernelTime {
  readonly operations: readonly string[]
  /** The programs that the kernel was lowered to, such as `pack cols`, and the time of each. */
  readonly programs: readonly { readonly name: string; readonly ms: number }[]
  /** Shape of the kernel's last result. */
  readonly shape: readonly number[]
  /** Module paths that the operations come from. */
  readonly modules: readonly string[]
  readonly ms: number
  /**
   * Floating-point operations of a product, two for each multiplication and addition of its definition (Winograd's
   * algorithm does fewer); 0 for other kernels.
   */
  readonly flops: number
  /** Bytes read and written if every element passes between memory and processor once; a loop's, of all its iterations. */
  readonly bytes: number
}

export interface Device {
  /** `interp`, `wasm`, … */
  readonly name: string
  /** Threads a plan runs on. */
  readonly threads: number
  /** Steps that run while the event loop goes on: they follow each other, and nobody else uses the device meanwhile. */
  readonly turns: Turns
  /**
   * Computes `nodes`; each becomes a `data` leaf. The values of the cells `into`, not computed so far, go straight to the
   * device's memory, if it keeps cells there. A run that fails leaves every node and cell as it was.
   */
  realise(nodes: readonly Node[], into?: readonly Cell[]): void
  compile(graph: StepGraph): Step
  /** Who holds what: plans, cells, arena, in bytes. */
  memory(): MemoryReport
}

export interface MemoryReport {
  readonly device: string
  readonly reserved: number
  readonly arena: number
  readonly cells: readonly { readonly name: string; readonly bytes: number }[]
  readonly plans: readonly { readonly name: string; readonly codeBytes: number; readonly uses: number }[]
}

let current: Device | null = null

/** The device of new tensors: made on first use (`createDeviceSync('auto')`) unless one was set. */
export function defaultDevice(): Device {
  current ??= createDeviceSync('auto')
  return current
}

/** Makes `device` the one of new tensors. */
export function setDefaultDevice(device: Device): void {
  current = device
}
