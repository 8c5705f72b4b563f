/** @file How to call those layers whose `forward` takes other than tensors by position and options after them. */
import type { Tensor } from '../../src/index.ts'
import type { AnyModule } from '../../src/nn/index.ts'

export type Adapter = (
  module: AnyModule,
  inputs: readonly Tensor[],
  options: Readonly<Record<string, unknown>>,
) => unknown

type Forward = (...args: readonly unknown[]) => unknown

/** Recurrent layers: `(x, state, lengths)`, with h, or h and c, among the inputs. */
const recurrent: Adapter = (module, [x, h, c], { lengths }) => {
  const state = c ? { h, c } : h
  return (module.call as Forward).apply(module, lengths ? [x, state ?? null, lengths] : state ? [x, state] : [x])
}

/** Queries, and where they differ, keys and values. */
const attention: Adapter = (module, [query, key = query, value = key], options) =>
  (module.call as Forward).call(module, query, key, value, options)

/** Layers that take a mask by position. */
const masked: Adapter = (module, inputs, { mask }) => (module.call as Forward).call(module, ...inputs, mask)

export const adapters: Readonly<Record<string, Adapter>> = {
  MultiheadAttention: attention,
  GroupedQueryAttention: masked,
  RNN: recurrent,
  LSTM: recurrent,
  GRU: recurrent,
  LSTMCell: recurrent,
}
