/** @file Running something with a model in train or eval mode. */

import type { AnyModule } from '../nn/module.ts'

/** Runs `fn` with `model` in the given mode; afterwards every part is in the mode that it was in. */
export async function inMode<T>(model: AnyModule, training: boolean, fn: () => Promise<T>): Promise<T> {
  const before = model.modules().map((m) => [m, m.training] as const)
  model.train(training)
  try {
    return await fn()
  } finally {
    // Parents come before their parts, so the parts' own modes stand.
    for (const [m, mode] of before) m.train(mode)
  }
}
