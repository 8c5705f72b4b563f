/**
 * @file Convolutions as the planner sees them: padding is a node of its own, and an input spread out by zeros (what a
 * transposed convolution strides by, and the gradient of a strided one) is never multiplied by those zeros.
 */
import type { DType } from '../core/dtype.ts'
import type { Attrs, ConvAttrs, Node, Origin, Primitive } from '../graph/node.ts'
import type { PNode } from './pgraph.ts'

/** Makes a node, or finds the one that there is. */
export type Make = (
  op: Primitive,
  attrs: Attrs[Primitive],
  inputs: readonly PNode[],
  shape: readonly number[],
  dtype: DType,
  origin: Origin | null,
) => PNode

/** What the planner adds to a convolution. */
export interface PlannedConv extends ConvAttrs {
  /**
   * By spatial axis: how many neighbours in the result are computed from the same window of the input, each with weights of
   * its own. The weight's rows are [output, phase of axis 0, phase of axis 1, …].
   */
  readonly phases?: readonly number[]
  /** By spatial axis: how far the window moves from one phase to the next. */
  readonly phaseShift?: readonly number[]
}

export function makeConv(make: Make, node: Node, x: PNode, w: PNode): PNode {
  const a = node.as('conv')
  const none = a.stride.map(() => 0)
  const spread = a.inputDilation.some((d) => d !== 1)
  const d = phasesOf(node, x, w)
  if (d !== null) return inPhases(make, node, x, w, d)
  let input = x
  if (spread || [...a.padLo, ...a.padHi].some((p) => p !== 0)) {
    const interior = [0, 0, ...a.inputDilation.map((d) => d - 1)]
    input = makePad(make, x, [0, 0, ...a.padLo], [0, 0, ...a.padHi], interior)
  }
  const attrs: PlannedConv = { ...a, padLo: none, padHi: none, inputDilation: none.map(() => 1) }
  return make('conv', attrs, [input, w], node.shape, node.dtype, node.origin)
}

/** A pad, below permutations so that forward and gradients share it. */
function makePad(
  make: Make,
  x: PNode,
  lo: readonly number[],
  hi: readonly number[],
  interior: readonly number[],
): PNode {
  if ([...lo, ...hi, ...interior].every((n) => n === 0)) return x
  if (x.op === 'permute') {
    const { order } = x.as('permute')
    const back = <T>(values: readonly T[]): T[] => {
      const out = new Array<T>(values.length)
      order.forEach((from, to) => {
        out[from] = values[to]
      })
      return out
    }
    const inner = makePad(make, x.inputs[0], back(lo), back(hi), back(interior))
    const shape = order.map((o) => inner.shape[o])
    return make('permute', { order }, [inner], shape, x.dtype, x.origin)
  }
  const shape = x.shape.map((d, i) => lo[i] + hi[i] + d + Math.max(0, d - 1) * interior[i])
  return make('pad', { lo, hi, interior, value: 0 }, [x], shape, x.dtype, x.origin)
}

/**
 * By spatial axis, how many phases to compute results in; null where that is not possible or nothing is to be gained.
 * An axis of one element (the seed of a generator) may be taken for spread out as far as one likes: each tap then has
 * results of its own, and none meets the padding.
 */
function phasesOf(node: Node, x: PNode, w: PNode): number[] | null {
  const a = node.as('conv')
  if (![...x.shape, ...w.shape, ...node.shape].every((n) => n > 0) || a.stride.some((s) => s !== 1)) return null
  const d = a.inputDilation.map((dilation, i) => {
    const taps = w.shape[i + 2]
    const places = node.shape[i + 2]
    if (x.shape[i + 2] > 1 || a.kernelDilation[i] > 1) return dilation
    return phasedAxis(taps, a.padLo[i], places).count * taps < places * taps ? taps : 1
  })
  const plain = d.every((phases, i) => phases === 1 || a.kernelDilation[i] === 1)
  return plain && d.some((phases) => phases > 1) ? d : null
}

