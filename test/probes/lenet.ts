/** @file LeNet-5 learns digits: its loss on one batch falls to nearly nothing, eagerly and compiled. */
import { expect } from 'vitest'
import { batchOf, digits } from '../../src/data/index.ts'
import { compile, manualSeed, type Tensor, tensor } from '../../src/index.ts'
import { crossEntropy } from '../../src/loss/index.ts'
import { AvgPool2d, Conv2d, Flatten, Linear, Sequential, Tanh } from '../../src/nn/index.ts'
import { Adam } from '../../src/optim/index.ts'
import type { Device } from '../../src/plan/device.ts'

export async function lenetTrains(device: Device): Promise<void> {
  manualSeed(1)
  const model = new Sequential(
    new Conv2d(1, 6, 5, { padding: 'same' }),
    new Tanh(),
    new AvgPool2d(2),
    new Conv2d(6, 16, 5),
    new Tanh(),
    new AvgPool2d(2),
    new Flatten(),
    new Linear(400, 120),
    new Tanh(),
    new Linear(120, 84),
    new Tanh(),
    new Linear(84, 10),
  ).to(device)
  const optimizer = new Adam(model.parameters(), { lr: 3e-3 })
  const batch = batchOf((await digits({ train: 4, test: 0, seed: 3 })).train, [0, 1, 2, 3])
  const x = tensor(batch.x.data, { shape: batch.x.shape, device })
  const y = tensor(batch.y.data, { shape: batch.y.shape, device })
  const step = (x: Tensor, y: Tensor): Tensor => {
    const loss = crossEntropy(model.forward(x), y)
    optimizer.minimize(loss)
    return loss
  }
  const compiled = compile(step)
  const first = step(x, y).itemSync()
  expect(first).toBeGreaterThan(1.8)
  for (let k = 0; k < 2; k++) step(x, y)
  for (let k = 0; k < 6; k++) compiled(x, y)
  expect(compiled.traces).toHaveLength(1)
  expect(step(x, y).itemSync()).toBeLessThan(0.5 * first)
  expect(optimizer.steps).toBe(10)
}
