/** @file From tensors to nodes and back: every operation goes through `apply`, which looks after devices and gradients. */
import { barrier } from '../autograd/leaves.ts'
import { gradEnabled } from '../autograd/mode.ts'
import { type DType, isFloat, promote } from '../core/dtype.ts'
import { GliaError } from '../core/errors.ts'
import { normaliseAxis } from '../core/shape.ts'
import type { Node } from '../graph/node.ts'
import { ops } from '../graph/ops.ts'
import type { Operand as NodeOperand } from '../graph/rule.ts'
import type { Device } from '../plan/device.ts'
import type { History, TensorBase } from './base.ts'
import { Tensor } from './tensor.ts'

/** A tensor, or a number that takes part as a scalar of the other operand's dtype. */
export type Operand = TensorBase | number

/** One axis, several, or none for all. */
export type Axes = number | readonly number[]

/** The tensor of the nodes that `build` makes from the inputs' nodes. */
export function apply(operation: string, inputs: readonly TensorBase[], build: (...nodes: Node[]) => Node): Tensor {
  return applyAll(operation, inputs, (...nodes) => [build(...nodes)])[0]
}

/** `apply` for operations with several results. */
export function applyAll(
  operation: string,
  inputs: readonly TensorBase[],
  build: (...nodes: Node[]) => readonly Node[],
): Tensor[] {
  const device = sharedDevice(operation, inputs)
  const history = joinHistories(inputs)
  const nodes = build(...inputs.map((t) => inputNode(t, history)))
  return nodes.map((n) => new Tensor(n, device, isFloat(n.dtype) || history !== 'live' ? history : 'cut'))
}

/** What a result inherits from its inputs. */
export function joinHistories(inputs: readonly TensorBase[]): History {
  let history: History = 'none'
  for (const { history: h } of inputs) {
    if (h === 'live' && gradEnabled()) return 'live'
    if (h !== 'none') history = 'cut'
  }
  return history
}

/** The node an operation takes: where gradients are recorded, inputs whose history is cut are fenced off. */
export function inputNode(t: TensorBase, history: History): Node {
  return history === 'live' && t.history === 'cut' ? barrier(t.node) : t.node
}

/** The device all inputs are on. @throws GliaError when there are two */
export function sharedDevice(operation: string, inputs: readonly TensorBase[]): Device {
  const { device } = inputs[0]
  for (const t of inputs) {
    if (t.device !== device) {
      throw new GliaError(
        `${operation}: received tensors on two devices, ${device.name} and ${t.device.name}. Move one with to(device).`,
      )
    }
  }
  return device
}

/** Applies a function of one node. */
export function unary(operation: string, x: TensorBase, build: (x: Node) => Node): Tensor {
  return apply(operation, [x], build)
}

/** Applies a broadcasting function of two operands, at least one of them a tensor. */
export function binary(
  operation: string,
  a: Operand,
  b: Operand,
  build: (a: NodeOperand, b: NodeOperand) => Node,
): Tensor {
  if (typeof a !== 'number' && typeof b !== 'number') return apply(operation, [a, b], build)
  if (typeof a !== 'number') return apply(operation, [a], (x) => build(hold(x, b as number), b as number))
  if (typeof b !== 'number') return apply(operation, [b], (x) => build(a, hold(x, a)))
  throw new GliaError(`${operation}: at least one operand must be a tensor; received the numbers ${a} and ${b}.`)
}

/** Casts `x` if its dtype cannot hold the number that it meets. */
function hold(x: Node, value: number): Node {
  if (isFloat(x.dtype)) return x
  if (!Number.isInteger(value)) return ops.cast(x, 'float32')
  return x.dtype === 'bool' || (x.dtype === 'uint8' && (value < 0 || value > 255)) ? ops.cast(x, 'int32') : x
}

/** As a float node: integers and booleans become float32. */
export function toFloat(x: Node): Node {
  return isFloat(x.dtype) ? x : ops.cast(x, 'float32')
}

/** As a number: booleans become int32. */
export function toNumber<T extends NodeOperand>(x: T): T | Node {
  return typeof x !== 'number' && x.dtype === 'bool' ? ops.cast(x, 'int32') : x
}

/** The dtype two operands meet in. */
export function commonDtype(a: Node, b: Node): DType {
  return promote(a.dtype, b.dtype)
}

/** Axes from the front, in order; all of them when none is given. */
export function axesOf(operation: string, axes: Axes | undefined, rank: number): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, i) => i)
  const list = (typeof axes === 'number' ? [axes] : axes).map((a) => normaliseAxis(operation, a, rank))
  if (new Set(list).size < list.length) throw new GliaError(`${operation}: axes [${list}] name one axis twice.`)
  return list.sort((a, b) => a - b)
}
