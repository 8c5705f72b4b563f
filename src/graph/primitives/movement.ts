/** @file Views: reshape, permute, expand, slice, pad, concat, flip. No arithmetic; gradients are views too. */
import { allocate, type TypedArray } from '../../core/dtype.ts'
import { GliaError } from '../../core/errors.ts'
import { showShape, sizeOf, stridesOf } from '../../core/shape.ts'
import type { Aval, HostArray, Node } from '../node.ts'
import type { Rule } from '../rule.ts'
import { anyInteger, checkAxes, checkAxis, checkList, show } from './check.ts'

/** Fills an array of `out`'s shape with `element(multi-index)`; the index array is reused. */
export function fill(out: Aval, element: (index: readonly number[]) => number): TypedArray {
  const result = allocate(out.dtype, sizeOf(out.shape))
  const index = out.shape.map(() => 0)
  for (let i = 0; i < result.length; i++) {
    result[i] = element(index)
    for (let axis = index.length - 1; axis >= 0; axis--) {
      if (++index[axis] < out.shape[axis]) break
      index[axis] = 0
    }
  }
  return result
}

/** Element of a host array at a multi-index, each entry mapped by `at`. */
function pick(x: HostArray, strides: readonly number[], at: (axis: number) => number): number {
  let p = 0
  for (let axis = 0; axis < strides.length; axis++) p += at(axis) * strides[axis]
  return x.data[p]
}

function inverse(order: readonly number[]): number[] {
  const out = order.map(() => 0)
  order.forEach((from, to) => {
    out[from] = to
  })
  return out
}

export const reshape: Rule<'reshape'> = {
  infer: ([x], { shape }) => {
    checkList('reshape', 'shape', shape, shape.length, 0)
    if (sizeOf(shape) !== sizeOf(x.shape)) {
      throw new GliaError(
        `reshape: received shape ${showShape(x.shape)} (${sizeOf(x.shape)} elements) to view as ${showShape(shape)} ` +
          `(${sizeOf(shape)} elements); the number of elements must stay the same.`,
      )
    }
    return { shape, dtype: x.dtype }
  },
  vjp: (o, g, y) => [o.reshape(g, y.inputs[0].shape)],
  evaluate: ([x]) => x.data,
}

export const permute: Rule<'permute'> = {
  infer: ([x], { order }) => {
    const sorted = [...order].sort((a, b) => a - b)
    if (order.length !== x.shape.length || sorted.some((o, i) => o !== i)) {
      throw new GliaError(
        `permute: received order ${showShape(order)} for shape ${showShape(x.shape)}; it must name each of the ` +
          `${x.shape.length} axes once, counted from 0.`,
      )
    }
    return { shape: order.map((o) => x.shape[o]), dtype: x.dtype }
  },
  vjp: (o, g, y) => [o.permute(g, inverse(y.as('permute').order))],
  evaluate: ([x], { order }, out) => {
    const strides = stridesOf(x.shape)
    const moved = order.map((o) => strides[o])
    return fill(out, (index) => pick(x, moved, (a) => index[a]))
  },
}

export const expand: Rule<'expand'> = {
  infer: ([x], { shape }) => {
    checkList('expand', 'shape', shape, shape.length, 0)
    const fits = shape.length === x.shape.length && shape.every((d, i) => d === x.shape[i] || x.shape[i] === 1)
    if (!fits) {
      throw new GliaError(
        `expand: received shape ${showShape(x.shape)} to repeat to ${showShape(shape)}; the rank must stay the same, and ` +
          'only axes of extent 1 can be repeated. Reshape first to insert such axes.',
      )
    }
    return { shape, dtype: x.dtype }
  },
  vjp: (o, g, y) => [o.sumTo(g, y.inputs[0].shape)],
  evaluate: ([x], _attrs, out) => {
    const strides = stridesOf(x.shape)
    return fill(out, (index) => pick(x, strides, (a) => (x.shape[a] === 1 ? 0 : index[a])))
  },
}

