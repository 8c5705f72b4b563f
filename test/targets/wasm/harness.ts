/** @file Runs single vector programs as WebAssembly, on a memory whose end is at hand: an over-read traps. */

import { ProgramBuilder } from '../../../src/kernels/program-builder.ts'
import type { VectorProgram } from '../../../src/kernels/vector.ts'
import { ModuleWriter } from '../../../src/targets/wasm/encoder.ts'
import { lowerProgram } from '../../../src/targets/wasm/lower.ts'

export const PAGE = 65536

/** One page of memory; addresses count from its end, so that what starts at `end(n)` has exactly n bytes. */
export class Page {
  readonly memory = new WebAssembly.Memory({ initial: 1, maximum: 1 })
  readonly bytes = new Uint8Array(this.memory.buffer)
  readonly ints = new Int32Array(this.memory.buffer)
  readonly floats = new Float32Array(this.memory.buffer)

  run(program: VectorProgram, args: readonly number[], relaxed = false): void {
    instantiate(program, this.memory, relaxed)(...args)
  }

  ints4(address: number, count = 4): number[] {
    return Array.from(new Int32Array(this.memory.buffer, address, count))
  }
}

export function end(bytes: number): number {
  return PAGE - bytes
}

export function moduleOf(program: VectorProgram, relaxed = false, shared = false): Uint8Array<ArrayBuffer> {
  const module = new ModuleWriter({ shared, maximumPages: 1 })
  module.add(lowerProgram(program, { relaxed, pins: true }), program.params, 0, 'f')
  return module.finish()
}

export function instantiate(
  program: VectorProgram,
  memory: WebAssembly.Memory,
  relaxed = false,
): (...args: number[]) => void {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(moduleOf(program, relaxed)), { e: { m: memory } })
  return instance.exports.f as (...args: number[]) => void
}

/** Builds a program of `params` parameters plus the range. */
export function build(params: number, write: (b: ProgramBuilder) => void): VectorProgram {
  const b = new ProgramBuilder('test', 4, params + 2)
  write(b)
  return b.finish()
}

const float = new Float32Array(1)
const int = new Int32Array(float.buffer)

export function bits(value: number): number {
  float[0] = value
  return int[0]
}

/** Whether two bit patterns are equal, any NaN being like any other where `asFloat`. */
export function sameBits(a: number, b: number, asFloat: boolean): boolean {
  const nan = (x: number): boolean => (x & 0x7fffffff) > 0x7f800000
  return a === b || (asFloat && nan(a) && nan(b))
}

export const specialFloats = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  3.7,
  -3.7,
  1e-40,
  -1e-40,
  3.4e38,
  -3.4e38,
  2 ** 31,
  -(2 ** 31),
  2 ** 32,
  8388609,
  0.1,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.NaN,
]

export const specialInts = [0, 1, -1, 2, -2, 3, 7, 31, 32, 33, -31, 255, 65536, 123456789, 2 ** 31 - 1, -(2 ** 31)]
