/** @file Samples of data-dependent addresses and random bits. */
import { bytes, f, i, list, type Sample, sample, special, specials, value } from './sample.ts'

const { NaN: nan, POSITIVE_INFINITY: inf, NEGATIVE_INFINITY: ninf } = Number

export const indexingSamples = {
  iota: [
    value('some', [], (o) => o.iota(19)),
    value('one', [], (o) => o.iota(1)),
    value('none', [], (o) => o.iota(0)),
    value('in an expression', [i([4], 9)], (o, [x]) => o.add(o.reshape(o.iota(12), [3, 4]), x)),
  ],
  bound: [
    value('both ends', [list([0, 4, -1, -5, 2], [5], 'int32')], (o, [x]) => o.bound(x, 5, 'index')),
    value('none', [i([0], 3)], (o, [x]) => o.bound(x, 3, 'index')),
    value('a scalar', [list([-2], [], 'int32')], (o, [x]) => o.bound(x, 7, 'index')),
  ],
  gather: [
    sample('rows', [f([5, 7]), i([4], 5)], (o, [x, k]) => o.gather(x, k, 0)),
    sample('columns', [f([5, 7]), i([9], 7)], (o, [x, k]) => o.gather(x, k, 1)),
    sample('repeated', [f([4, 3]), list([2, 2, 0, 2, 3, 0], [6], 'int32')], (o, [x, k]) => o.gather(x, k, 0)),
    sample('bounded, from the end', [f([4, 3]), list([-1, 0, -4, 3], [4], 'int32')], (o, [x, k]) =>
      o.gather(x, o.bound(k, 4, 'gather'), 0),
    ),
    sample('a matrix of indices', [f([3, 6, 2]), i([2, 3], 6)], (o, [x, k]) => o.gather(x, k, 1)),
    sample('a scalar index', [f([3, 6, 2]), i([], 6)], (o, [x, k]) => o.gather(x, k, 1)),
    sample('no indices', [f([3, 2]), i([0], 3)], (o, [x, k]) => o.gather(x, k, 0)),
    sample('computed operands', [f([5, 4]), i([7], 5)], (o, [x, k]) =>
      o.mul(o.gather(o.exp(x), o.bound(o.sub(k, 2), 5, 'gather'), 0), 2),
    ),
    value('int32', [i([9, 2], 100), i([4], 9)], (o, [x, k]) => o.gather(x, k, 0)),
    value('bool', [bytes([9], 2), i([12], 9)], (o, [x, k]) => o.gather(x, k, 0)),
    special('special values', [list(specials), i([20], 12)], (o, [x, k]) => o.gather(x, k, 0)),
  ],
  scatterAdd: [
    sample('rows', [i([4], 5), f([4, 3])], (o, [k, u]) => o.scatterAdd(k, u, 0, 5)),
    sample('repeated', [list([1, 1, 0, 1, 3], [5], 'int32'), f([5, 9])], (o, [k, u]) => o.scatterAdd(k, u, 0, 4)),
    sample('columns', [i([6], 4), f([3, 6])], (o, [k, u]) => o.scatterAdd(k, u, 1, 4)),
    sample('a matrix of indices', [i([2, 3], 5), f([4, 2, 3, 2])], (o, [k, u]) => o.scatterAdd(k, u, 1, 5)),
    sample('a scalar index', [i([], 4), f([3, 2])], (o, [k, u]) => o.scatterAdd(k, u, 1, 4)),
    sample('numbers', [i([17], 3), f([17])], (o, [k, u]) => o.scatterAdd(k, u, 0, 3)),
    sample('no updates', [i([0], 4), f([0, 2])], (o, [k, u]) => o.scatterAdd(k, u, 0, 4)),
    sample('computed updates', [i([7], 5), f([7, 4])], (o, [k, u]) => o.tanh(o.scatterAdd(k, o.mul(u, u), 0, 5))),
    special(
      'special values',
      [list([0, 0, 1, 1, 2, 2, 3, 3], [8], 'int32'), list([nan, 1, inf, ninf, -0, -0, inf, 1])],
      (o, [k, u]) => o.scatterAdd(k, u, 0, 6),
    ),
  ],
  argsort: [
    value('ascending', [f([3, 9])], (o, [x]) => o.argsort(x, 1, false)),
    value('descending, the first axis', [f([9, 3])], (o, [x]) => o.argsort(x, 0, true)),
    value('stable', [i([17], 4)], (o, [x]) => [o.argsort(x, 0, false), o.argsort(x, 0, true)]),
    value('the middle axis', [f([2, 5, 3])], (o, [x]) => o.argsort(x, 1, false)),
    value('one and nothing', [f([4, 1]), f([0, 3]), f([3, 0])], (o, xs) => xs.map((x) => o.argsort(x, 1, false))),
    special('special values', [list([...specials, nan, inf])], (o, [x]) => [
      o.argsort(x, 0, false),
      o.argsort(x, 0, true),
    ]),
    sample('sorts', [f([4, 6])], (o, [x]) => {
      const order = o.argsort(x, 1, false)
      const flat = o.add(order, o.mul(o.reshape(o.iota(4), [4, 1]), 6))
      return o.gather(o.reshape(x, [24]), flat, 0)
    }),
  ],
  random: [
    value('a counter', [list([7, -9], [2], 'int32')], (o, [key]) => o.random(key, o.iota(23))),
    value('computed keys', [i([2], 1000), i([3, 5], 1000, -500)], (o, [key, c]) =>
      o.random(o.add(key, 1), o.mul(c, 65537)),
    ),
    value('nothing', [i([2], 9)], (o, [key]) => o.random(key, o.iota(0))),
    value('uniform numbers', [i([2], 9)], (o, [key]) =>
      o.mul(o.cast(o.and(o.shr(o.random(key, o.iota(33)), 8), 0xffffff), 'float32'), 2 ** -24),
    ),
  ],
} satisfies Record<'iota' | 'bound' | 'gather' | 'scatterAdd' | 'argsort' | 'random', readonly Sample[]>
