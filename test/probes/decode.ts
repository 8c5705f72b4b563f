/** @file Decoding token by token, the sequence one longer each time: right values, and no pile of plans. */
import { expect } from 'vitest'
import { cat, manualSeed, noGrad, randn, type Tensor, tensor } from '../../src/index.ts'
import { Embedding } from '../../src/nn/index.ts'
import type { Device } from '../../src/plan/device.ts'

export function growingDecode(device: Device): void {
  manualSeed(2)
  const table = new Embedding(11, 8).to(device)
  const mix = randn([8, 11], { device })
  let tokens = tensor([[3]], { dtype: 'int32', device })
  const seen: number[] = []
  noGrad(() => {
    for (let k = 0; k < 20; k++) {
      const x = table.forward(tokens)
      const scores = x.matmul(x.transpose()).div(Math.sqrt(8)).softmax()
      const logits = scores.matmul(x).matmul(mix)
      const next = logits.select(1, -1).argmax(-1)
      seen.push(next.itemSync())
      tokens = cat([tokens, next.unsqueeze(1)], 1)
      expect(tokens.requiresGrad).toBe(false)
    }
  })
  expect(tokens.shape).toEqual([1, 21])
  expect([...tokens.dataSync()]).toEqual([3, ...seen])
  expect(seen, 'the same tokens without growing').toEqual(oneByOne(table.weight.dataSync(), mix, 20))
}

/** The same in plain TypeScript. */
function oneByOne(table: ArrayLike<number>, mix: Tensor, count: number): number[] {
  const weights = mix.dataSync()
  const row = (token: number): number[] => Array.from({ length: 8 }, (_, k) => table[token * 8 + k])
  const tokens = [3]
  for (let n = 0; n < count; n++) {
    const x = tokens.map(row)
    const last = x[x.length - 1]
    const scores = x.map((r) => Math.exp(r.reduce((s, v, k) => s + v * last[k], 0) / Math.sqrt(8)))
    const total = scores.reduce((a, b) => a + b)
    const context = last.map((_, k) => x.reduce((s, r, i) => s + (scores[i] / total) * r[k], 0))
    const logits = Array.from({ length: 11 }, (_, j) => context.reduce((s, c, k) => s + c * weights[k * 11 + j], 0))
    tokens.push(logits.indexOf(Math.max(...logits)))
  }
  return tokens.slice(1)
}
