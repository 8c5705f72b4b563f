import { describe, expect, it } from 'vitest'
import {
  compile,
  createDevice,
  createDeviceSync,
  type Device,
  enableV8Flags,
  manualSeed,
  ones,
  rand,
  setDefaultDevice,
  type Tensor,
  tensor,
} from '../../src/index.ts'
import { crossEntropy } from '../../src/loss/index.ts'
import { Conv2d, Dropout, Flatten, Linear, ReLU, Sequential } from '../../src/nn/index.ts'
import { Adam } from '../../src/optim/index.ts'
import { compiledTargets } from '../support/devices.ts'

describe('createDevice', () => {
  it.each([
    ['an unknown target', () => createDeviceSync('cuda' as 'wasm'), /unknown target "cuda"/],
    ['no threads', () => createDeviceSync('wasm', { threads: 0 }), /positive integer; received 0/],
    ['a fraction of a thread', () => createDeviceSync('wasm', { threads: 1.5 }), /received 1.5/],
  ])('refuses %s', (_name, make, message) => {
    expect(make).toThrow(message)
  })

  it('gives the threads asked for, at once or awaited', async () => {
    expect(createDeviceSync('wasm', { threads: 2 }).threads).toBe(2)
    expect((await createDevice('wasm', { threads: 3 })).threads).toBe(3)
    const name = compiledTargets.at(-1)
    expect((await createDevice('auto')).name).toBe(name)
    expect(createDeviceSync('auto').name).toBe(name)
  })

  it('lets devices coexist; mixing them throws, to() moves', () => {
    const [a, b] = [createDeviceSync('wasm', { threads: 1 }), createDeviceSync('interp')]
    const x = tensor([1, 2], { device: a })
    const y = tensor([3, 4], { device: b })
    expect(() => x.add(y)).toThrow(/two devices, wasm and interp/)
    expect(Array.from(x.add(y.to(a)).dataSync())).toEqual([4, 6])
    expect(Array.from(x.mul(2).to(b).add(y).dataSync())).toEqual([5, 8])
  })
})

/** Losses of a short training with dropout, from a seed. */
function losses(device: Device, seed: number): number[] {
  setDefaultDevice(device)
  manualSeed(seed)
  const model = new Sequential(
    new Conv2d(1, 5, 3),
    new ReLU(),
    new Flatten(),
    new Dropout(0.4),
    new Linear(605, 37),
    new ReLU(),
    new Linear(37, 4),
  )
  const optimizer = new Adam(model.parameters(), { lr: 1e-2 })
  const step = compile((x: Tensor, y: Tensor) => {
    const loss = crossEntropy(model.forward(x), y)
    optimizer.minimize(loss)
    return loss
  })
  const x = rand([33, 1, 13, 13])
  const y = tensor(Int32Array.from({ length: 33 }, (_, i) => i % 4))
  return Array.from({ length: 12 }, () => step(x, y).itemSync())
}

it('lets a program ask for the faster forms of V8', () => {
  expect(enableV8Flags()).toMatchObject({ simd: true, relaxed: true })
  expect(
    ones([3], { device: createDeviceSync('wasm', { threads: 1 }) })
      .sum()
      .itemSync(),
  ).toBe(3)
})

describe('reproducibility', () => {
  it.each([1, 2, 4])('the same seed gives the same bits on %i threads', (threads) => {
    const first = losses(createDeviceSync('wasm', { threads }), 7)
    expect(losses(createDeviceSync('wasm', { threads }), 7)).toEqual(first)
    expect(losses(createDeviceSync('wasm', { threads }), 8)).not.toEqual(first)
  })

  it('does not depend on the number of threads', () => {
    expect(losses(createDeviceSync('wasm', { threads: 1 }), 7)).toEqual(
      losses(createDeviceSync('wasm', { threads: 3 }), 7),
    )
  })
})

describe('memory', () => {
  it('says who holds what', () => {
    const device = createDeviceSync('wasm', { threads: 1 })
    setDefaultDevice(device)
    const model = new Sequential(new Linear(10, 20))
    const optimizer = new Adam(model.parameters(), { lr: 0.1 })
    const step = compile(function descend(x: Tensor) {
      const loss = model.forward(x).sum()
      optimizer.minimize(loss)
      return loss
    })
    step(ones([4, 10]))
    const report = device.memory()
    const weight = report.cells.find((c) => c.name.includes('weight') && c.bytes === 800)
    expect(weight, JSON.stringify(report.cells)).toBeDefined()
    expect(report.plans.find((p) => p.name === 'descend')).toMatchObject({ uses: 1 })
    expect(report.arena).toBeGreaterThan(0)
    expect(report.reserved).toBeGreaterThanOrEqual(report.arena)
  })

  it('keeps a bounded number of plans when shapes keep growing', () => {
    const device = createDeviceSync('wasm', { threads: 1 })
    for (let n = 1; n <= 300; n++) {
      expect(ones([n], { device }).add(1).sum().itemSync()).toBe(2 * n)
    }
    expect(device.memory().plans.length).toBeLessThanOrEqual(256)
    expect(ones([5], { device }).add(1).sum().itemSync()).toBe(10)
  })

  it('gives the memory of models that nobody trains any more to those that need it', () => {
    const device = createDeviceSync('wasm', { threads: 1 })
    setDefaultDevice(device)
    for (let i = 0; i < 40; i++) {
      const model = new Linear(1024, 1024)
      const optimizer = new Adam(model.parameters(), { lr: 0.1 })
      const step = compile((x: Tensor) => {
        const loss = model.forward(x).sum()
        optimizer.minimize(loss)
        return loss
      })
      step(ones([1, 1024]))
    }
    // Each model with its optimizer state takes 12 MB.
    expect(device.memory().reserved).toBeLessThan(1.2 * 2 ** 30)
  })
})
