/** @file What the cases of `test/conformance` do not reach: mistakes, curves, and figures that are known beforehand. */
import { describe, expect, it } from 'vitest'
import { rand, randn, tensor } from '../../src/index.ts'
import * as m from '../../src/metrics/index.ts'

const scores = [
  [0.1, 0.9],
  [0.8, 0.2],
]

describe('mistakes', () => {
  const detected = { boxes: [[0, 0, 1, 1]], scores: [1], labels: [0] }
  const wrong: readonly (readonly [string, () => unknown, RegExp])[] = [
    ['nothing seen', () => new m.Accuracy().compute(), /Accuracy: there is nothing to compute from|nothing to compute/],
    ['no matrix', () => new m.ConfusionMatrix(3).compute(), /nothing to compute from/],
    ['no errors', () => new m.MeanSquaredError().compute(), /MeanSquaredError: there is nothing/],
    ['k = 0', () => new m.TopKAccuracy(0), /k must be a whole number, at least 1; received 0/],
    ['one class', () => new m.ConfusionMatrix(1), /classes must be a whole number, at least 2; received 1/],
    ['a class out of range', () => new m.F1(2).update([0, 1], [0, 2]), /actual class numbers .* 0 to 1; received 2/],
    [
      'a predicted class out of range',
      () => new m.F1(2).update([0, -1], [0, 1]),
      /predicted class numbers .* received -1/,
    ],
    ['a target out of range', () => new m.Accuracy().update(scores, [0, 5]), /from 0 to 1; received 5/],
    [
      'scores of other classes',
      () => new m.Precision(3).update(scores, [0, 1]),
      /scores \[B, 3, …\].*received \[2, 2\] and \[2\]/,
    ],
    ['binary for three', () => new m.Recall(3, { average: 'binary' }), /'binary'; received binary for 3 classes/],
    ['an unknown average', () => new m.Recall(3, { average: 'mean' as never }), /received mean/],
    ['beta 0', () => new m.FBeta(2, 0), /beta must be positive/],
    ['joining other classes', () => new m.F1(2).merge(new m.F1(3)), /of 2 and of 3 classes/],
    ['labels beyond 1', () => new m.RocAuc().update([0.5], [2]), /targets 0 or 1; received 0.5 and 2/],
    ['scores that are no numbers', () => new m.RocAuc().update([Number.NaN], [1]), /received NaN and 1/],
    ['one kind only', () => kindOnly().compute(), /both kinds; received 2 positive ones and 0 others/],
    [
      'shapes that differ',
      () => new m.MeanAbsoluteError().update([1, 2], [1]),
      /MeanAbsoluteError: prediction \[2\] and target \[1\]/,
    ],
    ['a single example', () => oneExample().compute(), /R2: needs at least two examples; received 1/],
    [
      'other outputs',
      () => oneExample().update([[1, 2]], [[1, 2]]),
      /earlier batches had 1 outputs; received \[1, 2\]/,
    ],
    ['a token out of range', () => new m.Perplexity().update([[1, 2]], [2]), /from 0 to 1; received 2/],
    ['logits without tokens', () => new m.Perplexity().update([[1, 2]], [0, 1]), /received \[1, 2\] and \[2\]/],
    ['fewer references', () => new m.Bleu().update(['a'], []), /as many references as candidates; received 0 and 1/],
    ['no references', () => new m.Bleu().update(['a'], [[]]), /candidate 0 has no references/],
    ['unknown smoothing', () => new m.Bleu({ smoothing: 'more' as never }), /received more/],
    ['an image without pixels', () => new m.Psnr().update([1], [1]), /images \[B, …\]; received \[1\]/],
    [
      'images below the window',
      () => m.ssim(rand([1, 1, 8, 8]), rand([1, 1, 8, 8])),
      /at least 11; received \[1, 1, 8, 8\]/,
    ],
    [
      'features that are no matrix',
      () => new m.FrechetDistance().update(rand([3]), 'real'),
      /features must be \[B, D\]; received \[3\]/,
    ],
    [
      'a single image',
      () => new m.FrechetDistance().compute(),
      /at least two images of each kind; received 0 real and 0 fake/,
    ],
    [
      'objects of other images',
      () => new m.MeanAveragePrecision().update([detected], []),
      /same images; received 1 and 0/,
    ],
    [
      'labels without boxes',
      () => new m.MeanAveragePrecision().update([{ ...detected, labels: [0, 1] }], [detected]),
      /\[1, 4\], 2 labels, 1 scores/,
    ],
    [
      'corners out of order',
      () => new m.MeanAveragePrecision().update([{ ...detected, boxes: [[1, 0, 0, 1]] }], [detected]),
      /left, top, right, bottom; received \[1,0,0,1\]/,
    ],
    ['no objects', () => new m.MeanAveragePrecision().compute(), /no objects to be found/],
    ['an unknown style', () => new m.MeanAveragePrecision({ style: 'voc' as never }), /received voc/],
  ]
  it.each(wrong)('%s', (_, fn, message) => {
    expect(fn).toThrow(message)
  })

  function kindOnly(): m.RocAuc {
    const auc = new m.RocAuc()
    auc.update([0.1, 0.2], [1, 1])
    return auc
  }

  function oneExample(): m.R2 {
    const r2 = new m.R2()
    r2.update([1], [2])
    return r2
  }
})

