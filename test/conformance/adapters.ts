/** @file How to call those layers whose `forward` takes other than tensors by position and options after them. */
import type { Tensor } from '../../src/index.ts'
import type { AnyModule } from '../../src/nn/index.ts'

export type Adapter = (
  module: AnyModule,
  inputs: readonly Tensor[],
  options: Readonly<Record<string, unknown>>,
) => unknown

export const adapters: Readonly<Record<string, Adapter>> = {}
