/** @file A row that is looked up several times gets the sum of the gradients; one never looked up gets none. */
import { expect } from 'vitest'
import { tensor } from '../../src/index.ts'
import { Embedding } from '../../src/nn/index.ts'
import { SGD } from '../../src/optim/index.ts'
import type { Device } from '../../src/plan/device.ts'

export function repeatedIndices(device: Device): void {
  const table = new Embedding(4, 2).to(device)
  table.weight.set([0, 0, 1, 1, 2, 2, 3, 3])
  const optimizer = new SGD(table.parameters(), { lr: 1 })
  const indices = tensor(
    [
      [1, 3],
      [1, 1],
    ],
    { dtype: 'int32', device },
  )
  optimizer.minimize(
    table
      .forward(indices)
      .mul(tensor([1, 10], { device }))
      .sum(),
  )
  expect(table.weight.arraySync()).toEqual([
    [0, 0],
    [-2, -29],
    [2, 2],
    [2, -7],
  ])

  const before = table.weight.dataSync()
  const wrong = table.forward(tensor([4], { dtype: 'int32', device })).sum()
  expect(() => optimizer.minimize(wrong)).toThrow(/embedding/)
  expect(table.weight.dataSync(), 'a step that fails changes nothing').toEqual(before)
  expect(optimizer.steps).toBe(1)
}
