/** @file Losses: the functions of `glia/loss`. */
import type { Tensor } from '../../../src/index.ts'
import * as loss from '../../../src/loss/index.ts'
import { type AnyFunction, runFunction } from '../functions.ts'
import type { Group } from '../harness.ts'

const table = loss as unknown as Readonly<Record<string, AnyFunction>>

/** Losses that take other than predictions, targets and options. */
const adapters: Readonly<Record<string, AnyFunction>> = {
  // The oracle takes logits, since PyTorch's own gradient holds only behind its log-softmax.
  ctc: (logits, ...rest) => table.ctc((logits as Tensor).logSoftmax(-1), ...rest),
  gradientPenalty: (real, fake, w, mix, options) =>
    table.gradientPenalty((x: Tensor) => x.matmul(w as Tensor).tanh(), real, fake, { mix, ...(options as object) }),
}

export const group: Group = {
  name: 'losses',
  module: 'glia/loss',
  items: () => Object.keys(table),
  run: (check, device) => runFunction(check, device, adapters[check.item] ?? table[check.item]),
}
