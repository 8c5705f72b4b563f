/** @file Layers and their gradients against PyTorch. */
import { describe, expect, it } from 'vitest'
import { grad, type Tensor, tensor } from '../../src/index.ts'
import { crossEntropy } from '../../src/loss/index.ts'
import {
  AvgPool2d,
  BatchNorm2d,
  Conv2d,
  Flatten,
  functional as f,
  Linear,
  LSTM,
  Sequential,
  Tanh,
} from '../../src/nn/index.ts'
import { devices } from '../support/devices.ts'
import { type Case, expectClose, fill, filled, fixture, runCase } from '../support/torch.ts'

const convolution = (options: Parameters<typeof f.conv>[3]) => (x: Tensor, w: Tensor, b: Tensor) =>
  f.conv(x, w, b, options)

const operations: Record<string, (...t: Tensor[]) => Tensor> = {
  conv: convolution({}),
  convStride: convolution({ stride: [2, 1] }),
  convPad: convolution({ padding: [1, 2] }),
  convSame: convolution({ padding: 'same' }),
  convDilated: convolution({ dilation: 2, padding: 1 }),
  convGroups: convolution({ groups: 2 }),
  convDepthwise: convolution({ groups: 4, padding: 1, stride: 2 }),
  convSameDilated: convolution({ padding: 'same', dilation: 2 }),
  convPoint: convolution({}),
  convNoBias: (x, w) => f.conv(x, w),
  conv1d: convolution({ padding: 1 }),
  maxPool: (x) => f.maxPool(x, 2),
  maxPoolOverlap: (x) => f.maxPool(x, 3, { stride: 2, padding: 1 }),
  maxPoolCeil: (x) => f.maxPool(x, 2, { ceilMode: true }),
  maxPoolDilated: (x) => f.maxPool(x, 2, { stride: 1, dilation: 2 }),
  avgPool: (x) => f.avgPool(x, 2),
  avgPoolPad: (x) => f.avgPool(x, 3, { stride: 2, padding: 1 }),
  avgPoolNoCount: (x) => f.avgPool(x, 3, { stride: 2, padding: 1, countIncludePad: false }),
  avgPoolCeil: (x) => f.avgPool(x, 2, { ceilMode: true }),
  avgPoolCeilPad: (x) => f.avgPool(x, 3, { stride: 2, padding: 1, ceilMode: true }),
  linear: (x, w, b) => f.linear(x, w, b),
  embedding: (i, w) => f.embedding(i, w),
  embeddingPadding: (i, w) => f.embedding(i, w, 2),
  batchNormTrain: (x, w, b) => f.batchNormTrain(x, w, b, 1e-5).y,
  batchNormEval: (x, m, v, w, b) => f.batchNormEval(x, m, v, w, b, 1e-5),
  doubleBackwardPool: (x) => grad(f.maxPool(x.pow(3), 2).square().sum(), [x], { createGraph: true })[0],
  doubleBackwardSoftmax: (x) => grad(x.softmax().square().sum(), [x], { createGraph: true })[0],
  doubleBackwardNorm: (x, w, b) => grad(f.batchNormTrain(x, w, b, 1e-5).y.pow(3).sum(), [x], { createGraph: true })[0],
}

interface LstmCase {
  readonly options: { numLayers: number; bidirectional: boolean; batchFirst: boolean; bias: boolean }
  readonly state: boolean
  readonly y: Case['output']
  readonly h: Case['output']
  readonly c: Case['output']
  readonly dx: number[]
  readonly dstate: number[][] | null
  readonly grads: Record<string, number[]>
}

interface NormCase {
  readonly momentum: number | null
  readonly steps: { y: number[]; mean: number[]; var: number[]; batches: number }[]
  readonly eval: number[]
}

interface LenetCase {
  readonly logits: number[]
  readonly loss: number
  readonly grads: Record<string, { norm: number; sum: number; at: number[]; values: number[] }>
}

