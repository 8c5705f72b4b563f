/** @file Samples of views. */
import { bytes, f, i, list, type Sample, sample, special, specials, value } from './sample.ts'

const shape = [3, 4, 5]
const x3 = f(shape, 1)

export const movementSamples = {
  reshape: [
    sample('joins axes', [x3], (o, [x]) => o.reshape(x, [12, 5])),
    sample('splits and inserts axes', [x3], (o, [x]) =>
      o.mul(o.reshape(x, [3, 1, 2, 2, 5]), o.reshape(x, [3, 1, 2, 2, 5])),
    ),
    sample('of a permutation', [x3], (o, [x]) => o.reshape(o.permute(x, [2, 0, 1]), [6, 10])),
    sample('to a scalar', [f([1, 1])], (o, [x]) => o.reshape(x, [])),
    sample('no elements', [f([0, 3])], (o, [x]) => o.reshape(x, [2, 0])),
    value('bool', [bytes([2, 6], 2)], (o, [x]) => o.reshape(x, [3, 4])),
  ],
  permute: [
    sample('three axes', [x3], (o, [x]) => o.permute(x, [2, 0, 1])),
    sample('a transpose', [f([17, 9])], (o, [x]) => o.transpose(x)),
    sample('with axes of 1 and 0', [f([1, 0, 3])], (o, [x]) => o.permute(x, [1, 2, 0])),
    value('uint8', [bytes([5, 3], 250)], (o, [x]) => o.transpose(x)),
  ],
  expand: [
    sample('one axis', [f([3, 1, 5])], (o, [x]) => o.broadcastTo(x, [3, 4, 5])),
    sample('a scalar', [f([])], (o, [x]) => o.broadcastTo(x, [2, 3])),
    sample('to nothing', [f([1, 3])], (o, [x]) => o.broadcastTo(x, [0, 3])),
    value('int32', [i([2, 1], 9)], (o, [x]) => o.broadcastTo(x, [3, 2, 5])),
  ],
  slice: [
    sample('a block', [x3], (o, [x]) => o.slice(x, [1, 0, 2], [2, 3, 3])),
    sample('in steps', [f([9, 11])], (o, [x]) => o.slice(x, [1, 2], [4, 3], [2, 4])),
    sample('one element', [f([17])], (o, [x]) => o.slice(x, [16], [1])),
    sample('nothing', [f([5, 3])], (o, [x]) => o.slice(x, [5, 0], [0, 3])),
    sample('of a slice', [f([33])], (o, [x]) => o.slice(o.slice(x, [1], [15], [2]), [2], [4], [3])),
    value('bool', [bytes([9], 2)], (o, [x]) => o.slice(x, [1], [4], [2])),
  ],
  pad: [
    sample('zeros', [f([3, 5])], (o, [x]) => o.pad(x, [1, 0], [2, 3])),
    sample('a value', [f([3, 5])], (o, [x]) => o.pad(x, [1, 2], [0, 1], [0, 0], 1.5)),
    sample('between', [f([4, 3])], (o, [x]) => o.pad(x, [0, 1], [0, 0], [2, 1])),
    sample('between, around, cropped', [f([5, 6])], (o, [x]) => o.pad(x, [-3, 2], [2, -4], [1, 2], -1)),
    sample('cropped', [f([5, 6])], (o, [x]) => o.pad(x, [-1, 0], [-2, -1])),
    sample('cropped to nothing', [f([3, 2])], (o, [x]) => o.pad(x, [-1, 0], [-2, 0])),
    sample('nothing, around', [f([0, 2])], (o, [x]) => o.pad(x, [1, 1], [2, 0], [1, 0])),
    special('by infinity', [list(specials)], (o, [x]) => o.pad(x, [2], [1], [0], Number.NEGATIVE_INFINITY)),
    value('int32', [i([3, 3], 100)], (o, [x]) => o.pad(x, [1, 1], [1, 1], [0, 0], 7)),
  ],
  concat: [
    sample('two', [f([2, 3]), f([4, 3], 1)], (o, [x, y]) => o.concat([x, y], 0)),
    sample('three, along the last axis', [f([2, 3]), f([2, 1], 1), f([2, 5], 2)], (o, xs) => o.concat(xs, 1)),
    sample('with nothing', [f([2, 0]), f([2, 3])], (o, xs) => o.concat(xs, -1)),
    sample('one twice', [f([3, 2])], (o, [x]) => o.concat([x, o.mul(x, x), x], 1)),
    sample('in the middle', [x3, f([3, 2, 5], 4)], (o, xs) => o.concat(xs, 1)),
    value('promoted', [i([3], 9), bytes([2], 200), f([2])], (o, xs) => o.concat(xs, 0)),
    special('special values', [list(specials), list([...specials].reverse())], (o, xs) => o.concat(xs, 0)),
  ],
  flip: [
    sample('one axis', [x3], (o, [x]) => o.flip(x, [1])),
    sample('all axes', [x3], (o, [x]) => o.flip(x, [0, 1, 2])),
    sample('of a slice', [f([33])], (o, [x]) => o.flip(o.slice(x, [2], [10], [3]), [0])),
    sample('nothing', [f([0, 2])], (o, [x]) => o.flip(x, [0])),
    value('bool', [bytes([9], 2)], (o, [x]) => o.flip(x, [0])),
  ],
} satisfies Record<'reshape' | 'permute' | 'expand' | 'slice' | 'pad' | 'concat' | 'flip', readonly Sample[]>
