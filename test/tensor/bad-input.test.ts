/** @file Mistakes are refused by name, with what was received and the rule. */
import { describe, expect, it } from 'vitest'
import {
  arange,
  compile,
  diag,
  einsum,
  exponential,
  GliaError,
  linspace,
  logspace,
  meshgrid,
  multinomial,
  normal,
  type Tensor,
  tensor,
  tril,
  uniform,
  zeros,
} from '../../src/index.ts'

const x = zeros([3, 4])
const int = (...values: number[]): Tensor => tensor(Int32Array.from(values))

const mistakes: readonly (readonly [what: string, act: () => unknown, says: RegExp])[] = [
  ['logspace', () => logspace(0, 1, 2.5), /logspace: count must be a whole number of at least 0; received 2.5/],
  ['linspace', () => linspace(0, 1, -1), /linspace: count must be a whole number of at least 0; received -1/],
  ['arange', () => arange(0, Infinity), /arange: needs finite numbers; received start 0, stop Infinity/],
  ['tril', () => tril(zeros([3])), /take matrices.*received shape \[3\]/],
  ['meshgrid', () => meshgrid(x), /meshgrid: takes vectors; received shape \[3, 4\]/],
  ['diag', () => diag(zeros([1, 2, 3])), /diag: received shape \[1, 2, 3\]; it takes a vector or a matrix/],
  ['diagonal', () => x.diagonal(0, [1, 1]), /diagonal: received offset 0 and axes \[1,1\]/],
  ['diagonal', () => zeros([3]).diagonal(), /diagonal: axis -2 is out of range for a tensor of rank 1/],
  ['diagEmbed', () => zeros([]).diagEmbed(), /diagEmbed: received shape \[\]/],
  ['moveaxis', () => x.moveaxis([0, 1], [0]), /moveaxis: received sources \[0,1\] and destinations \[0\]/],
  ['moveaxis', () => x.moveaxis([0, 0], [0, 1]), /moveaxis: .*none given twice/],
  [
    'unflatten',
    () => x.unflatten(1, [3, -1]),
    /unflatten: received shape \[3, -1\] for axis 1 of \[3, 4\].*multiply to 4/,
  ],
  ['rot90', () => x.rot90(1, [0, 0]), /rot90: received 1 turns in axes \[0,0\]/],
  ['unfold', () => x.unfold(1, 5, 1), /unfold: received size 5 and step 1 for axis 1 of \[3, 4\].*from 0 to 4/],
  ['unfold', () => x.unfold(1, 2, 0), /unfold: .*step 0/],
  ['repeatInterleave', () => x.repeatInterleave([1, 2], 0), /repeatInterleave: received times \[1,2\].*or 3 of them/],
  ['repeatInterleave', () => x.repeatInterleave(-1), /repeatInterleave: received times \[-1\]/],
  ['pad', () => x.pad([[0, 4]], 'reflect'), /pad: received \[0, 4\] for axis 1 of shape \[3, 4\]; reflect .*at most 3/],
  ['pad', () => x.pad([[5, 0]], 'circular'), /circular padding of 4 elements adds at most 4/],
  ['pad', () => zeros([0]).pad([[1, 1]], 'replicate'), /replicate padding of 0 elements adds at most 0/],
  ['pad', () => x.pad([[1, 1]], 'mirror' as 'reflect'), /pad: received mode mirror/],
  [
    'pad',
    () =>
      zeros([2]).pad([
        [1, 1],
        [1, 1],
      ]),
    /pad: received 2 pairs for a tensor of rank 1/,
  ],
  ['index', () => x.index(null, null, 0), /index: 3 indices for a tensor of shape \[3, 4\]; at most one per axis/],
  ['index', () => x.index(tensor([0.5])), /index: indices must be int32; received float32/],
  ['index', () => x.index(int(3)).dataSync(), /index: index 3 is out of range; it must be from -3 to 2/],
  ['index', () => x.index(int(0, 1), int(0, 1, 2)), /index: shapes \[2\] and \[3\] do not broadcast/],
  ['index', () => x.index(zeros([2], { dtype: 'bool' })), /index: a mask of shape \[2\] at axis 0 does not fit/],
  ['indexPut', () => x.indexPut([0], zeros([3])), /indexPut: .*(do not|does not) broadcast/],
  [
    'indexPut',
    () => int(1, 2).indexPut([0], tensor(0.5)),
    /indexPut: float32 values do not fit into a tensor of int32/,
  ],
  [
    'scatter',
    () => x.scatter(0, zeros([4, 4], { dtype: 'int32' }), zeros([4, 3])),
    /scatter: indices of shape \[4, 4\]/,
  ],
  ['scatter', () => x.scatter(1, int(0, 1), 1), /scatter: indices of shape \[2\] do not fit/],
  ['indexAdd', () => x.indexAdd(0, int(0, 1), zeros([3, 4])), /indexAdd: .*source of shape \[3, 4\]/],
  ['indexCopy', () => x.indexCopy(0, int(0, 1).reshape([1, 2]), 1), /indexCopy: .*the indices must be a vector/],
  ['maskedSelect', () => x.maskedSelect(x), /maskedSelect: the mask must be bool; received float32/],
  ['maskedSelect', () => x.maskedSelect(zeros([3], { dtype: 'bool' })), /maskedSelect: shapes .* do not broadcast/],
  ['maskedScatter', () => x.maskedScatter(x.eq(0), zeros([5])).dataSync(), /maskedScatter: index \d+ is out of range/],
  ['maskedScatter', () => zeros([4]).maskedScatter(x.eq(0), zeros([9])), /maskedScatter: a mask of shape \[3, 4\]/],
  ['kthvalue', () => x.kthvalue(5), /kthvalue: k must be a whole number from 1 to 4.*received 5/],
  ['median', () => zeros([2, 0]).median(1), /median: there is no median of no elements; received shape \[2, 0\]/],
  ['mode', () => zeros([0]).mode(), /mode: there is no mode of no elements/],
  ['quantile', () => x.quantile(1.5), /quantile: shares must be numbers from 0 to 1; received 1.5/],
  ['quantile', () => x.quantile([]), /quantile: shares must be numbers from 0 to 1; received none/],
  ['searchsorted', () => x.searchsorted(zeros([2, 4])), /searchsorted: received sorted lists of shape \[3, 4\]/],
  ['histogram', () => x.histogram(0), /histogram: received 0 bins/],
  ['histogram', () => zeros([0]).histogram(3), /histogram: .*elements to take it from/],
  ['bincount', () => x.bincount(), /bincount: takes integers; received float32/],
  ['bincount', () => int(1, -2).bincount(), /bincount: integers must be at least 0; received -2/],
  ['bincount', () => int(1, 2).bincount({ weights: zeros([3]) }), /bincount: weights of shape \[3\]/],
  ['diff', () => x.diff(-1), /diff: n, .* received -1/],
  ['isclose', () => x.isclose(x, { rtol: -1 }), /isclose: tolerances must be at least 0; received rtol -1/],
  ['einsum', () => einsum('ij,jk', x), /einsum: 'ij,jk' with 1 operands .*it names 2 operands/],
  ['einsum', () => einsum('ijk', x), /'ijk' does not name the 2 axes of operand 0/],
  ['einsum', () => einsum('ij,jk', x, x), /'j' has extents 4 and 3/],
  ['einsum', () => einsum('ij->ik', x), /the result has 'k', which no operand has/],
  ['einsum', () => einsum('ij->ii', x), /the result has 'i' twice/],
  ['einsum', () => einsum('i1', x), /'i1' is not made of letters/],
  ['normal', () => normal(0, -1, [2]), /normal: the standard deviation must be at least 0; received -1/],
  ['uniform', () => uniform(1, 0, [2]), /uniform: low must not be above high; received 1 and 0/],
  ['exponential', () => exponential(0, [2]), /exponential: the rate must be above 0; received 0/],
  ['multinomial', () => multinomial(zeros([3]), 4), /multinomial: received weights of shape \[3\] and 4 draws/],
  ['multinomial', () => multinomial(zeros([1, 2, 3]), 1), /multinomial: .*it takes \[n\] or \[rows, n\]/],
]

describe('mistakes', () => {
  it.each(mistakes)('%s says what is wrong (%#)', (_, act, says) => {
    expect(act).toThrow(GliaError)
    expect(act).toThrow(says)
  })
})

describe('shapes that depend on values', () => {
  const t = tensor([1, 0, 2])
  const operations: readonly (readonly [name: string, run: (t: Tensor) => Tensor])[] = [
    ['nonzero', (a) => a.nonzero()],
    ['maskedSelect', (a) => a.maskedSelect(a.gt(0))],
    ['index', (a) => a.index(a.gt(0))],
    ['unique', (a) => a.unique().values],
    ['bincount', (a) => a.int().bincount()],
  ]
  it.each(operations)('%s refuses to be recorded, and says what to do', (name, run) => {
    expect(run(t).size).toBeGreaterThan(0)
    const says = new RegExp(`${name}: the shape of its result depends on the values .* (instead|Use|Work|Sort)`)
    expect(() => compile(run)(t)).toThrow(says)
  })
})