describe.each(devices)('on %s', (_, device) => {
  it.each(fixture<Case[]>('layers').map((c) => [c.name, c] as const))('%s agrees with PyTorch', (name, c) => {
    expect(operations[name], `no operation for case ${name}`).toBeDefined()
    runCase(c, operations[name], device, 1e-4, 1e-5)
  })

  it.each(fixture<LstmCase[]>('lstm').map((c) => [JSON.stringify(c.options), c] as const))(
    'LSTM %s agrees with PyTorch',
    (_, c) => {
      const lstm = new LSTM(3, 4, c.options).to(device)
      lstm.namedParameters().forEach(([, p], k) => {
        p.set(fill(p.shape, 10 + k, 0.7))
      })
      expect(lstm.namedParameters().map(([name]) => name)).toEqual(Object.keys(c.grads))
      const x = filled([2, 5, 3], 0, device)
      const [h0, c0] = [1, 2].map((seed) => filled(c.h.shape, seed, device))
      for (const t of [x, h0, c0]) t.requiresGrad = true
      const [y, last] = lstm.forward(x, c.state ? { h: h0, c: c0 } : undefined)
      const seeded = (t: Tensor, seed: number): Tensor => t.mul(filled(t.shape, seed, device)).sum()
      seeded(y, 99).add(seeded(last.h, 98)).add(seeded(last.c, 97)).backward()
      expect([y.shape, last.h.shape, last.c.shape]).toEqual([c.y.shape, c.h.shape, c.c.shape])
      expectClose(y.dataSync(), c.y.data, 'output')
      expectClose(last.h.dataSync(), c.h.data, 'h')
      expectClose(last.c.dataSync(), c.c.data, 'c')
      expectClose(x.grad?.dataSync() ?? [], c.dx, 'gradient of x', 1e-4, 1e-5)
      for (const [name, p] of lstm.namedParameters())
        expectClose(p.grad?.dataSync() ?? [], c.grads[name], name, 1e-4, 1e-5)
      if (!c.dstate) return
      expectClose(h0.grad?.dataSync() ?? [], c.dstate[0], 'gradient of h0', 1e-4, 1e-5)
      expectClose(c0.grad?.dataSync() ?? [], c.dstate[1], 'gradient of c0', 1e-4, 1e-5)
    },
  )

  it.each(fixture<NormCase[]>('batchnorm').map((c) => [c.momentum, c] as const))(
    'BatchNorm2d with momentum %s keeps PyTorch’s statistics',
    (_, c) => {
      const layer = new BatchNorm2d(3, { momentum: c.momentum }).to(device)
      c.steps.forEach((step, k) => {
        const y = layer.forward(filled([4, 3, 2, 2], k, device, 1 + k, 0.5 * k))
        expectClose(y.dataSync(), step.y, `output ${k}`, 1e-4, 1e-5)
        expectClose(layer.running_mean?.dataSync() ?? [], step.mean, `mean ${k}`)
        expectClose(layer.running_var?.dataSync() ?? [], step.var, `variance ${k}`)
        expect(layer.num_batches_tracked?.itemSync()).toBe(step.batches)
      })
      layer.eval()
      expectClose(layer.forward(filled([4, 3, 2, 2], 7, device)).dataSync(), c.eval, 'evaluation', 1e-4, 1e-5)
      expect(layer.num_batches_tracked?.itemSync()).toBe(3)
    },
  )

  it('LeNet-5 has PyTorch’s logits, loss and gradients', () => {
    const c = fixture<LenetCase>('lenet')
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
    model.parameters().forEach((p, k) => {
      p.set(fill(p.shape, 10 + k, 0.15))
    })
    const logits = model.forward(filled([3, 1, 28, 28], 0, device))
    const loss = crossEntropy(logits, tensor([3, 0, 9], { dtype: 'int32', device }))
    loss.backward()
    expectClose(logits.dataSync(), c.logits, 'logits', 1e-4, 1e-5)
    expectClose([loss.itemSync()], [c.loss], 'loss')
    for (const [name, p] of model.namedParameters()) {
      const g = p.grad?.dataSync() ?? new Float32Array()
      const expected = c.grads[name]
      const scale = expected.norm / Math.sqrt(g.length)
      expectClose(
        expected.at.map((i) => g[i]),
        expected.values,
        name,
        1e-4,
        1e-4 * scale,
      )
      expectClose([Math.hypot(...g)], [expected.norm], `${name} norm`, 1e-4)
    }
  })
})