it('gives the points of curves', () => {
  const roc = new m.RocAuc()
  roc.update([0.9, 0.8, 0.8, 0.1], [1, 0, 1, 0])
  expect(roc.curve()).toEqual({ x: [0, 0, 0.5, 1], y: [0, 0.5, 1, 1], thresholds: [Infinity, 0.9, 0.8, 0.1] })
  const precision = new m.AveragePrecision()
  precision.update([0.9, 0.8, 0.8, 0.1], [1, 0, 1, 0])
  expect(precision.curve()).toEqual({ x: [0, 0.5, 1, 1], y: [1, 1, 2 / 3, 0.5], thresholds: [Infinity, 0.9, 0.8, 0.1] })
})

it('gives figures per class and per output', () => {
  const recall = new m.Recall(3)
  recall.update([0, 0, 1, 2], [0, 1, 1, 1])
  expect(recall.perClass()).toEqual([1, 1 / 3, 0])
  const r2 = new m.R2()
  r2.update(
    [
      [1, 5],
      [2, 5],
      [3, 6],
    ],
    [
      [1, 5],
      [2, 5],
      [3, 5],
    ],
  )
  // The second target does not vary.
  expect(r2.perOutput()).toEqual([1, 0])
})

it('counts scores that are not numbers as failures', () => {
  const accuracy = new m.Accuracy()
  accuracy.update(
    [
      [Number.NaN, Number.NaN],
      [1, 0],
    ],
    [0, 0],
  )
  expect(accuracy.compute()).toBe(0.5)
})

it('knows equal images', () => {
  const a = rand([2, 3, 12, 12])
  const [psnr, ssim, frechet] = [new m.Psnr(), new m.Ssim(), new m.FrechetDistance()]
  psnr.update(a, a)
  ssim.update(a, a)
  expect(psnr.compute()).toBe(Infinity)
  expect(ssim.compute()).toBeCloseTo(1, 5)
  const features = randn([20, 4])
  frechet.update(features, 'real')
  frechet.update(features, 'fake')
  expect(frechet.compute()).toBeCloseTo(0, 6)
  expect(() => frechet.update(rand([2, 3]), 'fake')).toThrow(/must be \[B, 4\]; received \[2, 3\]/)
})

it('measures the distance of features that a network gives', () => {
  const frechet = new m.FrechetDistance((images) => images.flatten(1).mul(2))
  const a = tensor([[[0, 0]], [[1, 0]], [[0, 1]], [[1, 1]]])
  frechet.update(a, 'real')
  frechet.update(a.add(3), 'fake')
  // Only the mean moved, by 6 in both features.
  expect(frechet.compute()).toBeCloseTo(72, 4)
})

it('finds a perfect detector perfect, and an empty one not', () => {
  const objects = {
    boxes: [
      [0, 0, 10, 10],
      [20, 20, 40, 50],
    ],
    labels: [3, 7],
  }
  for (const style of ['coco', 'voc2007', 'voc2010'] as const) {
    const [perfect, empty] = [new m.MeanAveragePrecision({ style }), new m.MeanAveragePrecision({ style })]
    perfect.update([{ ...objects, scores: [0.9, 0.8] }], [objects])
    empty.update([{ boxes: [], scores: [], labels: [] }], [objects])
    const { map, mar, perClass } = perfect.compute()
    expect([map, mar, ...perClass]).toEqual([1, 1, [3, 1], [7, 1]])
    expect(empty.compute().map).toBe(0)
  }
})

it('measures edit distances of any sequences', () => {
  expect(m.editDistance([1, 2, 3], [1, 3])).toBe(1)
  expect(m.editDistance('', '')).toBe(0)
  const wer = new m.WordErrorRate()
  wer.update([['hello', 'world']], ['hello there world'])
  expect(wer.compute()).toBeCloseTo(1 / 3)
})
