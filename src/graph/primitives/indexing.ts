/** @file Data-dependent addresses: bounds, gather, scatter-add, sorting order, and the ramp 0, 1, 2 … */
import { allocate, isFloat } from '../../core/dtype.ts'
import { GliaError } from '../../core/errors.ts'
import { showShape, sizeOf } from '../../core/shape.ts'
import type { Rule } from '../rule.ts'
import { checkAxis, checkDtype, checkList } from './check.ts'

export const iota: Rule<'iota'> = {
  infer: (_inputs, { size }) => {
    if (!Number.isInteger(size) || size < 0)
      throw new GliaError(`iota: size must be an integer of at least 0; received ${size}.`)
    return { shape: [size], dtype: 'int32' }
  },
  vjp: () => [],
  evaluate: (_inputs, { size }) => Int32Array.from({ length: size }, (_, i) => i),
}

export const bound: Rule<'bound'> = {
  infer: ([x], { operation }) => {
    checkDtype(operation, x, 'int32')
    return x
  },
  vjp: () => [null],
  evaluate: ([x], { size, operation }) => {
    const out = Int32Array.from(x.data)
    out.forEach((v, i) => {
      if (v < -size || v >= size) {
        throw new GliaError(`${operation}: index ${v} is out of range; it must be from ${-size} to ${size - 1}.`)
      }
      if (v < 0) out[i] = v + size
    })
    return out
  },
}

export const gather: Rule<'gather'> = {
  infer: ([x, indices], { axis }) => {
    checkAxis('gather', x, axis)
    checkDtype('gather', indices, 'int32')
    return { shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)], dtype: x.dtype }
  },
  vjp: (o, g, y) => {
    const { axis } = y.as('gather')
    const [x, indices] = y.inputs
    return [isFloat(x.dtype) ? o.scatterAdd(indices, g, axis, x.shape[axis]) : null, null]
  },
  evaluate: ([x, indices], { axis }, out) => {
    const inner = sizeOf(x.shape.slice(axis + 1))
    const count = indices.data.length
    const rows = x.shape[axis]
    const result = allocate(out.dtype, sizeOf(out.shape))
    for (let p = 0; p < result.length; p++) {
      const outer = Math.floor(p / (inner * count))
      const row = indices.data[Math.floor(p / inner) % count]
      result[p] = x.data[(outer * rows + row) * inner + (p % inner)]
    }
    return result
  },
}

export const scatterAdd: Rule<'scatterAdd'> = {
  infer: ([indices, updates], { axis, size }) => {
    const rank = indices.shape.length
    checkDtype('scatterAdd', indices, 'int32')
    checkDtype('scatterAdd', updates, 'float')
    checkList('scatterAdd', 'size', [size], 1, 0)
    checkList('scatterAdd', 'axis', [axis], 1, 0)
    if (axis > updates.shape.length || indices.shape.some((d, i) => updates.shape[axis + i] !== d)) {
      throw new GliaError(
        `scatterAdd: received indices of shape ${showShape(indices.shape)} and updates of shape ${showShape(updates.shape)}; ` +
          `the shape of the updates must contain that of the indices from axis ${axis} on.`,
      )
    }
    return { shape: [...updates.shape.slice(0, axis), size, ...updates.shape.slice(axis + rank)], dtype: updates.dtype }
  },
  vjp: (o, g, y) => [null, o.gather(g, y.inputs[0], y.as('scatterAdd').axis)],
  evaluate: ([indices, updates], { axis, size }, out) => {
    const inner = sizeOf(out.shape.slice(axis + 1))
    const count = indices.data.length
    const sums = new Float64Array(sizeOf(out.shape))
    for (let p = 0; p < updates.data.length; p++) {
      const outer = Math.floor(p / (inner * count))
      const row = indices.data[Math.floor(p / inner) % count]
      sums[(outer * size + row) * inner + (p % inner)] += updates.data[p]
    }
    const result = allocate(out.dtype, sums.length)
    result.set(sums)
    return result
  },
}

export const argsort: Rule<'argsort'> = {
  infer: ([x], { axis }) => {
    checkAxis('argsort', x, axis)
    return { shape: x.shape, dtype: 'int32' }
  },
  vjp: () => [null],
  evaluate: ([x], { axis, descending }, out) => {
    const result = new Int32Array(sizeOf(out.shape))
    const n = x.shape[axis]
    const inner = sizeOf(x.shape.slice(axis + 1))
    const compare = (a: number, b: number): number => {
      // NaN is the greatest.
      if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
      return a < b ? -1 : a > b ? 1 : 0
    }
    for (let row = 0; row < result.length / Math.max(1, n); row++) {
      const base = Math.floor(row / inner) * n * inner + (row % inner)
      const order = Array.from({ length: n }, (_, i) => i)
      const at = (i: number): number => x.data[base + i * inner]
      order.sort((a, b) => (descending ? compare(at(b), at(a)) : compare(at(a), at(b))) || a - b)
      order.forEach((i, k) => {
        result[base + k * inner] = i
      })
    }
    return result
  },
}
