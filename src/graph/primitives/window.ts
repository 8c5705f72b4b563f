/** @file Reductions over sliding windows: sum (average pooling) and max with its position (max pooling). */
import { isFloat } from '../../core/dtype.ts'
import { GliaError } from '../../core/errors.ts'
import { showShape, sizeOf } from '../../core/shape.ts'
import type { Aval, HostArray, Node, WindowAttrs } from '../node.ts'
import type { Ops, Rule } from '../rule.ts'
import { checkDtype, checkList } from './check.ts'
import { fill } from './movement.ts'

function windowShape(operation: string, x: Aval, a: WindowAttrs): number[] {
  const count = a.window.length
  const first = x.shape.length - count
  checkList(operation, 'window', a.window, count, 1)
  checkList(operation, 'stride', a.stride, count, 1)
  checkList(operation, 'dilation', a.dilation, count, 1)
  checkList(operation, 'padLo', a.padLo, count, 0)
  checkList(operation, 'padHi', a.padHi, count, 0)
  if (first < 0) {
    throw new GliaError(
      `${operation}: received shape ${showShape(x.shape)}, but the window ${showShape(a.window)} needs ${count} axes at its end.`,
    )
  }
  const places = a.window.map((window, i) => {
    const extent = x.shape[first + i] + a.padLo[i] + a.padHi[i]
    const covered = (window - 1) * a.dilation[i] + 1
    if (covered > extent) {
      throw new GliaError(
        `${operation}: the window reaches over ${covered} elements of axis ${first + i}, but shape ${showShape(x.shape)} ` +
          `has only ${extent} there, padding included. Use a smaller window, more padding or a larger input.`,
      )
    }
    return Math.floor((extent - covered) / a.stride[i]) + 1
  })
  return [...x.shape.slice(0, first), ...places]
}

/** The greatest element of a window is one of the input's: windows over padding alone have none. */
function maxShape(operation: string, x: Aval, a: WindowAttrs): number[] {
  const shape = windowShape(operation, x, a)
  const first = x.shape.length - a.window.length
  a.window.forEach((window, i) => {
    const extent = x.shape[first + i]
    for (let place = 0; place < shape[first + i]; place++) {
      const start = place * a.stride[i] - a.padLo[i]
      // The first element of the window that is not before the input.
      const skipped = Math.max(0, Math.ceil(-start / a.dilation[i]))
      if (skipped < window && start + skipped * a.dilation[i] < extent) continue
      throw new GliaError(
        `${operation}: window ${place} along axis ${first + i} of shape ${showShape(x.shape)} lies in the padding alone. ` +
          'Pad by less than the window.',
      )
    }
  })
  return shape
}

/** Calls `visit` with each element in the window at `index` and its position among the windowed axes. */
function over(
  x: HostArray,
  a: WindowAttrs,
  index: readonly number[],
  visit: (value: number, position: number) => void,
): void {
  const first = x.shape.length - a.window.length
  let lead = 0
  for (let i = 0; i < first; i++) lead = lead * x.shape[i] + index[i]
  const plane = sizeOf(x.shape.slice(first))
  for (let t = 0; t < sizeOf(a.window); t++) {
    let rest = t
    const at = a.window.map(() => 0)
    for (let i = at.length - 1; i >= 0; i--) {
      at[i] = index[first + i] * a.stride[i] + (rest % a.window[i]) * a.dilation[i] - a.padLo[i]
      rest = Math.floor(rest / a.window[i])
    }
    if (at.some((p, i) => p < 0 || p >= x.shape[first + i])) continue
    let position = 0
    at.forEach((p, i) => {
      position = position * x.shape[first + i] + p
    })
    visit(x.data[lead * plane + position], position)
  }
}

/** Whether the windows cover every element exactly once. */
function tiles(x: Aval, a: WindowAttrs): boolean {
  const first = x.shape.length - a.window.length
  return a.window.every(
    (w, i) =>
      a.stride[i] === w && a.padLo[i] === 0 && a.padHi[i] === 0 && a.dilation[i] === 1 && x.shape[first + i] % w === 0,
  )
}

