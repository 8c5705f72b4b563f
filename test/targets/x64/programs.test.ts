/** @file Random programs give the same bits as machine code as when evaluated plainly, between pages that cannot be touched. */
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { evaluateProgram } from '../../../src/kernels/evaluate.ts'
import type { VectorProgram } from '../../../src/kernels/vector.ts'
import { createX64Target, type Isa, x64Support } from '../../../src/targets/x64/index.ts'
import { bufferBytes, randomProgram } from '../random-program.ts'
import { bits, specialFloats, specialInts } from '../wasm/harness.ts'

const patterns = [...specialFloats.map(bits), ...specialInts]
const support = x64Support()
const isas: readonly Isa[] = 'isas' in support ? support.isas : []

test('machine code is tested where it can run', () => {
  if ('reason' in support) expect(support.reason).toMatch(/machine code|processor|koffi|process/)
  else expect(isas).toContain('avx2')
})

describe.each(isas)('%s', (isa) => {
  const lanes = isa === 'avx512' ? 16 : 8
  const bytes = bufferBytes(lanes)
  const target = createX64Target({ threads: 1, isa, guard: 'after' })
  afterAll(() => target.close())

  /** Runs a program of two neighbouring buffers, of which the second ends where memory ends. */
  function run(program: VectorProgram, words: readonly number[]): Int32Array {
    const status = target.allocate(16)
    const both = target.allocate(2 * bytes)
    const view = target.view(both, 2 * bytes)
    view.set(new Uint8Array(Int32Array.from(words).buffer))
    target.view(status, 16).fill(0)
    const args = [
      { slot: 1, offset: 0 },
      { slot: 1, offset: bytes },
    ]
    const plan = target.load({
      programs: [program],
      segments: [[{ op: 'kernel', program: 0, args, units: 3 }]],
      slots: 2,
    })
    plan.run(0, [status, both])
    const result = new Int32Array(target.view(both, 2 * bytes).slice().buffer)
    plan.unload()
    target.free(both)
    target.free(status)
    return result
  }

  test('random programs', { timeout: 240_000 }, () => {
    const number = fc.nat({ max: 0xffff })
    const draws = fc.array(number, { maxLength: 300, size: 'max' })
    const word = fc.oneof(fc.integer(), fc.constantFrom(...patterns))
    const data = fc.array(word, { minLength: bytes / 2, maxLength: bytes / 2 })
    fc.assert(
      fc.property(draws, data, (numbers, words) => {
        const program = randomProgram(numbers, lanes)
        const copy = Int32Array.from(words).buffer
        evaluateProgram(program, copy, [0, bytes, 0, 3], {
          buffers: [
            { address: 0, bytes },
            { address: bytes, bytes },
          ],
          fused: true,
        })
        expect(Array.from(run(program, words))).toEqual(Array.from(new Int32Array(copy)))
      }),
      { numRuns: Number(process.env.GLIA_PROGRAMS ?? 600) },
    )
  })
})
