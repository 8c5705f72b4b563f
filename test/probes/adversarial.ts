/** @file Two optimizers against each other: each step changes its own network only, and detach keeps them apart. */
import { expect } from 'vitest'
import { compile, manualSeed, ones, randn, type Tensor, zeros } from '../../src/index.ts'
import { bceWithLogits } from '../../src/loss/index.ts'
import { LeakyReLU, Linear, Sequential } from '../../src/nn/index.ts'
import { Adam } from '../../src/optim/index.ts'
import type { Device } from '../../src/plan/device.ts'

export function adversarialPair(device: Device): void {
  for (const compiled of [false, true]) {
    manualSeed(7)
    const generator = new Sequential(new Linear(2, 16), new LeakyReLU(0.2), new Linear(16, 1)).to(device)
    const critic = new Sequential(new Linear(1, 16), new LeakyReLU(0.2), new Linear(16, 1)).to(device)
    const g = new Adam(generator.parameters(), { lr: 0.01 })
    const d = new Adam(critic.parameters(), { lr: 0.01 })
    const yes = ones([32, 1], { device })
    const no = zeros([32, 1], { device })
    const round = (real: Tensor, noise: Tensor): { dLoss: Tensor; gLoss: Tensor } => {
      const fake = generator.forward(noise)
      d.zeroGrad()
      const dLoss = bceWithLogits(critic.forward(real), yes).add(bceWithLogits(critic.forward(fake.detach()), no))
      dLoss.backward()
      expect(
        generator.parameters().every((p) => p.grad === null),
        'detach stops the gradient',
      ).toBe(true)
      d.step()
      g.zeroGrad()
      const gLoss = bceWithLogits(critic.forward(fake), yes)
      gLoss.backward()
      g.step()
      g.zeroGrad()
      return { dLoss, gLoss }
    }
    const play = compiled ? compile(round) : round
    const before = critic.at(0)?.parameters()[0].dataSync()
    let last = { dLoss: 0, gLoss: 0 }
    for (let k = 0; k < 40; k++) {
      const { dLoss, gLoss } = play(randn([32, 1], { device }).mul(0.5).add(3), randn([32, 2], { device }))
      last = { dLoss: dLoss.itemSync(), gLoss: gLoss.itemSync() }
    }
    expect(critic.at(0)?.parameters()[0].dataSync()).not.toEqual(before)
    expect(Number.isFinite(last.dLoss + last.gLoss)).toBe(true)
    const mean = generator
      .forward(randn([256, 2], { device }))
      .mean()
      .itemSync()
    expect(mean, `${compiled ? 'compiled' : 'eager'}: the generator moves towards the data`).toBeGreaterThan(0.3)
  }
}
