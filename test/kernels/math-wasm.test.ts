import { afterAll, describe, expect, it } from 'vitest'
import { evaluateProgram } from '../../src/kernels/evaluate.ts'
import { createWasmTargetSync } from '../../src/targets/wasm/index.ts'
import { macros, programOf } from './macros.ts'

const target = createWasmTargetSync({ threads: 1 })
afterAll(() => target.close())

/** Random bit patterns, then moderate values. NaNs are all alike: a machine may choose their bits. */
function operands(count: number): Float32Array {
  const bits = Int32Array.from({ length: count }, (_, i) => Math.imul(i + 1, 0x9e3779b9))
  const x = new Float32Array(bits.buffer)
  for (let i = count / 2; i < count; i++) x[i] = (bits[i] / 2 ** 31) * 10
  return x
}

const canonical = (x: Float32Array): number[] =>
  Array.from(new Int32Array(x.buffer, x.byteOffset, x.length), (bits, i) => (Number.isNaN(x[i]) ? 0x7fc00000 : bits))

describe('on WebAssembly', () => {
  it.each(Object.keys(macros))('%s has the bits of the evaluator', (name) => {
    const n = 8192
    const program = programOf(name, macros[name], 4)
    const x = operands(n)
    const y = Float32Array.from({ length: n }, (_, i) => ((i % 97) - 48) / 4)
    const memory = new ArrayBuffer(12 * n)
    new Float32Array(memory).set(x)
    new Float32Array(memory, 4 * n).set(y)
    evaluateProgram(program, memory, [0, 4 * n, 8 * n, 0, n / 4], { fused: target.machine.fused })

    const slots = [64, 4 * n, 4 * n, 4 * n].map((bytes) => target.allocate(bytes))
    const floats = (slot: number): Float32Array => {
      const view = target.view(slots[slot], 4 * n)
      return new Float32Array(view.buffer, view.byteOffset, n)
    }
    const args = [1, 2, 3].map((slot) => ({ slot, offset: 0 }))
    const plan = target.load({
      programs: [program],
      segments: [[{ op: 'kernel', program: 0, args, units: n / 4 }]],
      slots: 4,
    })
    floats(1).set(x)
    floats(2).set(y)
    plan.run(0, slots)
    const got = canonical(floats(3))
    plan.unload()
    for (const address of slots) target.free(address)
    expect(got).toEqual(canonical(new Float32Array(memory, 8 * n, n)))
  })
})
