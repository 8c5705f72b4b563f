/** @file Samples of reductions over sliding windows. */
import type { WindowAttrs } from '../../../src/graph/node.ts'
import { f, i, list, type Sample, sample, special, value, windowAttrs } from './sample.ts'

type WindowOp = 'windowSum' | 'windowMax' | 'windowArgmax'

function windows(op: WindowOp): Sample[] {
  const of = (
    note: string,
    shape: readonly number[],
    window: readonly number[],
    given: Partial<WindowAttrs> = {},
  ): Sample => sample(note, [f(shape, 3)], (o, [x]) => o[op](x, windowAttrs(window, given)))
  const { NaN: nan, POSITIVE_INFINITY: inf, NEGATIVE_INFINITY: ninf } = Number
  return [
    of('tiles', [2, 3, 4, 6], [2, 2], { stride: [2, 2] }),
    of('tiles a vector', [12], [3], { stride: [3] }),
    of('overlaps', [2, 5, 6], [3, 2]),
    of('gaps', [1, 9, 8], [2, 2], { stride: [3, 4] }),
    of('a rest', [2, 7, 5], [2, 2], { stride: [2, 2] }),
    of('padding', [1, 2, 5, 4], [3, 3], { stride: [2, 2], padLo: [1, 1], padHi: [1, 1] }),
    of('unequal padding', [5, 6], [3, 2], { stride: [2, 1], padLo: [2, 0], padHi: [0, 1] }),
    of('dilation', [2, 8, 9], [2, 3], { dilation: [3, 2] }),
    of('dilation, stride, padding', [2, 8, 9], [2, 3], {
      dilation: [3, 2],
      stride: [2, 3],
      padLo: [1, 2],
      padHi: [1, 2],
    }),
    of('one element', [3, 4], [1, 1]),
    of('one element in steps', [5, 7], [1, 1], { stride: [2, 3] }),
    of('the whole plane', [3, 4, 5], [4, 5]),
    of('1-d', [2, 3, 9], [4], { stride: [2], padLo: [1], padHi: [2] }),
    of('3-d', [2, 3, 4, 3], [2, 2, 2], { stride: [1, 2, 1] }),
    of('no planes', [0, 4, 4], [2, 2]),
    value('int32', [i([2, 5, 6], 61, -30)], (o, [x]) => o[op](x, windowAttrs([2, 3], { padLo: [1, 0] }))),
    special(
      'special values',
      [list([nan, 1, 2, 3, inf, 1, ninf, 2, ninf, ninf, ninf, ninf, -0, 0, -0, -0, 0, -0, 1, inf], [5, 4])],
      (o, [x]) => [
        o[op](x, windowAttrs([1, 2])),
        o[op](x, windowAttrs([2, 2], { stride: [1, 2] })),
        o[op](x, windowAttrs([2, 2], { padHi: [1, 1] })),
      ],
    ),
  ]
}

const tied = list([1, 1, 0, 2, 2, 2, 0, 2, 0, 0, 0, 0, 5, 1, 5, 5], [4, 4])

export const windowSamples = {
  windowSum: windows('windowSum'),
  windowMax: windows('windowMax'),
  windowArgmax: [
    ...windows('windowArgmax'),
    value('ties: the first', [tied], (o, [x]) => [
      o.windowArgmax(x, windowAttrs([2, 2], { stride: [2, 2] })),
      o.windowArgmax(x, windowAttrs([3, 3], { padLo: [1, 1], padHi: [1, 1] })),
    ]),
  ],
} satisfies Record<WindowOp, readonly Sample[]>
