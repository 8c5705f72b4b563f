/** @file Operations whose result's shape depends on values: they read the values when they are called. */
import type { TypedArray } from '../core/dtype.ts'
import { GliaError } from '../core/errors.ts'
import { showShape } from '../core/shape.ts'
import { activeTrace } from '../graph/trace.ts'
import type { TensorBase } from './base.ts'

/**
 * The values of `t` at once.
 * @throws GliaError in a function that is being recorded, where there are none; `instead` says what to use there
 */
export function valuesNow(operation: string, t: TensorBase, instead: string): TypedArray {
  if (activeTrace()) {
    throw new GliaError(
      `${operation}: the shape of its result depends on the values of ${t.dtype} ${showShape(t.shape)}, which a compiled ` +
        `function does not have while it is recorded. ${instead}`,
    )
  }
  return t.hostValues()
}

/** Coordinates of the elements other than 0, axis by axis, in row-major order. */
export function coordinatesOfNonzero(values: TypedArray, shape: readonly number[]): Int32Array[] {
  const found: number[] = []
  values.forEach((v, i) => {
    if (v !== 0) found.push(i)
  })
  const axes = shape.map(() => new Int32Array(found.length))
  found.forEach((position, k) => {
    let rest = position
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      axes[axis][k] = rest % shape[axis]
      rest = Math.floor(rest / shape[axis])
    }
  })
  return axes
}
