/** @file Measuring a model on a data set, and predicting with it. */

import { noGrad } from '../autograd/mode.ts'
import { allocate, dtypeOf, type TypedArray } from '../core/dtype.ts'
import { GliaError } from '../core/errors.ts'
import { showShape } from '../core/shape.ts'
import type { ArrayDataset, Column } from '../data/dataset.ts'
import type { Module } from '../nn/module.ts'
import { compile } from '../tensor/compile.ts'
import { tensor } from '../tensor/factories.ts'
import { Tensor } from '../tensor/tensor.ts'
import { asInput, asTarget, batches, checkCount, checkDataset, deviceOf, inputsOnly } from './batches.ts'
import { breather } from './breathe.ts'
import { defaultMetrics, defaultsOf, divided, type EpochMetric, Meter, type Metric, type Scores } from './metrics.ts'
import { inMode } from './modes.ts'
import { isArrays, type Loader, loaderSource } from './source.ts'

/** A model that takes one tensor and returns one. */
export type Model = Module<[x: Tensor], Tensor>

/** From outputs and targets to one number, the mean over the batch: such as `crossEntropy`. */
export type Loss = (output: Tensor, target: Tensor) => Tensor

export interface EvaluateOptions {
  readonly loss: Loss
  /** Examples per step; 32 by default, a loader has its own. Does not change the result but for rounding. */
  readonly batchSize?: number
  /** Default: accuracy where the targets are class numbers. See `overEpoch` for those of `glia/metrics`. */
  readonly metrics?: readonly (Metric | EpochMetric)[]
  /** Stops between two batches; the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Record the computation once and replay it (default true). */
  readonly compile?: boolean
}

/**
 * Mean loss and metrics over a data set, or the first epoch of a loader whose batches have `x` and `y`, with the model in
 * eval mode.
 *
 * @throws GliaError if the data set is empty or does not fit the model, or `batchSize` is not a whole number of at least 1
 */
export async function evaluate(model: Model, data: ArrayDataset | Loader, options: EvaluateOptions): Promise<Scores> {
  return evaluator(model, options)(data)
}

/** `evaluate` to be called again and again: the computation is recorded once. */
export function evaluator(model: Model, options: EvaluateOptions): (data: ArrayDataset | Loader) => Promise<Scores> {
  const { loss, batchSize = 32, signal } = options
  checkCount('evaluate', 'batchSize', batchSize)
  const steps = new Map<string, (x: Tensor, y: Tensor) => Measured>()
  const stepFor = (metrics: readonly (Metric | EpochMetric)[] | null): ((x: Tensor, y: Tensor) => Measured) => {
    const key = metrics ? metrics.map((m) => m.name).join() : 'as targets suggest'
    const known = steps.get(key)
    if (known) return known
    const { means, whole } = divided(metrics ?? [])
    const measure = (x: Tensor, target: Tensor): Measured =>
      noGrad(() => {
        const y = asTarget(target)
        const output = model.call(asInput(x))
        const values = figures(loss(output, y), metrics ? means : defaultsOf(y), output, y)
        return { values, seen: whole.length > 0 ? [output, y] : [] }
      })
    const step = options.compile === false ? measure : compile(measure)
    steps.set(key, step)
    return step
  }
  return async (data) => {
    if (isArrays(data)) checkDataset('evaluate', 'data set', data)
    const metrics = options.metrics ?? (isArrays(data) ? defaultMetrics(data) : null)
    const step = stepFor(metrics)
    const meter = new Meter(metrics ?? [])
    const device = deviceOf(model)
    const read = isArrays(data)
      ? batches(data, device, { batchSize })
      : loaderSource('evaluate', data, device).epoch(1, 0)
    const breathe = breather()
    await inMode(model, false, async () => {
      for await (const { x, y, size } of read) {
        signal?.throwIfAborted()
        const { values, seen } = step(x, y)
        meter.add(await readAll('evaluate', values), size, seen)
        await breathe()
      }
    })
    return meter.scores()
  }
}

