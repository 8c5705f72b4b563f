/** @file Small programs and plans for tests of threads and plans. */
import { ProgramBuilder } from '../../../src/kernels/program-builder.ts'
import type { VectorProgram } from '../../../src/kernels/vector.ts'
import type { Address } from '../../../src/targets/target.ts'
import type { WasmTarget } from '../../../src/targets/wasm/index.ts'

export const at = (slot: number, offset = 0): Address => ({ slot, offset })

/** For every unit, what `write` does with the builder and the unit. Parameters: `params` addresses, begin, end. */
export function perUnit(params: number, write: (b: ProgramBuilder, unit: number) => void): VectorProgram {
  const b = new ProgramBuilder('unit', 4, params + 2)
  b.loop(params, params + 1, 1, (unit) => write(b, unit))
  return b.finish()
}

/** Adds `by` to the int32 at base + 4 · unit. */
export function increment(by = 1): VectorProgram {
  return perUnit(1, (b, unit) => {
    const address = b.i2('add', 0, b.i2('mul', unit, { imm: 4 }))
    b.storeInt(address, 0, b.i2('add', b.loadInt(address), { imm: by }))
  })
}

/** Stores `value` at the address, whatever the units. */
export function poke(value: number): VectorProgram {
  return perUnit(1, (b) => b.storeInt(0, 0, b.int(value)))
}

/** Int32 view of a block. */
export function ints(target: WasmTarget, address: number, count: number): Int32Array {
  return new Int32Array(target.view(address, 4 * count).buffer, address, count)
}

/** Blocks of `sizes` int32, zeroed, the status block first: the slots of a run. */
export function slotsOf(target: WasmTarget, ...sizes: number[]): number[] {
  return [4, ...sizes].map((size) => {
    const address = target.allocate(4 * size)
    ints(target, address, size).fill(0)
    return address
  })
}
