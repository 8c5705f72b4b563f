/** @file A training loop for small problems: all the data in every step. */
import { compile, type Tensor } from '../index.ts'
import type { Layer } from '../nn/index.ts'
import type { Optimizer } from '../optim/index.ts'

type Loss = (prediction: Tensor, target: Tensor) => Tensor

/** Minimises `loss(model(x), y)` for so many steps; returns the loss before each. */
export function descend(model: Layer, optimizer: Optimizer, loss: Loss, x: Tensor, y: Tensor, count: number): number[] {
  const update = compile((x: Tensor, y: Tensor) => {
    const value = loss(model.call(x), y)
    optimizer.minimize(value)
    return value
  })
  return Array.from({ length: count }, () => update(x, y).itemSync())
}

/** Share of rows whose greatest output is at the label. */
export function hits(outputs: Tensor, labels: Tensor): number {
  return outputs.argmax(1).eq(labels).float().mean().itemSync()
}
