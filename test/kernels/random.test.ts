import { describe, expect, it } from 'vitest'
import { threefry2x32, uniformFromBits } from '../../src/core/random.ts'
import { evaluateProgram } from '../../src/kernels/evaluate.ts'
import { threefry2x32 as emitThreefry } from '../../src/kernels/math.ts'
import { ProgramBuilder } from '../../src/kernels/program-builder.ts'

const unsigned = (x: readonly number[]) => x.map((v) => v >>> 0)

describe('threefry2x32', () => {
  // Known answers of Random123 (kat_vectors, threefry2x32 with 20 rounds): counter, key, expected.
  const known: [number[], number[], number[]][] = [
    [
      [0, 0],
      [0, 0],
      [0x6b200159, 0x99ba4efe],
    ],
    [
      [0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x1cb996fc, 0xbb002be7],
    ],
    [
      [0x243f6a88, 0x85a308d3],
      [0x13198a2e, 0x03707344],
      [0xc4923a9c, 0x483df7a0],
    ],
  ]

  it.each(known)('counter %o, key %o', (counter, key, expected) => {
    expect(unsigned(threefry2x32(key[0], key[1], counter[0], counter[1]))).toEqual(expected)
    expect(unsigned(threefry2x32(key[0] | 0, key[1] | 0, counter[0] | 0, counter[1] | 0))).toEqual(expected)
  })

  it.each([4, 8, 16])('is the same in vectors of %d lanes', (lanes) => {
    const b = new ProgramBuilder('threefry', lanes, 2)
    const counter = (k: number) => b.laneConst(Array.from({ length: lanes }, (_, l) => (k * (l - 3) * 0x9e3779b9) | 0))
    const [x0, x1] = emitThreefry(b, b.i32(0x12345678), b.i32(-5), counter(1), counter(7))
    b.store(b.int(0), 0, x0, 'i32')
    b.store(b.int(0), 4 * lanes, x1, 'i32')
    const memory = new ArrayBuffer(8 * lanes)
    evaluateProgram(b.finish(), memory, [0, 0])
    const got = new Int32Array(memory)
    for (let l = 0; l < lanes; l++) {
      const c = (k: number) => (k * (l - 3) * 0x9e3779b9) | 0
      expect([got[l], got[lanes + l]]).toEqual(threefry2x32(0x12345678, -5, c(1), c(7)))
    }
  })
})

describe('uniformFromBits', () => {
  it('covers [0, 1) exactly in float32', () => {
    expect(uniformFromBits(0)).toBe(0)
    expect(uniformFromBits(255)).toBe(0)
    expect(uniformFromBits(256)).toBe(2 ** -24)
    expect(uniformFromBits(-1)).toBe(1 - 2 ** -24)
    for (const bits of [1, -1, 123456789, -987654321]) {
      expect(Math.fround(uniformFromBits(bits))).toBe(uniformFromBits(bits))
    }
  })

  it('has the moments of a uniform distribution', () => {
    const n = 100_000
    const x = Array.from({ length: n }, (_, i) => uniformFromBits(threefry2x32(1, 2, 0, i)[0]))
    const mean = x.reduce((s, v) => s + v, 0) / n
    const variance = x.reduce((s, v) => s + (v - mean) ** 2, 0) / n
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.003)
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.001)
  })
})
