/** @file One training step: forward pass, gradients, update. */

import { noGrad } from '../autograd/mode.ts'
import { GliaError } from '../core/errors.ts'
import type { AnyModule } from '../nn/module.ts'
import { clipGradNorm, clipGradValue } from '../optim/clip.ts'
import { cat } from '../tensor/movement.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { asInput, asTarget } from './batches.ts'
import { figures, type Measured, type Model } from './evaluate.ts'
import { defaultsOf, divided, type EpochMetric, type Metric } from './metrics.ts'
import { type FitOptions, type Minimizer, optimizersOf } from './options.ts'
import { Watcher } from './watch.ts'

/** What a training step gives. */
export type Learned = Measured & {
  /** The value that was minimised, where it is not the loss itself. */
  readonly minimised: Tensor | null
  /** Tensors for `Watcher.read`, if the step was watched. */
  readonly layers: readonly Tensor[]
}

/** A training step on a batch as it is stored; `watched` ones also say how it went layer by layer. */
export type Step = (x: Tensor, y: Tensor, watched: boolean) => Learned

/** A batch's outputs and values. */
type Pass = Omit<Learned, 'layers'>

/**
 * Makes the step that `options` describe. It is the same function for all batches, to be compiled.
 *
 * @param metrics null: those that each batch's targets suggest
 */
export function makeStep(
  model: Model,
  metrics: readonly (Metric | EpochMetric)[] | null,
  options: FitOptions,
): { step: Step; watcher: Watcher } {
  const watcher = new Watcher(model)
  const { means, whole } = divided(metrics ?? [])
  const meansFor = (y: Tensor): readonly Metric[] => (metrics ? means : defaultsOf(y))
  const pass = options.step ? ownStep(options) : usualStep(model, meansFor, whole.length > 0, options)
  const step: Step = (stored, target, watched) => {
    const x = asInput(stored)
    const y = asTarget(target)
    const once = (): Pass => {
      const learned = pass(options.augment ? noGrad(() => (options.augment ?? same)(x)) : x, y)
      options.ema?.update()
      return learned
    }
    if (!watched) return { ...once(), layers: [] }
    const { result, figures: layers } = watcher.watch(once)
    return { ...result, layers }
  }
  return { step, watcher }
}

const same = (x: Tensor): Tensor => x

function ownStep(options: FitOptions): (x: Tensor, y: Tensor) => Pass {
  const { step } = options
  return (x, y) => {
    const values = step?.(x, y)
    if (!values?.loss) {
      throw new GliaError("fit: a step of one's own must return { loss, … }, each one number; it returned no loss.")
    }
    const { loss, ...rest } = values
    return { values: { loss, ...rest }, seen: [], minimised: null }
  }
}

function usualStep(
  model: Model,
  meansFor: (y: Tensor) => readonly Metric[],
  collects: boolean,
  options: FitOptions,
): (x: Tensor, y: Tensor) => Pass {
  const { loss, objective, accumulate = 1, clip } = options
  const optimizers = optimizersOf(options)
  const forward = (x: Tensor, y: Tensor): Pass & { value: Tensor } => {
    const output = model.call(x)
    const value = (objective ?? loss)(output, y)
    return {
      value,
      values: figures(objective ? loss(output, y) : value, meansFor(y), output, y),
      seen: collects ? [output, y] : [],
      minimised: objective ? value : null,
    }
  }
  if (accumulate === 1 && !clip && optimizers.length === 1) {
    return (x, y) => {
      const { value, ...pass } = forward(x, y)
      optimizers[0].minimize(value)
      return pass
    }
  }
  return (x, y) => {
    for (const optimizer of optimizers) optimizer.zeroGrad?.()
    const size = x.shape[0]
    const part = Math.ceil(size / accumulate)
    const passes: (Pass & { share: number })[] = []
    for (let start = 0; start < size; start += part) {
      const length = Math.min(part, size - start)
      const all = length === size
      const { value, ...pass } = forward(all ? x : x.narrow(0, start, length), all ? y : y.narrow(0, start, length))
      const share = length / size
      // The mean over the batch is the mean of the parts' means, each by its share.
      ;(all ? value : value.mul(share)).backward()
      passes.push({ ...pass, share })
    }
    update(model, optimizers, clip)
    return merged(passes)
  }
}

function update(model: AnyModule, optimizers: readonly Minimizer[], clip: FitOptions['clip']): void {
  const { norm, value } = clip ?? {}
  if (value !== undefined) clipGradValue(model.parameters(), value)
  if (norm !== undefined) clipGradNorm(model.parameters(), norm)
  for (const optimizer of optimizers) optimizer.step?.()
}

/** The parts of a batch as if they were one. */
function merged(passes: readonly (Pass & { share: number })[]): Pass {
  if (passes.length === 1) return passes[0]
  const sum = (of: (p: Pass) => Tensor): Tensor => passes.map((p) => of(p).mul(p.share)).reduce((a, b) => a.add(b))
  const names = Object.keys(passes[0].values)
  return {
    values: Object.fromEntries(names.map((name) => [name, sum((p) => p.values[name])])) as Measured['values'],
    seen: passes[0].seen.map((_, i) => cat(passes.map((p) => p.seen[i]))),
    minimised: passes[0].minimised && sum((p) => p.minimised ?? p.values.loss),
  }
}
