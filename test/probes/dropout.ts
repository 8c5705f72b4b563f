/** @file Dropout: new noise at every step, compiled or not; the same after the same seed; none in evaluation. */
import { expect } from 'vitest'
import { compile, manualSeed, ones, scan, type Tensor, zeros } from '../../src/index.ts'
import { Dropout, functional as f } from '../../src/nn/index.ts'
import type { Device } from '../../src/plan/device.ts'

export function freshDropout(device: Device): void {
  const layer = new Dropout(0.5)
  const x = ones([1000], { device })
  const step = compile((x: Tensor) => layer.forward(x))
  const masks = (): string[] =>
    [step(x), step(x), layer.forward(x), step(x), layer.forward(x)].map((t) => t.dataSync().join())
  manualSeed(3)
  const first = masks()
  expect(new Set(first).size, 'five different masks').toBe(5)
  manualSeed(3)
  expect(masks(), 'the same five after the same seed').toEqual(first)
  const kept = first[0].split(',').filter((v) => v === '2').length
  expect(kept, 'about half are kept, doubled').toBeGreaterThan(430)
  expect(kept).toBeLessThan(570)
  layer.eval()
  expect(step(x).dataSync()).toEqual(x.dataSync())

  // Within a loop every iteration draws its own; steps differ from each other.
  const loop = compile((x: Tensor) => scan(([c]) => ({ carry: [c], ys: [f.dropout(c)] }), [x], [], { length: 3 }).ys[0])
  const rows = [...(loop(x).arraySync() as number[][]), ...(loop(x).arraySync() as number[][])].map(String)
  expect(new Set(rows).size).toBe(6)
  const eager = scan(([c]) => ({ carry: [c], ys: [f.dropout(c)] }), [zeros([50], { device }).add(1)], [], { length: 3 })
  expect(new Set((eager.ys[0].arraySync() as number[][]).map(String)).size).toBe(3)
}
