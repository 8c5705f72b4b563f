/** @file Digits as tensors: the pictures that lessons learn from. */
import { digits } from '../data/index.ts'
import { type Tensor, tensor } from '../index.ts'

export interface Examples {
  /** `[N, 784]`, 0 … 1. */
  readonly x: Tensor
  /** int32 `[N]`. */
  readonly y: Tensor
}

/** The first digits of Glia's own data set. */
export async function writtenDigits(train: number, test: number): Promise<{ train: Examples; test: Examples }> {
  const sets = await digits({ train, test })
  const examples = (set: (typeof sets)['train']): Examples => ({
    x: tensor(
      Float32Array.from(set.x.data, (v) => v / 255),
      { shape: [set.length, 784] },
    ),
    y: tensor(Int32Array.from(set.y.data)),
  })
  return { train: examples(sets.train), test: examples(sets.test) }
}
