/** @file Making tensors from numbers. */
import { type DType, dtypeOf, dtypes, type TypedArray } from '../core/dtype.ts'
import { GliaError } from '../core/errors.ts'
import { type Shape, showShape, sizeOf } from '../core/shape.ts'
import type { Node } from '../graph/node.ts'
import { ops } from '../graph/ops.ts'
import { type Device, defaultDevice } from '../plan/device.ts'
import type { TensorBase } from './base.ts'
import { where } from './elementwise.ts'
import { Tensor } from './tensor.ts'

export interface TensorOptions {
  /** Default: the default device. */
  readonly device?: Device
  /** Default: float32, or what the values are (Int32Array: int32, Uint8Array: uint8, booleans: bool). */
  readonly dtype?: DType
  /** Whether `backward` accumulates a gradient for it (default false). */
  readonly requiresGrad?: boolean
}

export interface DataOptions extends TensorOptions {
  /** For typed arrays: the shape that the values fill, row-major (default: one axis). */
  readonly shape?: Shape
}

/** Numbers or booleans nested to any depth. */
export type Nested = number | boolean | readonly Nested[]

/**
 * A tensor with these values: a number, nested arrays (`[[1, 2], [3, 4]]` → `[2, 2]`), or a typed array and its shape.
 * The values are copied. Plain numbers become float32 (never int32 by themselves); a Float64Array too, unless
 * `dtype: 'float64'` is asked for.
 *
 * @throws GliaError if nested arrays are ragged or the values do not fill the shape
 */
export function tensor(values: Nested | TypedArray, options: DataOptions = {}): Tensor {
  const { flat, shape, natural } = ArrayBuffer.isView(values)
    ? { flat: values as ArrayLike<number>, shape: [values.length], natural: naturalDtype(values) }
    : flatten(values)
  const full = options.shape ?? shape
  if (sizeOf(full) !== flat.length) {
    throw new GliaError(
      `tensor: ${flat.length} values do not fill shape ${showShape(full)}, which has ${sizeOf(full)} elements.`,
    )
  }
  const dtype = options.dtype ?? natural
  const data = new dtypes[dtype].array(flat.length)
  if (dtype === 'bool') for (let i = 0; i < flat.length; i++) data[i] = flat[i] === 0 ? 0 : 1
  else data.set(flat)
  return finish(ops.data(data, full, dtype), options)
}

function naturalDtype(values: TypedArray): DType {
  const dtype = dtypeOf(values)
  return dtype === 'float64' ? 'float32' : dtype
}

function flatten(values: Nested): { flat: number[]; shape: number[]; natural: DType } {
  const shape: number[] = []
  for (let v = values; Array.isArray(v); v = v[0] as Nested) {
    shape.push(v.length)
    if (v.length === 0) break
  }
  const flat: number[] = []
  let booleans = 0
  const walk = (v: Nested, axis: number): void => {
    if (Array.isArray(v) !== axis < shape.length || (Array.isArray(v) && v.length !== shape[axis])) {
      throw new GliaError(`tensor: nested arrays must be rectangular; an entry does not fit shape ${showShape(shape)}.`)
    }
    if (Array.isArray(v)) for (const inner of v) walk(inner, axis + 1)
    else {
      if (typeof v === 'boolean') booleans++
      flat.push(Number(v))
    }
  }
  walk(values, 0)
  return { flat, shape, natural: booleans > 0 && booleans === flat.length ? 'bool' : 'float32' }
}

function finish(node: Node, options: TensorOptions): Tensor {
  const t = new Tensor(node, options.device ?? defaultDevice())
  if (options.requiresGrad) t.requiresGrad = true
  return t
}

/** `value` everywhere; float32 unless `dtype` is given. */
export function full(shape: Shape, value: number, options: TensorOptions = {}): Tensor {
  return finish(ops.full(shape, value, options.dtype ?? 'float32'), options)
}

/** Zeros; float32 unless `dtype` is given. */
export function zeros(shape: Shape, options: TensorOptions = {}): Tensor {
  return full(shape, 0, options)
}

/** Ones; float32 unless `dtype` is given. */
export function ones(shape: Shape, options: TensorOptions = {}): Tensor {
  return full(shape, 1, options)
}

/** `value` everywhere, with the shape, dtype and device of `like`. */
export function fullLike(like: TensorBase, value: number, options: TensorOptions = {}): Tensor {
  return full(like.shape, value, { device: like.device, dtype: like.dtype, ...options })
}

/** Zeros, with the shape, dtype and device of `like`. */
export function zerosLike(like: TensorBase, options: TensorOptions = {}): Tensor {
  return fullLike(like, 0, options)
}

