/** @file Flags of V8 and what follows from them: fused multiply-add with the bits of its definition. */
import { expect, test } from 'vitest'
import { lanewise3, makeLanes } from '../../../src/kernels/lanewise.ts'
import { createWasmTargetSync, detectFeatures, enableV8Flags } from '../../../src/targets/wasm/index.ts'
import { bits, build, end, instantiate, Page, sameBits, specialFloats } from './harness.ts'

test('flags are set only when asked for', () => {
  const before = detectFeatures()
  expect(before.simd).toBe(true)
  expect(before.threads).toBe(true)
  const after = enableV8Flags()
  expect(after).toMatchObject({ simd: true, threads: true, relaxed: true })
  expect(enableV8Flags()).toEqual(after)
  const target = createWasmTargetSync({ threads: 2 })
  expect(target.machine.lanes).toBe(4)
  expect(target.machine.pairs).toBe(after.revectorize)
  target.close()
})

test.each<'f.fma' | 'f.fnma'>(['f.fma', 'f.fnma'])('%s, as the machine rounds it', (fn) => {
  enableV8Flags()
  const target = createWasmTargetSync({ threads: 1 })
  const { fused } = target.machine
  const page = new Page()
  const run = instantiate(
    build(4, (b) => b.store(3, 0, b.v3(fn, b.load(0, 0), b.load(1, 0), b.load(2, 0)))),
    page.memory,
    true,
  )
  const values = [...specialFloats, 1 + 2 ** -12, -(1 + 2 ** -11), Math.PI, -1e10, 1e-10]
  for (let i = 0; i < 4 * values.length ** 2; i++) {
    const operands = [
      values[i % values.length],
      values[(i * 7 + 3) % values.length],
      values[(i * 13 + 5 * (i >> 5)) % values.length],
    ]
    const lanes = operands.map((value, n) => {
      page.floats.fill(value, 256 * (n + 1), 256 * (n + 1) + 4)
      const v = makeLanes(4)
      v.f.fill(value)
      return v
    })
    run(1024, 2048, 3072, end(16), 0, 1)
    const want = lanewise3(fn, lanes[0], lanes[1], lanes[2], fused).i[0]
    const got = page.ints4(end(16))[0]
    if (!sameBits(got, want, true)) expect.fail(`${fn}(${operands}) gives ${got}, not ${want} (1 is ${bits(1)})`)
  }
})
