/** @file The gradient of a gradient through a max pool: d²(Σ max(x)³)/dx² = 6x at the maxima. */
import { expect } from 'vitest'
import { grad, tensor } from '../../src/index.ts'
import { functional as f } from '../../src/nn/index.ts'
import type { Device } from '../../src/plan/device.ts'

export function poolTwice(device: Device): void {
  const x = tensor(
    [
      [
        [
          [1, 2, 0.5, 3],
          [0, -1, 2.5, 1],
        ],
      ],
    ],
    { device, requiresGrad: true },
  )
  const y = f.maxPool(x, 2).pow(3).sum()
  const [first] = grad(y, [x], { createGraph: true })
  const [second] = grad(first.sum(), [x])
  expect(first.arraySync()).toEqual([
    [
      [
        [0, 12, 0, 27],
        [0, 0, 0, 0],
      ],
    ],
  ])
  expect(second.arraySync()).toEqual([
    [
      [
        [0, 12, 0, 18],
        [0, 0, 0, 0],
      ],
    ],
  ])
}