/** Ones, with the shape, dtype and device of `like`. */
export function onesLike(like: TensorBase, options: TensorOptions = {}): Tensor {
  return fullLike(like, 1, options)
}

/**
 * `start`, `start + step`, … before `stop`; `arange(n)` is 0 … n − 1. int32 when all three are whole numbers, else
 * float32.
 */
export function arange(start: number, stop?: number, step = 1, options: TensorOptions = {}): Tensor {
  const [from, to] = stop === undefined ? [0, start] : [start, stop]
  if (step === 0) throw new GliaError('arange: a step of 0 never arrives; received step 0.')
  if (![from, to, step].every(Number.isFinite)) {
    throw new GliaError(`arange: needs finite numbers; received start ${from}, stop ${to}, step ${step}.`)
  }
  const size = Math.max(0, Math.ceil((to - from) / step))
  const dtype = options.dtype ?? ([from, to, step].every(Number.isInteger) ? 'int32' : 'float32')
  const positions = ops.cast(ops.iota(size), dtype)
  return finish(ops.add(ops.mul(positions, step), from), options)
}

/** `count` numbers evenly from `start` to `stop`, both included. float32. */
export function linspace(start: number, stop: number, count: number, options: TensorOptions = {}): Tensor {
  checkCount('linspace', count)
  const dtype = options.dtype ?? 'float32'
  const step = count > 1 ? (stop - start) / (count - 1) : 0
  return tensor(
    Float64Array.from({ length: count }, (_, i) => (i === count - 1 && i > 0 ? stop : start + i * step)),
    {
      ...options,
      dtype,
    },
  )
}

/** `count` nodes evenly from one scalar node to another. */
export function linspaceNode(from: Node, to: Node, count: number): Node {
  const part = ops.div(ops.cast(ops.iota(count), from.dtype), Math.max(1, count - 1))
  return ops.add(ops.mul(from, ops.sub(1, part)), ops.mul(to, part))
}

/** `count` powers of `base`, their exponents evenly from `start` to `stop`, both included. float32. */
export function logspace(start: number, stop: number, count: number, base = 10, options: TensorOptions = {}): Tensor {
  checkCount('logspace', count)
  const step = count > 1 ? (stop - start) / (count - 1) : 0
  const exponent = (i: number): number => (i === count - 1 && i > 0 ? stop : start + i * step)
  const values = Float64Array.from({ length: count }, (_, i) => base ** exponent(i))
  return tensor(values, { ...options, dtype: options.dtype ?? 'float32' })
}

function checkCount(operation: string, count: number): void {
  if (Number.isInteger(count) && count >= 0) return
  throw new GliaError(`${operation}: count must be a whole number of at least 0; received ${count}.`)
}

/** Ones on the diagonal, zeros elsewhere: `[n, m]` (m = n by default). */
export function eye(n: number, m = n, options: TensorOptions = {}): Tensor {
  const same = ops.eq(ops.reshape(ops.iota(n), [n, 1]), ops.reshape(ops.iota(m), [1, m]))
  return finish(ops.cast(same, options.dtype ?? 'float32'), options)
}

/** 1 at each index, 0 elsewhere: indices I → `[…I, classes]`, float32 (PyTorch's one_hot, with a float result). */
export function oneHot(indices: TensorBase, classes: number): Tensor {
  const column = ops.reshape(ops.bound(indices.node, classes, 'oneHot'), [...indices.shape, 1])
  return new Tensor(ops.cast(ops.eq(column, ops.iota(classes)), 'float32'), indices.device)
}

/** The lower triangle of the last two axes, from diagonal `k` down; zeros above. */
export function tril(x: TensorBase, k = 0): Tensor {
  return triangle(x, (row, column) => ops.le(column, ops.add(row, k)))
}

/** The upper triangle of the last two axes, from diagonal `k` up; zeros below. */
export function triu(x: TensorBase, k = 0): Tensor {
  return triangle(x, (row, column) => ops.le(ops.add(row, k), column))
}

function triangle(x: TensorBase, keep: (row: Node, column: Node) => Node): Tensor {
  if (x.rank < 2) {
    throw new GliaError(`tril and triu: take matrices, […, n, m]; received shape ${showShape(x.shape)}.`)
  }
  const [n, m] = x.shape.slice(-2)
  const mask = keep(ops.reshape(ops.iota(n), [n, 1]), ops.reshape(ops.iota(m), [1, m]))
  return where(new Tensor(mask, x.device), x, 0)
}
