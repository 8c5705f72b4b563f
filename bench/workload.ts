/** @file What a workload is, and the two kinds of steps: training and inference. */
import { type Compiled, compile, noGrad, type Tensor } from '../src/index.ts'
import type { AnyModule } from '../src/nn/index.ts'
import { type Product, products } from './flops.ts'

export interface Workload {
  /** Whether a step trains, so that each gives another loss. */
  readonly trains: boolean
  /** By the name that stands before the keys of their weights in the files of `check.py`. */
  readonly models: Readonly<Record<string, AnyModule>>
  /** What every step is given. */
  readonly inputs: readonly Tensor[]
  /**
   * One whole step on the inputs: the loss `[]` of a training step, or the output. Where a step draws random numbers, a
   * further argument takes their place.
   */
  readonly step: Compiled<readonly Tensor[], Tensor>
  /** The matrix products and convolutions of a step; known once it has run. */
  readonly products: () => readonly Product[]
}

/**
 * A training step.
 *
 * @param update computes the loss and updates the models' parameters
 */
export function train(
  models: Readonly<Record<string, AnyModule>>,
  inputs: readonly Tensor[],
  update: (...inputs: Tensor[]) => Tensor,
): Workload {
  const parameters = Object.values(models).flatMap((m) => m.parameters())
  let found: readonly Product[] = []
  const step = compile((...args: Tensor[]) => {
    const loss = update(...args)
    // While the step is recorded, a parameter's node is its new value: gradients and all.
    found = products([loss.node, ...parameters.map((p) => p.node)])
    return loss
  })
  return { trains: true, models, inputs, step, products: () => found }
}

/** An inference step: `forward` in evaluation mode, its whole result handed out. */
export function infer(
  models: Readonly<Record<string, AnyModule>>,
  inputs: readonly Tensor[],
  forward: (...inputs: Tensor[]) => Tensor,
): Workload {
  for (const model of Object.values(models)) model.eval()
  let found: readonly Product[] = []
  const step = compile((...args: Tensor[]) => {
    const result = noGrad(() => forward(...args))
    found = products([result.node])
    return result
  })
  return { trains: false, models, inputs, step, products: () => found }
}

/** Runs a step and reads the first number of its result, as the peers do. */
export function runStep({ step, inputs }: Workload): number {
  return step(...inputs).hostValues()[0]
}

/** Number of trainable parameters of all models. */
export function parameterCount({ models }: Workload): number {
  return Object.values(models).reduce((n, m) => n + m.parameterCount(), 0)
}

/** Floating-point operations of a step in matrix products and convolutions; known once it has run. */
export function flopsOf(workload: Workload): number {
  return workload.products().reduce((n, p) => n + p.flops, 0)
}
