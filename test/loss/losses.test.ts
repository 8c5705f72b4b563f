/** @file What the cases of `test/conformance` do not reach: mistakes, compiled steps, and losses made of other parts. */
import { beforeEach, describe, expect, it } from 'vitest'
import { compile, grad, rand, randn, setDefaultDevice, type Tensor, tensor } from '../../src/index.ts'
import * as loss from '../../src/loss/index.ts'
import { devices } from '../support/devices.ts'
import { expectClose } from '../support/torch.ts'

const int = (values: number[] | number[][]): Tensor => tensor(values, { dtype: 'int32' })
const x = (): Tensor => tensor([[1, 2, 3]])

const mistakes: readonly (readonly [string, () => unknown, RegExp])[] = [
  [
    'an unknown reduction',
    () => loss.mse(x(), x(), { reduction: 'avg' as 'mean' }),
    /'mean', 'sum' or 'none'; received avg/,
  ],
  ['an empty batch', () => loss.mse(tensor([]), tensor([])), /empty batch \(losses \[0\]\) has no mean/],
  ['an empty batch of logits', () => loss.crossEntropy(tensor([[1]]).narrow(0, 0, 0), int([])), /empty batch/],
  ['shapes that differ', () => loss.hinge(x(), tensor([1])), /hinge: prediction \[1, 3\] and target \[1\]/],
  ['class numbers that are floats', () => loss.crossEntropy(x(), tensor([1])), /needs the logits' shape .*int32/],
  ['class numbers of two examples', () => loss.crossEntropy(x(), int([1, 2])), /\[1\]; received int32 \[2\]/],
  ['predictions that would broadcast', () => loss.mse(tensor([[1], [2]]), tensor([1, 2])), /\[2, 1\] and target \[2\]/],
  ['delta 0', () => loss.huber(x(), x(), { delta: 0 }), /delta must be positive; received 0/],
  ['a NaN beta', () => loss.smoothL1(x(), x(), { beta: Number.NaN }), /beta .* received NaN/],
  ['gamma below 0', () => loss.focal(x(), int([0]), { gamma: -1 }), /focal: gamma .* at least 0; received -1/],
  ['alpha above 1', () => loss.sigmoidFocal(x(), x(), { alpha: 2 }), /alpha .* at most 1; received 2/],
  [
    'too much smoothing',
    () => loss.crossEntropy(x(), int([0]), { labelSmoothing: 1.5 }),
    /labelSmoothing .* received 1.5/,
  ],
  [
    'weights of other classes',
    () => loss.crossEntropy(x(), int([0]), { weight: tensor([1]) }),
    /weight must be \[3\].*received \[1\]/,
  ],
  ['logits without classes', () => loss.nll(tensor(1), int([0])), /nll: needs logits/],
  [
    'a variance of another shape',
    () => loss.gaussianNll(x(), x(), tensor([1, 2])),
    /variance .* \[1, 3\].* received \[2\]/,
  ],
  [
    'batchmean of a number',
    () => loss.klDiv(tensor(1), tensor(1), { reduction: 'batchmean' }),
    /batchmean needs a batch/,
  ],
  [
    'positions of another length',
    () => loss.wassersteinDistance(x(), x(), { positions: tensor([1]) }),
    /positions must be \[3\]/,
  ],
  ['a mean activation of 1', () => loss.klSparsity(x(), 1), /rho .* below 1; received 1/],
  ['p = 3', () => loss.multiMargin(x(), int([0]), { p: 3 as 1 }), /p must be 1 or 2; received 3/],
  ['float class numbers', () => loss.multiMargin(x(), tensor([0])), /int32; received float32/],
  ['a margin that is not a number', () => loss.tripletMargin(x(), x(), x(), { margin: Number.NaN }), /margin/],
  [
    'one answer for two pairs',
    () => loss.cosineEmbedding(randn([2, 3]), randn([2, 3]), tensor([1])),
    /one number per pair/,
  ],
  ['temperature 0', () => loss.ntXent(x(), x(), { temperature: 0 }), /temperature .* positive; received 0/],
  [
    'negatives of another width',
    () => loss.infoNce(x(), x(), { negatives: tensor([[1]]) }),
    /\[M, 3\].*received \[1, 1\]/,
  ],
  [
    'a mask without a batch',
    () => loss.dice(tensor([1]), tensor([1])),
    /\[B, N\] or \[B, C, …\]; received float32 \[1\]/,
  ],
  ['variation of a row', () => loss.totalVariation(tensor([1])), /totalVariation: images/],
  ['features that are no maps', () => loss.gramMatrix(x()), /\[B, C, H, W\]/],
  ['fewer targets than layers', () => loss.content([x(), x()], [x()]), /2 features, 1 targets/],
  ['a penalty between other shapes', () => loss.gradientPenalty((t) => t, x(), randn([2, 3])), /\[1, 3\] and \[2, 3\]/],
  [
    'a blank that is no class',
    () => loss.ctc(randn([4, 1, 3]), int([[1]]), [4], [1], { blank: 3 }),
    /blank .* at most 2/,
  ],
  ['a length beyond the input', () => loss.ctc(randn([4, 1, 3]), int([[1]]), [5], [1]), /inputLengths .* at most 4/],
  ['lengths of other examples', () => loss.ctc(randn([4, 1, 3]), int([[1]]), [4, 4], [1]), /one for each of 1/],
  ['targets whose lengths do not add up', () => loss.ctc(randn([4, 2, 3]), int([1, 2, 1]), [4, 4], [1, 1]), /add up/],
]

it.each(mistakes)('refuses %s', (_, fn, message) => {
  expect(fn).toThrow(message)
})

describe.each(devices)('on %s', (_, device) => {
  beforeEach(() => setDefaultDevice(device))

  it('names the loss whose class numbers are out of range', () => {
    expect(() => loss.crossEntropy(x(), int([3])).itemSync()).toThrow(/crossEntropy/)
    expect(() => loss.nll(x(), int([-1])).itemSync()).toThrow(/nll/)
    expect(() => loss.multiMargin(x(), int([3])).itemSync()).toThrow(/multiMargin/)
    expect(() => loss.focal(x(), int([-1])).itemSync()).toThrow(/focal/)
    expect(() => loss.ctc(randn([4, 1, 3]).logSoftmax(2), int([[5]]), [4], [1]).itemSync()).toThrow(/ctc/)
    expect(() => loss.ctc(randn([4, 1, 3]).logSoftmax(2), int([[1]]), int([9] as never), [1]).itemSync()).toThrow(/ctc/)
  })

  it('does not hide NaN', () => {
    const bad = tensor([Number.NaN, 1, 2]).reshape([1, 3])
    expect(loss.crossEntropy(bad, int([0])).itemSync()).toBeNaN()
    expect(loss.ctc(bad.unsqueeze(0).logSoftmax(2), int([[1]]), [1], [1]).itemSync()).toBeNaN()
  })

  it('is infinite where a target does not fit, without gradients that are not numbers', () => {
    const logits = randn([2, 1, 3])
    logits.requiresGrad = true
    const value = loss.ctc(logits.logSoftmax(2), int([[1, 1]]), [2], [2])
    value.backward()
    expect(value.itemSync()).toBe(Infinity)
    expect([...(logits.grad?.dataSync() ?? [])].every((v) => v === 0)).toBe(true)
  })

  it('takes CTC lengths as tensors, in a compiled step', () => {
    const logits = randn([6, 2, 4]).realise()
    const plain = loss
      .ctc(
        logits.logSoftmax(2),
        int([
          [1, 2],
          [3, 0],
        ]),
        [6, 4],
        [2, 1],
      )
      .itemSync()
    const step = compile((l: Tensor, t: Tensor, n: Tensor, m: Tensor) => loss.ctc(l.logSoftmax(2), t, n, m))
    const found = step(
      logits,
      int([
        [1, 2],
        [3, -1],
      ]),
      int([6, 4]),
      int([2, 1]),
    ).itemSync()
    expectClose([found], [plain], 'loss')
  })

  it('penalises slopes other than 1, in a compiled step', () => {
    const w = tensor([[3], [4]], { requiresGrad: true })
    const step = compile((a: Tensor, b: Tensor) => {
      const value = loss.gradientPenalty((t) => t.matmul(w), a, b)
      return [value, grad(value, [w])[0]]
    })
    const [value, slope] = step(rand([4, 2]), rand([4, 2]))
    // The critic's slope is w, of length 5: 10 (5 − 1)², and 2 · 10 (5 − 1) w / 5.
    expectClose([value.itemSync(), ...slope.dataSync()], [160, 48, 64], 'penalty')
  })

  it('takes a distance of the user’s own', () => {
    const [a, p, n] = [tensor([[0, 0]]), tensor([[1, 1]]), tensor([[0, 3]])]
    const distance = (s: Tensor, t: Tensor): Tensor => s.sub(t).abs().sum(-1)
    expect(loss.tripletMargin(a, p, n, { distance, margin: 2 }).itemSync()).toBe(1)
  })

  it('compares features of several layers', () => {
    const [a, b] = [randn([2, 3, 4, 4]), randn([2, 3, 4, 4])]
    const each = [loss.mse(a, b), loss.mse(a.square(), b.square())].map((t) => t.itemSync())
    const network = (t: Tensor): Tensor[] => [t, t.square()]
    expectClose([loss.perceptual(a, b, network, { weights: [2, 3] }).itemSync()], [2 * each[0] + 3 * each[1]], 'sum')
  })
})
