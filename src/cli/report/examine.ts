/** @file What a model makes of each test example, one by one. */

import { noGrad } from '../../autograd/mode.ts'
import { sizeOf } from '../../core/shape.ts'
import { type ArrayDataset, subset } from '../../data/dataset.ts'
import { compile } from '../../tensor/compile.ts'
import { tensor } from '../../tensor/factories.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { asTarget, deviceOf } from '../../train/batches.ts'
import { type Loss, type Model, predict } from '../../train/evaluate.ts'

/** What targets are: class numbers, one number each, some numbers in a row, or anything else. */
export type Kind = 'classes' | 'number' | 'series' | 'other'

export interface Examined {
  readonly kind: Kind
  /** Loss of each example. */
  readonly losses: Float64Array
  /** Class numbers, or as many numbers as a target has; empty for other targets. */
  readonly predicted: Float64Array
  /** Of the predicted classes; empty where there are none. */
  readonly probabilities: Float64Array
}

/** @param classes number of classes that are told apart, 0 if none are */
export function kindOf({ y }: ArrayDataset, classes: number): Kind {
  if (classes > 0) return y.shape.length === 0 ? 'classes' : 'other'
  if (!(y.data instanceof Float32Array) || y.shape.length > 1) return 'other'
  return sizeOf(y.shape) === 1 ? 'number' : 'series'
}

/** Looks at every example of `data`, `batch` at once. */
export async function examine({ model, loss, classes, batch }: Examination, data: ArrayDataset): Promise<Examined> {
  const device = deviceOf(model)
  const kind = kindOf(data, classes)
  const width = kind === 'other' ? 0 : kind === 'classes' ? 1 : sizeOf(data.y.shape)
  const losses = new Float64Array(data.length)
  const predicted = new Float64Array(data.length * width)
  const probabilities = new Float64Array(kind === 'classes' ? data.length : 0)
  const lossOf = compile((output: Tensor, target: Tensor) => noGrad(() => loss(output, asTarget(target))))
  const target = sizeOf(data.y.shape)
  for (let start = 0; start < data.length; start += batch) {
    const count = Math.min(batch, data.length - start)
    const part = subset(
      data,
      Int32Array.from({ length: count }, (_, i) => start + i),
    )
    const outputs = await predict(model, part, { batchSize: batch })
    const values = (await outputs.data()) as Float32Array
    const [, ...shape] = outputs.shape
    const size = sizeOf(shape)
    for (let i = 0; i < count; i++) {
      const own = values.slice(i * size, (i + 1) * size)
      const output = tensor(own, { shape: [1, ...shape], device })
      const y = part.y.data.slice(i * target, (i + 1) * target)
      losses[start + i] = await lossOf(output, tensor(y, { shape: [1, ...part.y.shape], device })).item()
      if (kind === 'classes') {
        const { index, probability } = likeliest(own)
        predicted[start + i] = index
        probabilities[start + i] = probability
      } else if (size === width) predicted.set(own, (start + i) * width)
    }
  }
  return { kind, losses, predicted, probabilities }
}

export interface Examination {
  readonly model: Model
  readonly loss: Loss
  readonly classes: number
  readonly batch: number
}

/** The greatest of some logits, and its softmax. */
function likeliest(logits: ArrayLike<number>): { index: number; probability: number } {
  let index = 0
  for (let c = 1; c < logits.length; c++) if (logits[c] > logits[index]) index = c
  let sum = 0
  for (let c = 0; c < logits.length; c++) sum += Math.exp(logits[c] - logits[index])
  return { index, probability: 1 / sum }
}
