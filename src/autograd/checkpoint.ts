/** @file Trading time for memory: a segment whose intermediate values are computed again in the backward pass. */
import { GliaError } from '../core/errors.ts'
import { gradients } from '../graph/autograd.ts'
import { ops } from '../graph/ops.ts'
import { inputNode, joinHistories, sharedDevice } from '../tensor/apply.ts'
import type { TensorBase } from '../tensor/base.ts'
import { drawsByPosition, recordDraws, replayDraws } from '../tensor/random.ts'
import { Tensor } from '../tensor/tensor.ts'
import { findLeaves } from './leaves.ts'
import { enableGrad, noGrad } from './mode.ts'

let replaying = false

/** Whether a checkpointed segment is being recorded for the second time: its side effects have happened already. */
export function isReplaying(): boolean {
  return replaying
}

/**
 * `fn(...inputs)`, keeping only the inputs for the backward pass, which runs `fn` again (Chen et al. 2016, Training
 * Deep Nets with Sublinear Memory Cost). Random draws such as dropout's are the same both times, and running statistics
 * are updated once.
 */
export function checkpoint(fn: (...inputs: Tensor[]) => Tensor, ...inputs: TensorBase[]): Tensor {
  if (drawsByPosition()) {
    throw new GliaError(
      'checkpoint: not in the body of a scan or in a function that vmap runs; checkpoint a function that calls them instead.',
    )
  }
  const device = sharedDevice('checkpoint', inputs)
  const history = joinHistories(inputs)
  const nodes = inputs.map((t) => inputNode(t, history))
  const { result: value, draws } = recordDraws(() =>
    noGrad(() => fn(...nodes.map((n, k) => new Tensor(n, device, inputs[k].history)))),
  )
  const leaves = [...findLeaves([value.node], new Set(nodes)).keys()]
  if (history !== 'live' && leaves.length === 0) return value
  const node = ops.alias([value.node, ...nodes, ...leaves], {
    name: 'checkpoint',
    vjp: (g, self) => {
      // Tied to g, the inputs are new nodes: the second run cannot be merged with the first.
      const fresh = nodes.map((_, k) => ops.alias([self.inputs[1 + k], g], { vjp: null, name: 'recompute' }))
      const again = replay(() =>
        replayDraws(draws, () => enableGrad(() => fn(...fresh.map((n) => new Tensor(n, device, 'live'))))),
      )
      return gradients(ops, [{ node: again.node, g }], [...fresh, ...leaves])
    },
  })
  return new Tensor(node, device, 'live')
}

function replay<T>(fn: () => T): T {
  const outer = replaying
  replaying = true
  try {
    return fn()
  } finally {
    replaying = outer
  }
}
