/** @file Batch norm: training uses the batch and moves the running statistics, evaluation uses them, compiled as well. */
import { expect } from 'vitest'
import { compile, type Tensor, tensor } from '../../src/index.ts'
import { BatchNorm2d } from '../../src/nn/index.ts'
import type { Device } from '../../src/plan/device.ts'

export function batchNormModes(device: Device): void {
  const layer = new BatchNorm2d(1, { momentum: 0.5, eps: 0 }).to(device)
  const x = tensor([[[[1, 3]]]], { device })
  const step = compile((x: Tensor) => layer.forward(x))
  expect(step(x).arraySync()).toEqual([[[[-1, 1]]]])
  expect(layer.forward(x).arraySync()).toEqual([[[[-1, 1]]]])
  // Mean 2, unbiased variance 2: from (0, 1) halfway twice.
  expect([layer.running_mean?.itemSync(), layer.running_var?.itemSync()]).toEqual([1.5, 1.75])
  expect(step(x).arraySync()).toEqual([[[[-1, 1]]]])
  expect(layer.running_mean?.itemSync()).toBe(1.75)
  layer.eval()
  const out = step(x).dataSync()
  expect(out[1] - out[0]).toBeCloseTo(2 / Math.sqrt(1.875), 5)
  expect(layer.running_mean?.itemSync(), 'evaluation leaves the statistics alone').toBe(1.75)
  expect(layer.num_batches_tracked?.itemSync()).toBe(3)
  expect(step.traces.length, 'one recording per mode').toBe(2)
}
