/** @file Samples of matrix products and convolutions. */
import type { ConvAttrs } from '../../../src/graph/node.ts'
import { convAttrs, f, list, type Sample, sample, special, specials } from './sample.ts'

function product(note: string, a: readonly number[], b: readonly number[]): Sample {
  return sample(note, [f(a, 1), f(b, 2)], (o, [x, y]) => o.matmul(x, y))
}

function convolution(note: string, x: readonly number[], w: readonly number[], given: Partial<ConvAttrs> = {}): Sample {
  const attrs = convAttrs(x.length - 2, given)
  return sample(note, [f(x, 1), f(w, 2)], (o, [a, b]) => o.conv(a, b, attrs))
}

export const contractionSamples = {
  matmul: [
    product('odd sizes', [5, 7], [7, 3]),
    product('one by one', [1, 1], [1, 1]),
    product('a row by a matrix', [1, 9], [9, 17]),
    product('a matrix by a column', [17, 9], [9, 1]),
    product('an outer product', [5, 1], [1, 7]),
    product('whole vectors', [8, 16], [16, 32]),
    product('a batch', [3, 4, 5], [3, 5, 2]),
    product('two leading axes', [2, 3, 1, 4], [2, 3, 4, 3]),
    product('sums of nothing', [3, 0], [0, 2]),
    product('no rows', [0, 3], [3, 2]),
    product('no batch', [0, 2, 3], [0, 3, 2]),
    sample('transposed operands', [f([7, 5], 1), f([3, 7], 2)], (o, [x, y]) =>
      o.matmul(o.transpose(x), o.transpose(y)),
    ),
    sample('and its transpose', [f([5, 7], 1), f([7, 3], 2)], (o, [x, y]) => {
      const z = o.matmul(x, y)
      return [z, o.transpose(z)]
    }),
    sample('with itself', [f([4, 4])], (o, [x]) => o.matmul(x, x)),
    sample('bias and activation', [f([5, 7], 1), f([7, 9], 2), f([9], 3)], (o, [x, w, b]) =>
      o.tanh(o.add(o.matmul(x, w), b)),
    ),
    special('special values', [list([...specials, ...specials], [4, 6]), list([...specials], [6, 2])], (o, [x, y]) =>
      o.matmul(x, y),
    ),
  ],
  conv: [
    convolution('1-d', [2, 3, 9], [4, 3, 3]),
    convolution('1-d, stride, padding', [2, 2, 10], [3, 2, 4], { stride: [3], padLo: [2], padHi: [1] }),
    convolution('2-d', [2, 3, 6, 5], [4, 3, 3, 2]),
    convolution('2-d, one place', [2, 3, 3, 3], [5, 3, 3, 3]),
    convolution('2-d, 1 × 1', [2, 5, 4, 3], [3, 5, 1, 1]),
    convolution('2-d, same padding', [1, 2, 5, 5], [3, 2, 3, 3], { padLo: [1, 1], padHi: [1, 1] }),
    convolution('2-d, unequal padding', [1, 2, 5, 4], [2, 2, 2, 3], { padLo: [0, 2], padHi: [1, 0] }),
    convolution('2-d, stride that leaves a rest', [1, 2, 8, 7], [2, 2, 3, 2], { stride: [2, 3] }),
    convolution('2-d, cropped', [1, 2, 7, 8], [2, 2, 2, 3], { padLo: [-1, 0], padHi: [0, -2] }),
    convolution('2-d, cropped and stride', [2, 1, 9, 9], [2, 1, 3, 3], {
      padLo: [-1, -1],
      padHi: [-1, 2],
      stride: [2, 2],
    }),
    convolution('2-d, padding wider than the kernel', [1, 1, 3, 3], [2, 1, 2, 2], { padLo: [3, 2], padHi: [2, 4] }),
    convolution('2-d, kernel dilation', [1, 2, 8, 9], [2, 2, 3, 2], { kernelDilation: [2, 3], padLo: [1, 0] }),
    convolution('2-d, input dilation', [1, 2, 4, 3], [2, 2, 3, 3], {
      inputDilation: [2, 3],
      padLo: [2, 1],
      padHi: [1, 2],
    }),
    convolution('2-d, everything', [2, 4, 5, 4], [6, 2, 2, 3], {
      stride: [2, 1],
      padLo: [2, -1],
      padHi: [0, 3],
      inputDilation: [2, 3],
      kernelDilation: [3, 2],
      groups: 2,
    }),
    convolution('2-d, groups', [2, 6, 4, 5], [4, 3, 3, 2], { groups: 2, stride: [1, 2], padLo: [1, 1], padHi: [1, 1] }),
    convolution('2-d, depthwise', [2, 3, 5, 5], [6, 1, 3, 3], { groups: 3, padLo: [1, 1], padHi: [1, 1] }),
    convolution('3-d', [1, 2, 4, 3, 5], [2, 2, 2, 3, 2], { stride: [1, 1, 2], padLo: [1, 0, 0], padHi: [0, 0, 1] }),
    convolution('3-d, groups', [2, 4, 3, 3, 3], [4, 2, 2, 2, 2], { groups: 2 }),
    convolution('no images', [0, 2, 4, 4], [3, 2, 3, 3]),
    convolution('no outputs', [1, 2, 4, 4], [0, 2, 3, 3]),
    convolution('no channels', [1, 0, 4, 4], [2, 0, 3, 3]),
    sample('of itself, bias and maximum', [f([2, 3, 6, 6], 1), f([4, 3, 3, 3], 2), f([4, 1, 1], 3)], (o, [x, w, b]) =>
      o.sigmoid(o.add(o.conv(o.mul(x, x), w, convAttrs(2, { padLo: [1, 1], padHi: [1, 1] })), b)),
    ),
    special('special values', [list([...specials, 1, 1, 1, 1], [1, 1, 4, 4]), f([2, 1, 2, 2])], (o, [x, w]) =>
      o.conv(x, w, convAttrs(2, { padLo: [1, 1] })),
    ),
  ],
} satisfies Record<'matmul' | 'conv', readonly Sample[]>
