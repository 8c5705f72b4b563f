/** @file Counter-based random bits. */
import { GliaError } from '../../core/errors.ts'
import { threefry2x32 } from '../../core/random.ts'
import { showShape } from '../../core/shape.ts'
import type { Rule } from '../rule.ts'

export const random: Rule<'random'> = {
  infer: ([key, counter]) => {
    if (key.dtype !== 'int32' || key.shape.length !== 1 || key.shape[0] !== 2 || counter.dtype !== 'int32') {
      throw new GliaError(
        `random: the key is ${key.dtype} ${showShape(key.shape)} and the counter ${counter.dtype}; they must be int32 [2] and int32.`,
      )
    }
    return { shape: counter.shape, dtype: 'int32' }
  },
  vjp: () => [null, null],
  evaluate: ([key, counter]) => Int32Array.from(counter.data, (c) => threefry2x32(key.data[0], key.data[1], c, 0)[0]),
}
