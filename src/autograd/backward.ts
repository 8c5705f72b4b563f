/** @file Gradients of a result: accumulated into leaves (`backward`) or returned (`grad`). */
import { GliaError } from '../core/errors.ts'
import { sameShape, showShape } from '../core/shape.ts'
import { gradients } from '../graph/autograd.ts'
import type { Node } from '../graph/node.ts'
import { ops } from '../graph/ops.ts'
import { activeTrace } from '../graph/trace.ts'
import type { Device } from '../plan/device.ts'
import { sharedDevice } from '../tensor/apply.ts'
import type { TensorBase } from '../tensor/base.ts'
import { Tensor } from '../tensor/tensor.ts'
import { findLeaves } from './leaves.ts'

export interface BackwardOptions {
  /** Whether the gradients can be differentiated again (default false). */
  readonly createGraph?: boolean
  /** Whether this result can be differentiated again after `optimizer.step` (default: `createGraph`). */
  readonly retainGraph?: boolean
}

export interface GradOptions {
  /** d(final)/d(result), of the result's shape; by default 1, for a result that is a single number. */
  readonly gradient?: TensorBase
  /** Whether the gradients can be differentiated again (default false). */
  readonly createGraph?: boolean
  /** Zeros for tensors that the result does not depend on, instead of an error (default false). */
  readonly allowUnused?: boolean
}

/** Results of `backward` whose values the next `optimizer.step` computes along with its updates. */
const awaiting: Tensor[] = []

/** Results that are kept waiting at most: those of programs that never step must not pile up. */
const mostAwaiting = 16

/** Adds d(result)/d(leaf) to every leaf's `grad`. See `Tensor.backward`. */
export function backward(result: Tensor, gradient?: TensorBase, options: BackwardOptions = {}): void {
  const { createGraph = false, retainGraph = createGraph } = options
  const output = { node: result.node, g: seed('backward', result, gradient) }
  const leaves = findLeaves([result.node])
  const nodes = [...leaves.keys()]
  const fresh = gradients(ops, [output], nodes)
  const fed = new Set<TensorBase>()
  nodes.forEach((node, k) => {
    const g = fresh[k]
    const leaf = leaves.get(node)
    if (!g || !leaf) return
    const added = new Tensor(g, result.device, createGraph ? 'live' : 'cut')
    const sum = leaf.grad ? sumOf(leaf.grad, added) : added
    leaf.grad = sum
    fed.add(leaf)
  })
  if (activeTrace()) return
  result.feeds([...fed])
  if (!retainGraph) {
    awaiting.push(result)
    if (awaiting.length > mostAwaiting) awaiting.shift()
  }
}

/** Plain addition: the history of an earlier gradient is neither extended nor fenced off. */
function sumOf(old: Tensor, added: Tensor): Tensor {
  const history = old.history === 'live' || added.history === 'live' ? 'live' : 'cut'
  return new Tensor(ops.add(old.node, added.node), sharedDevice('backward', [old, added]), history)
}

/** The results waiting on `device`, which then wait no more. */
export function takeAwaiting(device: Device): Tensor[] {
  const taken = awaiting.filter((t) => t.device === device)
  const rest = awaiting.filter((t) => t.device !== device)
  awaiting.splice(0, awaiting.length, ...rest)
  return taken
}

/**
 * Gradients of `result` with respect to `tensors`, one each, of their shapes.
 *
 * With `createGraph` they can be differentiated again: `grad(grad(y, [x], { createGraph: true })[0], [x])`.
 *
 * @throws GliaError if `result` does not depend on one of them (unless `allowUnused`)
 */
export function grad(result: TensorBase, tensors: readonly TensorBase[], options: GradOptions = {}): Tensor[] {
  const output = { node: result.node, g: seed('grad', result, options.gradient) }
  const nodes = tensors.map((t) => t.node)
  const found = gradients(ops, [output], nodes)
  return tensors.map((t, k) => {
    const g = found[k]
    if (g && t.requiresGrad) return new Tensor(g, result.device, options.createGraph ? 'live' : 'cut')
    if (!options.allowUnused) {
      findLeaves([result.node])
      const cause = t.requiresGrad ? 'the result does not depend on it' : 'it does not require a gradient'
      throw new GliaError(
        `grad: no gradient for tensor ${k} (${showShape(t.shape)}): ${cause}. Pass allowUnused for zeros.`,
      )
    }
    return new Tensor(ops.full(t.shape, 0, t.dtype), result.device)
  })
}

/**
 * `fn`, returning its value together with the gradients with respect to `tensors` (for example `model.parameters()`).
 */
export function valueAndGrad<A extends readonly unknown[]>(
  fn: (...args: A) => Tensor,
  tensors: readonly TensorBase[],
): (...args: A) => { value: Tensor; gradients: Tensor[] } {
  return (...args) => {
    const value = fn(...args)
    return { value, gradients: grad(value, tensors) }
  }
}

function seed(operation: string, result: TensorBase, gradient: TensorBase | undefined): Node {
  if (result.history !== 'live') {
    throw new GliaError(
      `${operation}: the result does not depend on any tensor that requires a gradient. Was it made in noGrad or from ` +
        'detached tensors, or are all parameters frozen?',
    )
  }
  if (gradient) {
    sharedDevice(operation, [result, gradient])
    if (sameShape(gradient.shape, result.shape)) return ops.cast(gradient.node, result.dtype)
    throw new GliaError(
      `${operation}: received a gradient of shape ${showShape(gradient.shape)} for a result of shape ${showShape(result.shape)}; they must be equal.`,
    )
  }
  if (result.size !== 1) {
    throw new GliaError(
      `${operation}: the result has shape ${showShape(result.shape)}; reduce it to one number (sum() or mean()) or give a gradient of that shape.`,
    )
  }
  return ops.full(result.shape, 1, result.dtype)
}
