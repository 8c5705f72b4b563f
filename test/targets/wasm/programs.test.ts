/** @file Random programs give the same bits in WebAssembly as when evaluated plainly. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { evaluateProgram } from '../../../src/kernels/evaluate.ts'
import { bufferBytes, randomProgram } from '../random-program.ts'
import { bits, end, Page, specialFloats, specialInts } from './harness.ts'

const BUFFER = bufferBytes(4)
const patterns = [...specialFloats.map(bits), ...specialInts]

test('random programs', () => {
  const number = fc.nat({ max: 0xffff })
  const draws = fc.array(number, { maxLength: 300, size: 'max' })
  const word = fc.oneof(fc.integer(), fc.constantFrom(...patterns))
  const data = fc.array(word, { minLength: (2 * BUFFER) / 4, maxLength: (2 * BUFFER) / 4 })
  fc.assert(
    fc.property(draws, data, (numbers, words) => {
      const program = randomProgram(numbers, 4)
      const page = new Page()
      const [input, output] = [end(2 * BUFFER), end(BUFFER)]
      page.ints.set(words, input / 4)
      const copy = page.bytes.slice().buffer
      const args = [input, output, 0, 3]
      page.run(program, args)
      evaluateProgram(program, copy, args, {
        buffers: [
          { address: input, bytes: BUFFER },
          { address: output, bytes: BUFFER },
        ],
      })
      expect(page.ints4(input, (2 * BUFFER) / 4)).toEqual(Array.from(new Int32Array(copy, input)))
    }),
    { numRuns: 1500 },
  )
}, 120_000)
