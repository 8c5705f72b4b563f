/** @file Running extremes and running log Σ eˣ, by doubling: after step k every entry has seen the 2ᵏ before it. Differences. */
import { GliaError } from '../core/errors.ts'
import { normaliseAxis } from '../core/shape.ts'
import type { Node } from '../graph/node.ts'
import { ops } from '../graph/ops.ts'
import { applyAll, toFloat, toNumber, unary } from './apply.ts'
import type { TensorBase } from './base.ts'
import { flatPositions } from './indexing.ts'
import { narrow } from './movement.ts'
import { logaddexpNode } from './special.ts'
import type { Tensor } from './tensor.ts'

/** `x` moved by `by` entries along an axis, towards its end; `value` comes in. */
function shifted(x: Node, axis: number, by: number, value: number): Node {
  const along = (n: number): number[] => x.shape.map((_, i) => (i === axis ? n : 0))
  return ops.pad(x, along(by), along(-by), undefined, value)
}

/** Greatest (least) value so far along `axis` and the last place it was found; NaN, once met, stays. */
export function cumulativeExtreme(
  fn: 'cummax' | 'cummin',
  x: TensorBase,
  axis: number,
): { values: Tensor; indices: Tensor } {
  const a = normaliseAxis(fn, axis, x.rank)
  const [values, indices] = applyAll(fn, [x], (node) => {
    const n = toNumber(node)
    const at = extremePositions(fn, n, a)
    const flat = ops.bound(flatPositions(at, n.shape, a), x.size, fn)
    return [ops.gather(ops.reshape(n, [x.size]), flat, 0), at]
  })
  return { values, indices }
}

/** int32 positions along `axis` of the last greatest (least) entry up to each entry. */
export function extremePositions(fn: 'cummax' | 'cummin', x: Node, axis: number): Node {
  const extent = x.shape[axis]
  const along = x.shape.map((d, i) => (i === axis ? d : 1))
  let at = ops.broadcastTo(ops.reshape(ops.iota(extent), along), x.shape)
  let best = x
  for (let by = 1; by < extent; by *= 2) {
    const [earlier, where] = [shifted(best, axis, by, 0), shifted(at, axis, by, -1)]
    const beats = fn === 'cummax' ? ops.lt(best, earlier) : ops.lt(earlier, best)
    const earlierNan = ops.and(ops.ne(earlier, earlier), ops.eq(best, best))
    const wins = ops.and(ops.le(0, where), ops.or(beats, earlierNan))
    best = ops.select(wins, earlier, best)
    at = ops.select(wins, where, at)
  }
  return at
}

/** log Σ eˣ of the entries so far along `axis`, without overflow. */
export function logcumsumexp(x: TensorBase, axis: number): Tensor {
  const a = normaliseAxis('logcumsumexp', axis, x.rank)
  return unary('logcumsumexp', x, (n) => runningLogSum(toFloat(n), a, false))
}

/** Gradient e^(xᵢ) Σ_{j≥i} gⱼ e^(−yⱼ), as the running sum's: positive and negative parts apart, in logarithms. */
function runningLogSum(x: Node, axis: number, reverse: boolean): Node {
  let y = reverse ? ops.flip(x, [axis]) : x
  for (let by = 1; by < x.shape[axis]; by *= 2) y = logaddexpNode(y, shifted(y, axis, by, -Infinity))
  return ops.alias([reverse ? ops.flip(y, [axis]) : y, x], {
    name: 'logcumsumexp',
    vjp: (g, self) => {
      const input = self.inputs[1]
      const part = (weight: Node): Node => {
        const counts = ops.and(ops.lt(0, weight), ops.lt(ops.full(self.shape, -Infinity, self.dtype), self))
        // Where nothing counts the logarithm is taken of 1, so that its own gradient is not 0 / 0.
        const logs = ops.select(counts, ops.sub(ops.log(ops.select(counts, weight, 1)), self), -Infinity)
        return ops.exp(ops.add(runningLogSum(logs, axis, !reverse), input))
      }
      return [ops.sub(part(g), part(ops.neg(g)))]
    },
  })
}

/** Differences between neighbours along `axis`, taken `n` times over: `[…, m, …]` → `[…, m − n, …]`. */
export function diff(x: TensorBase, n = 1, axis = -1): Tensor {
  const a = normaliseAxis('diff', axis, x.rank)
  if (!Number.isInteger(n) || n < 0) {
    throw new GliaError(
      `diff: n, how often differences are taken, must be a whole number of at least 0; received ${n}.`,
    )
  }
  let y = unary('diff', x, (node) => node)
  for (let k = 0; k < n; k++) {
    const m = Math.max(0, y.shape[a] - 1)
    const after = narrow(y, a, Math.min(1, y.shape[a]), m)
    const before = narrow(y, a, 0, m)
    y = y.dtype === 'bool' ? after.ne(before) : after.sub(before)
  }
  return y
}