/** Every element gets the value of the window it lies in (windows tile the input). */
function untile(o: Ops, y: Node, x: Node, a: WindowAttrs): Node {
  const first = x.shape.length - a.window.length
  const places = y.shape.slice(first)
  const narrow = [...y.shape.slice(0, first), ...places.flatMap((p) => [p, 1])]
  const wide = [...y.shape.slice(0, first), ...places.flatMap((p, i) => [p, a.window[i]])]
  return o.reshape(o.broadcastTo(o.reshape(y, narrow), wide), x.shape)
}

const isBetter = (v: number, best: number): boolean => !Number.isNaN(best) && (Number.isNaN(v) || v > best)

export const windowSum: Rule<'windowSum'> = {
  infer: ([x], a) => {
    checkDtype('windowSum', x, 'wide')
    return { shape: windowShape('windowSum', x, a), dtype: x.dtype }
  },
  vjp: (o, g, y) => {
    const a = y.as('windowSum')
    const x = y.inputs[0]
    if (!isFloat(x.dtype)) return [null]
    if (tiles(x, a)) return [untile(o, g, x, a)]
    // Each element gathers g from the windows that held it: a window sum over g with its stride filled by zeros.
    const first = x.shape.length - a.window.length
    const lo = x.shape.map(() => 0)
    const hi = x.shape.map(() => 0)
    const interior = x.shape.map(() => 0)
    a.window.forEach((window, i) => {
      const covered = (window - 1) * a.dilation[i] + 1
      const spread = (g.shape[first + i] - 1) * a.stride[i] + 1
      lo[first + i] = covered - 1 - a.padLo[i]
      hi[first + i] = x.shape[first + i] + covered - 1 - spread - lo[first + i]
      interior[first + i] = a.stride[i] - 1
    })
    const none = a.window.map(() => 0)
    return [o.windowSum(o.pad(g, lo, hi, interior), { ...a, stride: a.window.map(() => 1), padLo: none, padHi: none })]
  },
  evaluate: ([x], a, out) =>
    fill(out, (index) => {
      let sum = 0
      over(x, a, index, (v) => {
        sum += v
      })
      return sum
    }),
}

export const windowMax: Rule<'windowMax'> = {
  infer: ([x], a) => ({ shape: maxShape('windowMax', x, a), dtype: x.dtype }),
  vjp: (o, g, y) => {
    const a = y.as('windowMax')
    const x = y.inputs[0]
    if (!isFloat(x.dtype)) return [null]
    const winner = o.windowArgmax(x, a)
    const first = x.shape.length - a.window.length
    const plane = x.shape.slice(first)
    if (tiles(x, a)) {
      const position = o.broadcastTo(o.reshape(o.iota(sizeOf(plane)), plane), x.shape)
      return [o.select(o.eq(position, untile(o, winner, x, a)), untile(o, g, x, a), 0)]
    }
    // Positions in the whole array, so that one flat scatter serves.
    const lead = sizeOf(x.shape.slice(0, first))
    const places = sizeOf(y.shape.slice(first))
    const offset = o.mul(o.reshape(o.iota(lead), [lead, 1]), sizeOf(plane))
    const flat = o.reshape(o.add(o.reshape(winner, [lead, places]), offset), [lead * places])
    return [o.reshape(o.scatterAdd(flat, o.reshape(g, [lead * places]), 0, sizeOf(x.shape)), x.shape)]
  },
  evaluate: ([x], a, out) =>
    fill(out, (index) => {
      let best = isFloat(x.dtype) ? Number.NEGATIVE_INFINITY : -(2 ** 31)
      over(x, a, index, (v) => {
        if (isBetter(v, best)) best = v
      })
      return best
    }),
}

export const windowArgmax: Rule<'windowArgmax'> = {
  infer: ([x], a) => ({ shape: maxShape('windowArgmax', x, a), dtype: 'int32' }),
  vjp: () => [null],
  evaluate: ([x], a, out) =>
    fill(out, (index) => {
      let best: number | null = null
      let where = 0
      over(x, a, index, (v, position) => {
        if (best !== null && !isBetter(v, best)) return
        best = v
        where = position
      })
      return where
    }),
}
