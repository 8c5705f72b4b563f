/** @file Samples of reductions, positions of extremes, running sums and products. */
import { bytes, f, i, list, type Sample, sample, special, specials, value } from './sample.ts'

const { NaN: nan, POSITIVE_INFINITY: inf, NEGATIVE_INFINITY: ninf } = Number

/** Rows with a NaN first, in the middle and last, infinities of both signs, zeros of both. */
const rows = list(
  [
    [nan, 1, 2, 3],
    [1, nan, inf, 0],
    [1, 2, 3, nan],
    [inf, 1, ninf, 2],
    [inf, inf, 1, 2],
    [ninf, ninf, ninf, ninf],
    [-0, 0, -0, 0],
    [0, -0, 0, -0],
    [-0, -0, -0, -0],
    [inf, 0, 1, 1],
    [3e38, 3e38, -3e38, 1],
  ].flat(),
  [11, 4],
)

type Reduce = 'reduceSum' | 'reduceProd' | 'reduceMax' | 'reduceMin'

function reduce(op: Reduce): Sample[] {
  return [
    sample('the last axis', [f([5, 17])], (o, [x]) => o[op](x, [1])),
    sample('the first axis', [f([9, 5])], (o, [x]) => o[op](x, [0])),
    sample('the middle axis, kept', [f([2, 5, 3])], (o, [x]) => o[op](x, [1], true)),
    sample('outer axes', [f([3, 4, 3])], (o, [x]) => o[op](x, [0, 2])),
    sample('everything', [f([3, 2, 4])], (o, [x]) => o[op](x, [0, 1, 2])),
    sample('everything, to ones', [f([1, 7])], (o, [x]) => o[op](x, [0, 1], true)),
    sample('one element', [f([4, 1])], (o, [x]) => o[op](x, [1])),
    sample('of a product', [f([5, 9]), f([9], 3)], (o, [x, y]) => o[op](o.mul(x, y), [1])),
    sample('over nothing', [f([3, 0])], (o, [x]) => o[op](x, [1])),
    sample('of nothing', [f([0, 3])], (o, [x]) => o[op](x, [1])),
    value('int32', [i([5, 9], 41, -20)], (o, [x]) => o[op](x, [1])),
    value('int32 over nothing', [i([2, 0], 4)], (o, [x]) => o[op](x, [1])),
    value('int32 that wraps', [list([2147483647, 5, -2147483648, -7], [2, 2], 'int32')], (o, [x]) => o[op](x, [0])),
    value('uint8', [bytes([3, 7], 250)], (o, [x]) => o[op](x, [1])),
    special('special values', [rows], (o, [x]) => [o[op](x, [1]), o[op](x, [0])]),
  ]
}

function extreme(op: 'reduceMax' | 'reduceMin'): Sample[] {
  return [...reduce(op), value('bool', [bytes([3, 5], 2)], (o, [x]) => [o[op](x, [1]), o[op](x, [0])])]
}

function position(op: 'argmax' | 'argmin'): Sample[] {
  return [
    sample('the last axis', [f([5, 17])], (o, [x]) => o[op](x, 1)),
    sample('the first axis', [f([9, 5])], (o, [x]) => o[op](x, 0)),
    sample('the middle axis', [f([2, 5, 3])], (o, [x]) => o[op](x, 1)),
    sample('one element', [f([4, 1])], (o, [x]) => o[op](x, 1)),
    value('of nothing', [f([0, 3])], (o, [x]) => o[op](x, 1)),
    value('ties: the first', [list([1, 3, 3, 0, 2, 2, 2, 2, 0, 0, -1, -1], [3, 4])], (o, [x]) => o[op](x, 1)),
    value('int32', [i([5, 9], 7, -3)], (o, [x]) => o[op](x, 1)),
    value('bool', [bytes([3, 5], 2)], (o, [x]) => o[op](x, 1)),
    special('special values', [rows], (o, [x]) => [o[op](x, 1), o[op](x, 0)]),
  ]
}

function running(op: 'cumsum' | 'cumprod'): Sample[] {
  return [
    sample('the last axis', [f([3, 9])], (o, [x]) => o[op](x, 1)),
    sample('the first axis', [f([6, 3])], (o, [x]) => o[op](x, 0)),
    sample('the middle axis, reversed', [f([2, 5, 3])], (o, [x]) => o[op](x, 1, true)),
    sample('a vector', [f([17], 1, 2)], (o, [x]) => o[op](x, 0)),
    sample('one element', [f([4, 1])], (o, [x]) => o[op](x, 1)),
    sample('nothing', [f([3, 0])], (o, [x]) => o[op](x, 1)),
    sample('nothing beside', [f([0, 3])], (o, [x]) => o[op](x, 1)),
    value('int32', [i([3, 9], 41, -20)], (o, [x]) => [o[op](x, 1), o[op](x, 0, true)]),
    special('special values', [rows], (o, [x]) => [o[op](x, 1), o[op](x, 1, true), o[op](x, 0)]),
    special('a special row', [list(specials)], (o, [x]) => o[op](x, 0)),
  ]
}

export const reduceSamples = {
  reduceSum: reduce('reduceSum'),
  reduceProd: [
    ...reduce('reduceProd'),
    sample('a zero', [list([1, 2, 0, 4, 0.5, -1, 2, 3], [2, 4])], (o, [x]) => o.reduceProd(x, [1])),
    sample('two zeros', [list([1, 0, 3, 0, 0.5, -1, 2, 0], [2, 4])], (o, [x]) => o.reduceProd(x, [1])),
    sample('zeros, all axes', [list([2, 0, 3, 0.5, -1, 2], [2, 3])], (o, [x]) => o.reduceProd(x, [0, 1])),
  ],
  reduceMax: extreme('reduceMax'),
  reduceMin: extreme('reduceMin'),
  argmax: position('argmax'),
  argmin: position('argmin'),
  cumsum: running('cumsum'),
  cumprod: [
    ...running('cumprod'),
    sample('a zero', [list([1, 2, 0, 4, -1, 2])], (o, [x]) => o.cumprod(x, 0)),
    sample('zeros, reversed', [list([1, 0, 3, 0, 0.5, -1, 2, 0], [2, 4])], (o, [x]) => o.cumprod(x, 1, true)),
  ],
} satisfies Record<Reduce | 'argmax' | 'argmin' | 'cumsum' | 'cumprod', readonly Sample[]>