export const slice: Rule<'slice'> = {
  infer: ([x], { start, size, step }) => {
    const rank = x.shape.length
    checkList('slice', 'start', start, rank, 0)
    checkList('slice', 'size', size, rank, 0)
    checkList('slice', 'step', step, rank, 1)
    x.shape.forEach((d, i) => {
      const last = start[i] + Math.max(0, size[i] - 1) * step[i]
      if (start[i] > d || (size[i] > 0 && last >= d)) {
        throw new GliaError(
          `slice: axis ${i} of shape ${showShape(x.shape)} has ${d} elements, but ${size[i]} elements from ${start[i]} in ` +
            `steps of ${step[i]} reach position ${last}. Ask for fewer elements.`,
        )
      }
    })
    return { shape: [...size], dtype: x.dtype }
  },
  vjp: (o, g, y) => {
    const { start, size, step } = y.as('slice')
    const { shape } = y.inputs[0]
    if (sizeOf(size) === 0) return [o.full(shape, 0, g.dtype)]
    const hi = shape.map((d, i) => d - start[i] - (size[i] - 1) * step[i] - 1)
    return [
      o.pad(
        g,
        start,
        hi,
        step.map((s) => s - 1),
      ),
    ]
  },
  evaluate: ([x], { start, step }, out) => {
    const strides = stridesOf(x.shape)
    return fill(out, (index) => pick(x, strides, (a) => start[a] + index[a] * step[a]))
  },
}

export const pad: Rule<'pad'> = {
  infer: ([x], { lo, hi, interior }) => {
    const rank = x.shape.length
    checkList('pad', 'lo', lo, rank, anyInteger)
    checkList('pad', 'hi', hi, rank, anyInteger)
    checkList('pad', 'interior', interior, rank, 0)
    const shape = x.shape.map((d, i) => lo[i] + hi[i] + d + Math.max(0, d - 1) * interior[i])
    if (shape.some((d) => d < 0)) {
      throw new GliaError(
        `pad: shape ${showShape(x.shape)} with ${showShape(lo)} before and ${showShape(hi)} after would become ` +
          `${showShape(shape)}; no more can be cropped from an axis than it has.`,
      )
    }
    return { shape, dtype: x.dtype }
  },
  vjp: (o, g, y) => {
    // The adjoint crops, then takes every (interior + 1)-th element.
    const { lo, hi, interior } = y.as('pad')
    const x = y.inputs[0]
    if (sizeOf(x.shape) === 0) return [o.full(x.shape, 0, g.dtype)]
    const cropped = o.pad(
      g,
      lo.map((p) => -p),
      hi.map((p) => -p),
    )
    const zeros = x.shape.map(() => 0)
    return [
      o.slice(
        cropped,
        zeros,
        x.shape,
        interior.map((p) => p + 1),
      ),
    ]
  },
  evaluate: ([x], { lo, interior, value }, out) => {
    const strides = stridesOf(x.shape)
    return fill(out, (index) => {
      let p = 0
      for (let a = 0; a < strides.length; a++) {
        const at = index[a] - lo[a]
        const step = interior[a] + 1
        if (at < 0 || at % step !== 0 || at / step >= x.shape[a]) return value
        p += (at / step) * strides[a]
      }
      return x.data[p]
    })
  },
}

export const concat: Rule<'concat'> = {
  infer: (xs, { axis }) => {
    if (xs.length === 0) throw new GliaError('cat: received no tensors; it needs at least one.')
    const [first] = xs
    checkAxis('cat', first, axis)
    for (const x of xs) {
      const same = x.shape.length === first.shape.length && x.shape.every((d, i) => i === axis || d === first.shape[i])
      if (!same || x.dtype !== first.dtype) {
        throw new GliaError(
          `cat: received ${show(first)} and ${show(x)} to join along axis ${axis}; dtypes and all other axes must agree.`,
        )
      }
    }
    const total = xs.reduce((n, x) => n + x.shape[axis], 0)
    return { shape: first.shape.map((d, i) => (i === axis ? total : d)), dtype: first.dtype }
  },
  vjp: (o, g, y, needs) => {
    const { axis } = y.as('concat')
    let at = 0
    return y.inputs.map((x: Node, i) => {
      const start = x.shape.map((_, k) => (k === axis ? at : 0))
      at += x.shape[axis]
      return needs[i] ? o.slice(g, start, x.shape) : null
    })
  },
  evaluate: (xs, { axis }, out) => {
    const strides = xs.map((x) => stridesOf(x.shape))
    return fill(out, (index) => {
      let at = index[axis]
      let k = 0
      while (at >= xs[k].shape[axis]) at -= xs[k++].shape[axis]
      return pick(xs[k], strides[k], (a) => (a === axis ? at : index[a]))
    })
  },
}

export const flip: Rule<'flip'> = {
  infer: ([x], { axes }) => {
    checkAxes('flip', x, axes)
    return x
  },
  vjp: (o, g, y) => [o.flip(g, y.as('flip').axes)],
  evaluate: ([x], { axes }, out) => {
    const strides = stridesOf(x.shape)
    return fill(out, (index) => pick(x, strides, (a) => (axes.includes(a) ? x.shape[a] - 1 - index[a] : index[a])))
  },
}
