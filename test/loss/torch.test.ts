/** @file Losses and their gradients against PyTorch. */
import { describe, expect, it } from 'vitest'
import { type Tensor, tensor, where } from '../../src/index.ts'
import { bce, bceWithLogits, crossEntropy, huber, l1, mse, nll, type Reduction } from '../../src/loss/index.ts'
import { devices } from '../support/devices.ts'
import { type Case, fixture, runCase } from '../support/torch.ts'

const weights = (like: Tensor): Tensor => tensor([0.5, 1, 2, 0.25], { device: like.device })
const positive = (like: Tensor): Tensor => tensor([0.5, 1, 2, 3], { device: like.device })

type Loss = (...t: Tensor[]) => Tensor
const ce = (options: Parameters<typeof crossEntropy>[2] = {}, weighted = false): Loss => {
  return (x, t) => crossEntropy(x, t, weighted ? { ...options, weight: weights(x) } : options)
}

const losses: Record<string, Loss> = {
  ce: ce(),
  ceSum: ce({ reduction: 'sum' }),
  ceNone: ce({ reduction: 'none' }),
  ceWeight: ce({}, true),
  ceWeightNone: ce({ reduction: 'none' }, true),
  ceSmooth: ce({ labelSmoothing: 0.1 }),
  ceSmoothWeight: ce({ labelSmoothing: 0.2 }, true),
  ceSmoothNone: ce({ labelSmoothing: 0.2, reduction: 'none' }, true),
  ceIgnore: ce({ ignoreIndex: 1 }),
  ceIgnoreDefault: (x, t) => crossEntropy(x, where(t.eq(2), -100, t)),
  ceIgnoreAll: ce({ ignoreIndex: 1, labelSmoothing: 0.1 }, true),
  ceIgnoreSmooth: ce({ ignoreIndex: 0, labelSmoothing: 0.3 }),
  nll: (x, t) => nll(x.logSoftmax(1), t),
  nllWeight: (x, t) => nll(x.logSoftmax(1), t, { weight: weights(x), reduction: 'sum' }),
  ceImage: ce({}, true),
  ceSingle: ce(),
  ceProbabilities: (x, t) => crossEntropy(x, t.softmax(1)),
  ceProbabilitiesAll: (x, t) =>
    crossEntropy(x, t.softmax(1), { weight: weights(x), labelSmoothing: 0.1, reduction: 'sum' }),
  huberDelta: (p, t) => huber(p, t, { delta: 0.3 }),
  bceLogits: (p, t) => bceWithLogits(p, t),
  bceLogitsPos: (p, t) => bceWithLogits(p, t, { posWeight: positive(p) }),
  bceLogitsWeight: (p, t) => bceWithLogits(p, t, { weight: positive(p), reduction: 'sum' }),
  bce: (p, t) => bce(p.sigmoid(), t.detach()),
}
for (const [name, loss] of Object.entries({ mse, l1, huber })) {
  for (const reduction of ['mean', 'sum', 'none'] satisfies Reduction[]) {
    losses[`${name}-${reduction}`] = (p, t) => loss(p, t, { reduction })
  }
}

describe.each(devices)('on %s', (_, device) => {
  it.each(fixture<Case[]>('losses').map((c) => [c.name, c] as const))('%s agrees with PyTorch', (name, c) => {
    expect(losses[name], `no loss for case ${name}`).toBeDefined()
    runCase(c, losses[name], device)
  })

  it('crossEntropy names a class number out of range', () => {
    const logits = tensor([[1, 2, 3]], { device })
    const wrong = (label: number): Tensor => crossEntropy(logits, tensor([label], { dtype: 'int32', device }))
    expect(() => wrong(3).itemSync()).toThrow(/crossEntropy/)
    expect(() => wrong(-1).itemSync()).toThrow(/crossEntropy/)
  })
})

describe('shapes', () => {
  it('says what crossEntropy needs', () => {
    const logits = tensor([[1, 2, 3]])
    expect(() => crossEntropy(logits, tensor([1]))).toThrow(/int32/)
    expect(() => crossEntropy(logits, tensor([1, 2], { dtype: 'int32' }))).toThrow(/\[1\]; received int32 \[2\]/)
  })

  it('refuses to broadcast predictions and targets', () => {
    expect(() => mse(tensor([[1], [2]]), tensor([1, 2]))).toThrow(/\[2, 1\] and target \[2\]/)
  })
})
