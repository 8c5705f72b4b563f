/** @file Weight and spectral normalisation: keys, what training does with them, and what is refused. */
import { describe, expect, it } from 'vitest'
import { compile, manualSeed, randn, type Tensor } from '../../src/index.ts'
import {
  Conv2d,
  ConvTranspose2d,
  Linear,
  Sequential,
  spectralNorm,
  summary,
  Tanh,
  weightNorm,
} from '../../src/nn/index.ts'
import { SGD } from '../../src/optim/index.ts'
import { devices } from '../support/devices.ts'
import { expectClose } from '../support/torch.ts'

describe.each(devices)('on %s', (_, device) => {
  it('weightNorm leaves the function as it was, under PyTorch’s keys', () => {
    manualSeed(0)
    const plain = new Conv2d(2, 3, 3).to(device)
    const x = randn([1, 2, 5, 5], { device })
    const before = plain.forward(x).dataSync()
    const layer = weightNorm(plain)
    expect(layer).toBe(plain)
    expect(Object.keys(layer.stateDict())).toEqual(['bias', 'weight_g', 'weight_v'])
    expect(layer.stateDict().weight_g.shape).toEqual([3, 1, 1, 1])
    expectClose(layer.forward(x).dataSync(), [...before], 'output', 1e-5, 1e-5)
  })

  it('a compiled step trains lengths and directions, and goes on with the power iteration', () => {
    manualSeed(1)
    const model = new Sequential(weightNorm(new Linear(4, 8)), new Tanh(), spectralNorm(new Linear(8, 1))).to(device)
    const optimizer = new SGD(model.parameters(), { lr: 0.1 })
    const x = randn([16, 4], { device })
    const step = compile((x: Tensor) => {
      const loss = model
        .call(x)
        .sub(x.sum(1, { keepdim: true }).sin())
        .square()
        .mean()
      optimizer.minimize(loss)
      return loss
    })
    const start = model.stateDict()
    const losses = Array.from({ length: 30 }, () => step(x).itemSync())
    expect(losses[29]).toBeLessThan(losses[0])
    expect(step.traces.length).toBe(1)
    for (const key of ['0.weight_g', '0.weight_v', '2.weight_orig', '2.weight_v'])
      expect(model.stateDict()[key].dataSync(), key).not.toEqual(start[key].dataSync())
  })

  it('spectralNorm brings the greatest singular value to 1', () => {
    manualSeed(2)
    const layer = spectralNorm(new Linear(6, 5, { bias: false }), { iterations: 50 }).to(device)
    layer.forward(randn([1, 6], { device }))
    layer.eval()
    const w = (layer.weight as Tensor).dataSync()
    // ‖W‖₂ by power iteration in float64.
    let v = Array.from({ length: 6 }, (_, i) => 1 + i)
    let sigma = 0
    for (let k = 0; k < 500; k++) {
      const u = Array.from({ length: 5 }, (_, i) => v.reduce((s, x, j) => s + w[i * 6 + j] * x, 0))
      const back = v.map((_, j) => u.reduce((s, x, i) => s + w[i * 6 + j] * x, 0))
      sigma = Math.hypot(...u) / Math.hypot(...v)
      const norm = Math.hypot(...back)
      v = back.map((x) => x / norm)
    }
    expect(sigma).toBeCloseTo(1, 3)
  })

  it('evaluation leaves the vectors alone', () => {
    const layer = spectralNorm(new ConvTranspose2d(2, 3, 2))
      .to(device)
      .eval()
    const u = layer.stateDict().weight_u.dataSync()
    expect(u.length, 'outputs are axis 1').toBe(3)
    layer.forward(randn([1, 2, 3, 3], { device }))
    expect(layer.stateDict().weight_u.dataSync()).toEqual(u)
  })
})

it('keeps the class: summaries, freezing, loading', () => {
  const layer = spectralNorm(new Linear(3, 2))
  expect(layer.constructor.name).toBe('Linear')
  expect(layer).toBeInstanceOf(Linear)
  expect(summary(layer, [3]).total).toBe(8)
  layer.loadStateDict(spectralNorm(new Linear(3, 2)).stateDict())
  layer.freeze()
  expect(layer.weight.requiresGrad).toBe(false)
})

it('refuses parameters that are not there', () => {
  expect(() => weightNorm(new Tanh())).toThrow(/Tanh has no parameter 'weight'; it has none/)
  expect(() => spectralNorm(new Linear(2, 2), { name: 'kernel' })).toThrow(/weight, bias/)
  expect(() => weightNorm(weightNorm(new Linear(2, 2)))).toThrow(/weight_g/)
  expect(() => spectralNorm(new Linear(2, 2), { iterations: 0 })).toThrow(/iterations/)
  expect(() => weightNorm(new Linear(2, 2), { dim: 2 })).toThrow(/axis 2/)
})