/** How the results along one axis are computed in phases. */
interface PhasedAxis {
  /** Whether the phases take the taps' remainders in falling order. */
  readonly flip: boolean
  readonly shift: number
  /** Zeros before the input (negative: cropped). */
  readonly lo: number
  /** Results in each phase, and how many of all come before the first that is wanted. */
  readonly count: number
  readonly start: number
}

/**
 * Of a kernel that passes over an input spread out d-fold, only every d-th tap meets an element. For the place
 * y = d · m + r that is every tap t = d · a + p with p = (padLo − r) mod d, which meets element m + a + c for
 * c = (r + p − padLo) / d. With d = 2, c is linear in r. Else the places are counted from one where c is the same for all r.
 */
function phasedAxis(d: number, padLo: number, places: number): PhasedAxis {
  if (d === 1) return { flip: false, shift: 0, lo: padLo, count: places, start: 0 }
  if (d === 2) {
    const odd = Math.abs(padLo % 2)
    return { flip: odd === 1, shift: 1 - odd, lo: (padLo - odd) / 2, count: Math.ceil(places / 2), start: 0 }
  }
  const from = d - 1 - padLo
  const first = Math.floor(from / d)
  const last = Math.floor((places - 1 + from) / d)
  return { flip: true, shift: 0, lo: -first, count: last - first + 1, start: from - d * first }
}

/** A convolution of the input itself, with the results of all phases side by side. */
function inPhases(make: Make, node: Node, x: PNode, w: PNode, d: readonly number[]): PNode {
  const a = node.as('conv')
  const [outputs, perGroup, ...taps] = w.shape
  const view = (op: Primitive, attrs: Attrs[Primitive], from: PNode, shape: readonly number[]): PNode =>
    make(op, attrs, [from], shape, from.dtype, from.origin)

  const steps = taps.map((t, i) => Math.ceil(t / d[i]))
  const missing = steps.map((n, i) => n * d[i] - taps[i])
  const none = w.shape.map(() => 0)
  const whole = makePad(make, w, none, [0, 0, ...missing], none)
  const split = [outputs, perGroup, ...steps.flatMap((n, i) => [n, d[i]])]
  const phaseAxes = d.map((_, i) => 3 + 2 * i)
  const stepAxes = d.map((_, i) => 2 + 2 * i)
  const parts = view('reshape', { shape: split }, whole, split)
  const places = node.shape.slice(2)
  const axes = places.map((y, i) => phasedAxis(d[i], a.padLo[i], y))
  const flips = phaseAxes.filter((_, i) => axes[i].flip)
  const flipped = flips.length > 0 ? view('flip', { axes: flips }, parts, split) : parts
  const order = [0, ...phaseAxes, 1, ...stepAxes]
  const ordered = view(
    'permute',
    { order },
    flipped,
    order.map((o) => split[o]),
  )
  const rows = d.reduce((n, phases) => n * phases, outputs)
  const shape = [rows, perGroup, ...steps]
  const weight = view('reshape', { shape }, ordered, shape)

  const lo = axes.map((axis) => axis.lo)
  const hi = axes.map(
    (axis, i) => axis.count + (steps[i] - 1) * a.kernelDilation[i] + axis.shift - x.shape[i + 2] - axis.lo,
  )
  const zero = x.shape.map(() => 0)
  const input = makePad(make, x, [0, 0, ...lo], [0, 0, ...hi], zero)

  const plain = d.map(() => 0)
  const phased = { phases: d, phaseShift: axes.map((axis) => axis.shift) }
  const attrs: PlannedConv = { ...a, padLo: plain, padHi: plain, inputDilation: d.map(() => 1), ...phased }
  const full = [...node.shape.slice(0, 2), ...axes.map((axis, i) => axis.count * d[i])]
  const result = make('conv', attrs, [input, weight], full, node.dtype, node.origin)
  const start = [0, 0, ...axes.map((axis) => axis.start)]
  if (full.every((n, i) => n === node.shape[i])) return result
  const step = full.map(() => 1)
  return make('slice', { start, size: node.shape, step }, [result], node.shape, node.dtype, node.origin)
}