/** What a step gives: numbers of the batch by name, and its output and target if metrics want to see them. */
export type Measured = { readonly values: Readonly<Record<string, Tensor>>; readonly seen: readonly Tensor[] }

/** The loss and the means of a batch, by name. */
export function figures(
  loss: Tensor,
  means: readonly Metric[],
  output: Tensor,
  target: Tensor,
): Record<string, Tensor> {
  return Object.fromEntries([['loss', loss], ...means.map((m): [string, Tensor] => [m.name, m.of(output, target)])])
}

/** Values of a step's results. @throws GliaError unless each is a single number */
export async function readAll(
  operation: string,
  results: Readonly<Record<string, Tensor>>,
): Promise<Record<string, number>> {
  const values: Record<string, number> = {}
  for (const [name, result] of Object.entries(results)) {
    if (result.size !== 1) {
      throw new GliaError(
        `${operation}: a loss or metric must be one number per batch; received shape ${showShape(result.shape)} for ` +
          `${name}. Take its mean.`,
      )
    }
    values[name] = await result.item()
  }
  return values
}

export interface PredictOptions {
  /** Examples per step; 32 by default. */
  readonly batchSize?: number
}

/** Each model's forward pass, recorded once. */
const forwards = new WeakMap<Model, (x: Tensor, stored: boolean) => Tensor>()

/**
 * The model's outputs for inputs `x`, in eval mode: `[N, …]`.
 *
 * @param x a tensor `[N, …]`, a column of a data set, or a data set
 * @throws GliaError if there are no inputs, or they do not fit the model
 */
export async function predict(
  model: Model,
  x: Tensor | Column | ArrayDataset,
  options: PredictOptions = {},
): Promise<Tensor> {
  const { batchSize = 32 } = options
  checkCount('predict', 'batchSize', batchSize)
  const forward =
    forwards.get(model) ??
    compile((input: Tensor, stored: boolean) => noGrad(() => model.call(stored ? asInput(input) : input)))
  forwards.set(model, forward)
  const device = deviceOf(model)
  const breathe = breather()
  return inMode(model, false, async () => {
    const parts: Tensor[] = []
    for (const input of inputs(x, device, batchSize)) {
      parts.push(forward(input, !(x instanceof Tensor)))
      await breathe()
    }
    return parts.length === 1 ? parts[0] : joined(parts)
  })
}

function* inputs(x: Tensor | Column | ArrayDataset, device: Tensor['device'], batchSize: number): Generator<Tensor> {
  if (x instanceof Tensor) {
    if (x.rank === 0 || x.shape[0] === 0) {
      throw new GliaError(`predict: needs inputs [N, …] with N of at least 1; received shape ${showShape(x.shape)}.`)
    }
    for (let i = 0; i < x.shape[0]; i += batchSize) {
      yield x.shape[0] <= batchSize ? x : x.narrow(0, i, Math.min(batchSize, x.shape[0] - i)).realise()
    }
    return
  }
  const data = 'length' in x ? x : inputsOnly(x)
  checkDataset('predict', 'data set', data)
  for (const batch of batches(data, device, { batchSize })) yield batch.x
}

/** Parts one after another along the first axis. */
async function joined(parts: readonly Tensor[]): Promise<Tensor> {
  const arrays: TypedArray[] = []
  for (const part of parts) arrays.push(await part.data())
  const [first] = parts
  const all = allocate(
    dtypeOf(arrays[0]),
    arrays.reduce((n, a) => n + a.length, 0),
  )
  let offset = 0
  for (const a of arrays) {
    all.set(a, offset)
    offset += a.length
  }
  const rows = parts.reduce((n, p) => n + p.shape[0], 0)
  return tensor(all, { shape: [rows, ...first.shape.slice(1)], dtype: first.dtype, device: first.device })
}
