/** @file Elements chosen by a mask. */
import { GliaError } from '../core/errors.ts'
import { broadcastShapes, sameShape, showShape } from '../core/shape.ts'
import { ops } from '../graph/ops.ts'
import { apply, unary } from './apply.ts'
import type { TensorBase } from './base.ts'
import { expand } from './movement.ts'
import { coordinatesOfNonzero, valuesNow } from './now.ts'
import { Tensor } from './tensor.ts'

export function checkMask(operation: string, mask: TensorBase): void {
  if (mask.dtype === 'bool') return
  throw new GliaError(`${operation}: the mask must be bool; received ${mask.dtype}. Compare first, as in x.gt(0).`)
}

/**
 * int32 `[count, rank]`: where the elements other than 0 are, in row-major order. The values are read at once.
 * @throws GliaError in a compiled function
 */
export function nonzero(x: TensorBase): Tensor {
  const values = valuesNow('nonzero', x, 'Work with a mask, such as x.ne(0), instead.')
  const axes = coordinatesOfNonzero(values, x.shape)
  const count = axes[0]?.length ?? (x.size === 1 && values[0] !== 0 ? 1 : 0)
  const all = new Int32Array(count * x.rank)
  axes.forEach((at, axis) => {
    at.forEach((p, k) => {
      all[k * x.rank + axis] = p
    })
  })
  return new Tensor(ops.data(all, [count, x.rank], 'int32'), x.device)
}

/**
 * The elements where the mask holds, as a vector; both broadcast. The mask is read at once.
 * @throws GliaError in a compiled function
 */
export function maskedSelect(x: TensorBase, mask: TensorBase): Tensor {
  checkMask('maskedSelect', mask)
  const shape = broadcastShapes('maskedSelect', x.shape, mask.shape)
  const wide = sameShape(mask.shape, shape) ? mask : expand(mask, shape)
  const values = valuesNow('maskedSelect', wide, 'Use where or maskedFill, which keep the shape, instead.')
  const found: number[] = []
  values.forEach((v, i) => {
    if (v !== 0) found.push(i)
  })
  return unary('maskedSelect', x, (n) => {
    const flat = ops.reshape(ops.broadcastTo(n, shape), [values.length])
    const at = ops.data(Int32Array.from(found), [found.length], 'int32')
    return ops.gather(flat, ops.bound(at, values.length, 'maskedSelect'), 0)
  })
}

/**
 * `x` where the mask does not hold, and where it does, the elements of `source` one after the other. The mask broadcasts
 * to x's shape.
 * @throws GliaError (when computed) if `source` has fewer elements than the mask has places
 */
export function maskedScatter(x: TensorBase, mask: TensorBase, source: TensorBase): Tensor {
  checkMask('maskedScatter', mask)
  if (!sameShape(broadcastShapes('maskedScatter', x.shape, mask.shape), x.shape)) {
    throw new GliaError(
      `maskedScatter: a mask of shape ${showShape(mask.shape)} does not broadcast to ${showShape(x.shape)}.`,
    )
  }
  return apply('maskedScatter', [x, mask, source], (n, m, s) => {
    const holds = ops.broadcastTo(m, x.shape)
    const count = ops.reshape(ops.cumsum(ops.reshape(ops.cast(holds, 'int32'), [x.size]), 0), x.shape)
    if (source.size === 0) {
      // Any place that holds is one too many.
      const none = ops.bound(ops.select(holds, 1, 0), 1, 'maskedScatter')
      return ops.add(n, ops.cast(none, n.dtype))
    }
    const at = ops.bound(ops.select(holds, ops.sub(count, 1), 0), source.size, 'maskedScatter')
    return ops.select(holds, ops.gather(ops.reshape(ops.cast(s, n.dtype), [source.size]), at, 0), n)
  })
}
