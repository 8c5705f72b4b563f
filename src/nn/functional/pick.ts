/** @file Pools whose windows are listed place by place: adaptive maxima, fractional maxima, stochastic pools. */
import { sizeOf } from '../../core/shape.ts'
import type { Node } from '../../graph/node.ts'
import { ops } from '../../graph/ops.ts'

/** Along one axis, the positions that each window covers. */
export type AxisWindows = readonly (readonly number[])[]

/**
 * Positions in a plane that each window covers, int32 `[1, places, most]`, places row-major; shorter windows name their
 * last element again.
 */
export function planeWindows(extents: readonly number[], axes: readonly AxisWindows[]): Node {
  let rows: readonly (readonly number[])[] = [[0]]
  axes.forEach((windows, axis) => {
    const most = Math.max(...windows.map((w) => w.length))
    const full = windows.map((w) => Array.from({ length: most }, (_, k) => w[Math.min(k, w.length - 1)]))
    rows = rows.flatMap((row) => full.map((w) => row.flatMap((p) => w.map((q) => p * extents[axis] + q))))
  })
  const most = rows[0]?.length ?? 0
  return ops.data(Int32Array.from(rows.flat()), [1, rows.length, most], 'int32')
}

/**
 * From each window the element with the greatest score.
 *
 * @param x `[B, C, …]`
 * @param positions in a plane: int32 `[planes or 1, places, window]`
 * @param score of the elements of windows `[planes, places, window]`: of the same shape
 * @returns values `[planes, places]` and their positions in the plane
 */
export function pickFromWindows(
  x: Node,
  positions: Node,
  score: (elements: Node) => Node,
): { values: Node; indices: Node } {
  const planes = x.shape[0] * x.shape[1]
  const plane = sizeOf(x.shape.slice(2))
  const [, places, window] = positions.shape
  const flat = ops.reshape(x, [planes * plane])
  const first = ops.mul(ops.iota(planes), plane)
  const everywhere = ops.broadcastTo(positions, [planes, places, window])
  const elements = ops.gather(flat, ops.add(everywhere, ops.reshape(first, [planes, 1, 1])), 0)
  const winner = ops.reshape(ops.argmax(score(elements), 2), [planes, places, 1])
  const indices = ops.reduceSum(ops.select(ops.eq(ops.iota(window), winner), everywhere, 0), [2])
  const values = ops.gather(flat, ops.add(indices, ops.reshape(first, [planes, 1])), 0)
  return { values, indices }
}
