/** @file Small problems for the tests of `fit`. */

import { type ArrayDataset, arrayDataset, Random } from '../../src/data/index.ts'
import type { Tensor } from '../../src/index.ts'
import { Linear, type Module, Sequential } from '../../src/nn/index.ts'

/** Points in the plane in three classes around three corners; `[2]` in, class out. */
export function corners(length: number, seed = 0): ArrayDataset {
  const random = new Random(seed)
  const x = new Float32Array(2 * length)
  const y = new Int32Array(length)
  const centres = [
    [2, 0],
    [-2, 1],
    [0, -2],
  ]
  for (let i = 0; i < length; i++) {
    y[i] = i % 3
    for (const k of [0, 1]) x[2 * i + k] = centres[y[i]][k] + random.bell()
  }
  return arrayDataset({ x: { data: x, shape: [2] }, y: { data: y, shape: [] }, classes: ['a', 'b', 'c'] })
}

/** y = 3 x − 1, exactly. */
export function line(length: number): ArrayDataset {
  const x = Float32Array.from({ length }, (_, i) => (2 * i) / length - 1)
  return arrayDataset({ x: { data: x, shape: [1] }, y: { data: x.map((v) => 3 * v - 1), shape: [1] } })
}

export function classifier(): Sequential {
  return new Sequential(new Linear(2, 3))
}

export function weightsOf(model: Module<[x: Tensor], unknown>): number[] {
  return model.parameters().flatMap((p) => [...p.dataSync()])
}
