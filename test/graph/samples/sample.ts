/** @file What a sample of a primitive is, and the deterministic arrays that samples are made of. */
import { allocate, type DType, isFloat } from '../../../src/core/dtype.ts'
import { type Shape, sizeOf } from '../../../src/core/shape.ts'
import { type ConvAttrs, type HostArray, Node, type WindowAttrs } from '../../../src/graph/node.ts'
import { ops } from '../../../src/graph/ops.ts'
import type { Ops } from '../../../src/graph/rule.ts'

export interface Sample {
  readonly note: string
  readonly inputs: readonly HostArray[]
  readonly build: (o: Ops, inputs: readonly Node[]) => readonly Node[]
  /** Inputs whose gradients are compared with finite differences. */
  readonly differentiable: readonly number[]
  /** Whether second derivatives are checked too. */
  readonly second: boolean
  /** Holds NaN, infinities or negative zeros, which devices must agree in. */
  readonly special: boolean
}

type Options = Partial<Pick<Sample, 'differentiable' | 'second' | 'special'>>
type Build = (o: Ops, inputs: readonly Node[]) => Node | readonly Node[]

/** By default every float input is differentiable, twice. */
export function sample(note: string, inputs: readonly HostArray[], build: Build, options: Options = {}): Sample {
  return {
    note,
    inputs,
    build: (o, nodes) => {
      const made = build(o, nodes)
      return made instanceof Node ? [made] : made
    },
    differentiable: options.special ? [] : inputs.flatMap((x, i) => (isFloat(x.dtype) ? [i] : [])),
    second: !options.special,
    special: false,
    ...options,
  }
}

/** Values only: no gradients are compared. */
export function value(note: string, inputs: readonly HostArray[], build: Build): Sample {
  return sample(note, inputs, build, { differentiable: [], second: false })
}

export function special(note: string, inputs: readonly HostArray[], build: Build): Sample {
  return sample(note, inputs, build, { special: true })
}

/** Leaves that hold a sample's inputs, floats in the precision asked for. */
export function leaves(s: Sample, float: 'float32' | 'float64'): Node[] {
  return s.inputs.map((x) => {
    const dtype = isFloat(x.dtype) ? float : x.dtype
    const data = allocate(dtype, x.data.length)
    data.set(x.data)
    return ops.data(data, x.shape, dtype)
  })
}

/** Multiples of 1/1000 in [−1, 1] in no order, all different up to 2001 of them, times scale plus offset. */
export function f(shape: Shape, seed = 0, scale = 1, offset = 0): HostArray {
  const data = Float32Array.from(
    { length: sizeOf(shape) },
    (_, i) => (((i * 7919 + seed * 104729 + 37) % 2001) / 1000 - 1) * scale + offset,
  )
  return { data, shape, dtype: 'float32' }
}

/** Integers from `low` to `low + count − 1`. */
export function i(shape: Shape, count: number, low = 0, seed = 0): HostArray {
  const data = Int32Array.from(
    { length: sizeOf(shape) },
    (_, k) => (((k * 7919 + seed * 104729 + 37) % 2001) % count) + low,
  )
  return { data, shape, dtype: 'int32' }
}

/** The same as uint8, or as bool when `count` is 2. */
export function bytes(
  shape: Shape,
  count: number,
  dtype: 'uint8' | 'bool' = count === 2 ? 'bool' : 'uint8',
  seed = 0,
): HostArray {
  return { data: Uint8Array.from(i(shape, count, 0, seed).data), shape, dtype }
}

export function list(values: readonly number[], shape: Shape = [values.length], dtype: DType = 'float32'): HostArray {
  const data = allocate(dtype, values.length)
  data.set(values)
  return { data, shape, dtype }
}

export const specials = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  -0,
  0,
  1,
  -1,
  0.5,
  -2.5,
  3,
  3e38,
  -1e-30,
]

/** Every pair of the values, as two arrays. */
export function pairs(values: readonly number[], dtype: DType = 'float32'): [HostArray, HostArray] {
  const n = values.length
  return [
    list(
      values.flatMap((v) => values.map(() => v)),
      [n, n],
      dtype,
    ),
    list(
      values.flatMap(() => [...values]),
      [n, n],
      dtype,
    ),
  ]
}

export function convAttrs(spatial: number, given: Partial<ConvAttrs> = {}): ConvAttrs {
  const all = (n: number): number[] => new Array<number>(spatial).fill(n)
  return {
    stride: all(1),
    padLo: all(0),
    padHi: all(0),
    inputDilation: all(1),
    kernelDilation: all(1),
    groups: 1,
    ...given,
  }
}

export function windowAttrs(window: readonly number[], given: Partial<WindowAttrs> = {}): WindowAttrs {
  const all = (n: number): number[] => window.map(() => n)
  return { window, stride: all(1), padLo: all(0), padHi: all(0), dilation: all(1), ...given }
}

interface LoopParts {
  readonly carries: readonly Node[]
  readonly xs?: readonly Node[]
  readonly invariants?: readonly Node[]
  readonly length: number
  readonly reverse?: boolean
  readonly body: (
    carries: readonly Node[],
    slices: readonly Node[],
    invariants: readonly Node[],
  ) => { readonly carries: readonly Node[]; readonly ys?: readonly Node[] }
}

/** A loop whose body is built from leaves like the inputs. */
export function makeLoop(
  o: Ops,
  { carries, xs = [], invariants = [], length, reverse = false, body }: LoopParts,
): Node[] {
  const owner = {}
  let index = 0
  const leaf = (shape: Shape, dtype: DType): Node =>
    new Node('parameter', [], { owner, index: index++ }, { shape, dtype })
  const c = carries.map((n) => leaf(n.shape, n.dtype))
  const s = xs.map((n) => leaf(n.shape.slice(1), n.dtype))
  const v = invariants.map((n) => leaf(n.shape, n.dtype))
  const out = body(c, s, v)
  return o.loop([...carries, ...xs, ...invariants], {
    length,
    reverse,
    carries: carries.length,
    scanned: xs.length,
    params: [...c, ...s, ...v],
    results: [...out.carries, ...(out.ys ?? [])],
  })
}
