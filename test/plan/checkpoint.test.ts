import { expect, it } from 'vitest'
import {
  checkpoint,
  compile,
  createDeviceSync,
  manualSeed,
  rand,
  setDefaultDevice,
  type Tensor,
} from '../../src/index.ts'
import { Linear, Sequential, Tanh } from '../../src/nn/index.ts'

it('recomputing segments in the backward pass halves the memory and leaves the gradients', () => {
  setDefaultDevice(createDeviceSync('wasm', { threads: 1 }))
  const run = (segments: boolean) => {
    manualSeed(0)
    const blocks = Array.from(
      { length: 6 },
      () =>
        new Sequential(new Linear(16, 64), new Tanh(), new Linear(64, 64), new Tanh(), new Linear(64, 16), new Tanh()),
    )
    const x = rand([256, 16])
    const weights = blocks.flatMap((b) => b.parameters())
    const step = compile((input: Tensor) => {
      let h = input
      for (const b of blocks) h = segments ? checkpoint((t: Tensor) => b.forward(t), h) : b.forward(h)
      h.sum().backward()
      return weights.flatMap((w) => w.grad?.sum() ?? [])
    })
    const sums = step(x).map((t) => t.itemSync())
    return { sums, kib: Number(/([\d.]+) KiB/.exec(step.explain())?.[1]) }
  }
  const [plain, saved] = [run(false), run(true)]
  expect(plain.sums).toHaveLength(36)
  saved.sums.forEach((s, i) => {
    expect(s).toBeCloseTo(plain.sums[i], 3)
  })
  expect(saved.kib).toBeLessThan(plain.kib / 2)
})
