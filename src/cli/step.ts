/** @file One training step of a recipe on one batch, to be timed. */

import type { ArrayDataset } from '../data/dataset.ts'
import type { Device, KernelTime } from '../plan/device.ts'
import { type Compiled, compile } from '../tensor/compile.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { asInput, asTarget, batches } from '../train/batches.ts'
import type { Model } from '../train/evaluate.ts'
import type { Learnable } from './job.ts'
import { fastest } from './profile.ts'

export interface TimedStep {
  /** Runs once; returns the first number of the result. */
  run(): number
  /** Each kernel, the fastest of several runs. The weights change at each. */
  profile(): KernelTime[]
}

/** A compiled function with the arguments that it is timed with. */
export function timed(step: Compiled<readonly Tensor[], Tensor>, inputs: readonly Tensor[]): TimedStep {
  return {
    run: () => step(...inputs).dataSync()[0],
    profile: () => fastest(Array.from({ length: 8 }, () => step.profile([...inputs], 1))),
  }
}

/** Forward, backward and update on the first `batch` examples, all of it as in a training. */
export function trainingStep(
  learnable: Learnable,
  model: Model,
  data: ArrayDataset,
  { batch, lr }: { readonly batch: number; readonly lr: number },
  device: Device,
): TimedStep {
  const optimizer = learnable.optimizer(model.parameters(), lr)
  const loss = learnable.objective ?? learnable.loss
  const [{ x, y }] = batches(data, device, { batchSize: batch })
  model.train()
  const step = compile((input: Tensor, target: Tensor) => {
    const seen = asInput(input)
    const value = loss(model.forward(learnable.augment?.(seen) ?? seen), asTarget(target))
    optimizer.minimize(value)
    return value
  })
  return timed(step as Compiled<readonly Tensor[], Tensor>, [x, y])
}
