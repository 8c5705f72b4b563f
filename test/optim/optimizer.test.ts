/** @file What all optimizers share: groups, learning rates, resuming, failing, clipping; schedules. */
import { beforeEach, describe, expect, it } from 'vitest'
import { compile, manualSeed, Parameter, randn, setDefaultDevice, type Tensor, tensor } from '../../src/index.ts'
import { mse } from '../../src/loss/index.ts'
import { Dropout, Linear, Sequential, Tanh } from '../../src/nn/index.ts'
import {
  Adam,
  AdamW,
  clipGradNorm,
  clipGradValue,
  type Optimizer,
  Scheduler,
  SGD,
  schedule,
} from '../../src/optim/index.ts'
import { devices } from '../support/devices.ts'
import { expectClose } from '../support/torch.ts'

describe.each(devices)('on %s', (_, device) => {
  beforeEach(() => setDefaultDevice(device))
  const weights = (...values: number[]): Parameter => new Parameter(tensor(values))

  it('has groups with options of their own', () => {
    const [a, b] = [weights(1), weights(1)]
    const optimizer = new SGD([{ params: [a] }, { params: [b], lr: 1, weightDecay: 1 }], { lr: 0.1 })
    optimizer.minimize(a.add(b).sum())
    expectClose([a.itemSync(), b.itemSync()], [0.9, -1], 'weights')
    expect(optimizer.groups.map((g) => g.lr)).toEqual([Math.fround(0.1), 1])
    optimizer.lr = 0.5
    expect(optimizer.groups.map((g) => g.lr)).toEqual([0.5, 0.5])
  })

  it('follows a changed learning rate in a compiled step without recording anew', () => {
    const w = weights(0)
    const optimizer = new SGD([w], { lr: 1 })
    const step = compile(() => {
      const loss = w.sum()
      optimizer.minimize(loss)
      return loss
    })
    step()
    optimizer.lr = 0.25
    step()
    step()
    expect(w.itemSync()).toBe(-1.5)
    expect(step.traces).toHaveLength(1)
  })

  it('leaves alone what has no gradient', () => {
    const [a, b] = [weights(1), weights(2)]
    const optimizer = new Adam([a, b], { lr: 0.1, weightDecay: 0.5 })
    optimizer.minimize(a.mul(2).sum())
    expect([b.itemSync(), a.itemSync() < 1]).toEqual([2, true])
  })

  it.each([
    ['SGD', (p: Parameter[]) => new SGD(p, { lr: 0.05, momentum: 0.9 })],
    ['AdamW', (p: Parameter[]) => new AdamW(p, { lr: 0.05, amsgrad: true })],
  ] as const)('%s resumes to the same bits', (_, make) => {
    manualSeed(0)
    const model = new Sequential(new Linear(3, 4), new Tanh(), new Dropout(0.3), new Linear(4, 1))
    const x = randn([8, 3]).realise()
    const y = x.sum(1, { keepdim: true }).realise()
    const steps = (optimizer: Optimizer, n: number): void => {
      for (let k = 0; k < n; k++) optimizer.minimize(mse(model.forward(x), y))
    }
    model.eval()
    const first: Optimizer = make(model.parameters())
    steps(first, 3)
    first.lr = 0.01
    const saved = { model: model.stateDict(), optimizer: first.stateDict() }
    steps(first, 3)
    const expected = model.parameters().map((p) => p.dataSync())
    model.loadStateDict(saved.model)
    const second: Optimizer = make(model.parameters())
    second.loadStateDict(saved.optimizer)
    expect(second.lr).toBe(first.lr)
    steps(second, 3)
    expect(model.parameters().map((p) => p.dataSync())).toEqual(expected)
    expect(second.steps).toBe(6)
    expect(() => second.loadStateDict({ '0.velocity': x })).toThrow(/0\.velocity is unknown/)
  })

  it('computes a loss that was waiting together with its step', () => {
    const w = weights(3)
    const optimizer = new SGD([w], { lr: 0.5 })
    const losses: Tensor[] = []
    for (let k = 0; k < 3; k++) {
      const loss = w.square().sum()
      optimizer.minimize(loss)
      losses.push(loss)
    }
    expect(losses.map((l) => l.node.op)).toEqual(['data', 'data', 'data'])
    expect(losses.map((l) => l.itemSync())).toEqual([9, 0, 0])
  })

  it('clips gradients', () => {
    const [a, b] = [weights(3), weights(0, 4)]
    const loss = (): void => a.square().add(b.square().sum()).sum().div(2).backward()
    loss()
    expect(clipGradNorm([a, b], 1).itemSync()).toBe(5)
    expectClose([a.grad?.itemSync() ?? 0, ...(b.grad?.dataSync() ?? [])], [0.6, 0, 0.8], 'scaled')
    a.grad = null
    b.grad = null
    loss()
    clipGradValue([a, b], 2)
    expect([a.grad, b.grad].map((g) => (g as Tensor | null)?.arraySync())).toEqual([[2], [0, 2]])
  })

  it('names mistakes', () => {
    expect(() => new SGD([], { lr: 1 })).toThrow(/no parameters; pass model.parameters\(\)/)
    const w = weights(1)
    expect(() => new SGD([w, w], { lr: 1 })).toThrow(/given twice/)
    expect(() => new SGD([w], { lr: -1 })).toThrow(/at least 0; received -1/)
  })
})

describe('schedules', () => {
  it('are functions of the step', () => {
    const { cosine, stepDecay, warmup, linearDecay, exponential } = schedule
    expectClose([0, 5, 10, 20].map(cosine(10, 0.2)), [1, 0.6, 0.2, 0.2], 'cosine')
    expectClose([0, 1, 2, 5].map(stepDecay(2)), [1, 1, 0.1, 0.01], 'step')
    expect([0, 1, 2, 3, 4].map(warmup(2, linearDecay(2)))).toEqual([0.5, 1, 1, 0.5, 0])
    expect(exponential(0.5)(3)).toBe(0.125)
    expect(() => cosine(0)).toThrow(/total must be positive; received 0/)
  })

  it('set an optimizer’s rates', () => {
    const optimizer = new SGD([new Parameter(tensor([1]))], { lr: 2 })
    const scheduler = new Scheduler(optimizer, schedule.warmup(4))
    expect(optimizer.lr).toBe(0.5)
    scheduler.step()
    expect(optimizer.lr).toBe(1)
    scheduler.count = 7
    expect(optimizer.lr).toBe(2)
  })
})
