/** @file Elementwise but not plain arithmetic: select and cast. */
import { allocate, type DType, isFloat } from '../../core/dtype.ts'
import type { HostArray } from '../node.ts'
import type { Rule } from '../rule.ts'
import { checkDtype, checkSameDtype, checkSameShape } from './check.ts'

export const select: Rule<'select'> = {
  infer: ([condition, a, b]) => {
    checkDtype('where', condition, 'bool')
    checkSameDtype('where', a, b)
    checkSameShape('where', a, b)
    checkSameShape('where', condition, a)
    return a
  },
  vjp: (o, g, y, needs) => {
    const [condition] = y.inputs
    return [null, needs[1] ? o.select(condition, g, 0) : null, needs[2] ? o.select(condition, 0, g) : null]
  },
  evaluate: ([condition, a, b], _attrs, out) => {
    const result = allocate(out.dtype, a.data.length)
    for (let i = 0; i < result.length; i++) result[i] = condition.data[i] !== 0 ? a.data[i] : b.data[i]
    return result
  },
}

export const cast: Rule<'cast'> = {
  infer: ([x], { dtype }) => ({ shape: x.shape, dtype }),
  vjp: (o, g, y) => [isFloat(y.dtype) && isFloat(y.inputs[0].dtype) ? o.cast(g, y.inputs[0].dtype) : null],
  evaluate: ([x], { dtype }) => {
    const result = allocate(dtype, x.data.length)
    for (let i = 0; i < result.length; i++) result[i] = castValue(x, i, dtype)
    return result
  },
}

/** Floats go towards zero and saturate, NaN becomes 0; bool is "not 0" (NaN is true); uint8 takes the low byte. */
function castValue(x: HostArray, i: number, dtype: DType): number {
  const v = x.data[i]
  if (isFloat(dtype)) return v
  if (dtype === 'bool') return v !== 0 ? 1 : 0
  return isFloat(x.dtype) && !Number.isNaN(v) ? Math.min(2 ** 31 - 1, Math.max(-(2 ** 31), Math.trunc(v))) : v
}
