/** @file An LSTM, recorded as a loop, learns whether the first of four numbers was positive: it has to remember. */
import { expect } from 'vitest'
import { compile, manualSeed, randn, type Tensor } from '../../src/index.ts'
import { bceWithLogits } from '../../src/loss/index.ts'
import { Linear, LSTM, Module } from '../../src/nn/index.ts'
import { Adam } from '../../src/optim/index.ts'
import type { Device } from '../../src/plan/device.ts'

class Memory extends Module {
  readonly lstm = new LSTM(1, 8, { batchFirst: true })
  readonly out = new Linear(8, 1)

  forward(x: Tensor): Tensor {
    const [y] = this.lstm.call(x)
    return this.out.call(y.select(1, -1)).squeeze(1)
  }
}

export function lstmTrains(device: Device): void {
  manualSeed(5)
  const model = new Memory().to(device)
  const optimizer = new Adam(model.parameters(), { lr: 0.05 })
  const step = compile((x: Tensor) => {
    const target = x.select(1, 0).squeeze(1).gt(0).float()
    const loss = bceWithLogits(model.forward(x), target)
    optimizer.minimize(loss)
    return loss
  })
  const losses = Array.from({ length: 80 }, () => step(randn([32, 4, 1], { device })).itemSync())
  expect(losses[0]).toBeGreaterThan(0.6)
  expect(Math.min(...losses.slice(-10))).toBeLessThan(0.35)
}
