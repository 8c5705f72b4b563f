/** @file Batching of products, convolutions and data-dependent addresses: examples become rows, groups or offsets. */
import { Node } from '../../graph/node.ts'
import { ops } from '../../graph/ops.ts'
import type { BatchRule } from './rule.ts'

/** A right operand without a batch makes one tall product; else leading axes count the examples. */
export const matmul: BatchRule<'matmul'> = (scope, [a, b]) => {
  if (!b.batched && b.node.shape.length === 2) {
    const [k, n] = b.node.shape
    const m = a.node.shape[1]
    return ops.reshape(ops.matmul(ops.reshape(a.node, [scope.size * m, k]), b.node), [scope.size, m, n])
  }
  return ops.matmul(scope.lead(a), scope.lead(b))
}

/** Axis `from` moved to `to`. */
function moved(x: Node, from: number, to: number): Node {
  const order = x.shape.map((_, i) => i).filter((i) => i !== from)
  order.splice(to, 0, from)
  return ops.permute(x, order)
}

/** Batches of images join the images; batches of weights become outputs of each group; both become groups. */
export const conv: BatchRule<'conv'> = (scope, [x, w], attrs) => {
  const { size } = scope
  const { groups } = attrs
  if (!w.batched) {
    const [, n, ...image] = x.node.shape
    const y = ops.conv(ops.reshape(x.node, [size * n, ...image]), w.node, attrs)
    return ops.reshape(y, [size, n, ...y.shape.slice(1)])
  }
  const [, outputs, perGroup, ...taps] = w.node.shape
  if (!x.batched) {
    const share = outputs / groups
    const split = ops.reshape(w.node, [size, groups, share, perGroup, ...taps])
    const y = ops.conv(x.node, ops.reshape(moved(split, 0, 1), [groups * size * share, perGroup, ...taps]), attrs)
    const [n, , ...places] = y.shape
    const apart = moved(ops.reshape(y, [n, groups, size, share, ...places]), 2, 0)
    return ops.reshape(apart, [size, n, outputs, ...places])
  }
  const [, n, channels, ...image] = x.node.shape
  const images = ops.reshape(moved(x.node, 0, 1), [n, size * channels, ...image])
  const weights = ops.reshape(w.node, [size * outputs, perGroup, ...taps])
  const y = ops.conv(images, weights, { ...attrs, groups: groups * size })
  return moved(ops.reshape(y, [n, size, outputs, ...y.shape.slice(2)]), 1, 0)
}

/** Indices of each example into its own `n` of the `size · n` rows of all. */
function offset(indices: Node, size: number, n: number, operation: string): Node {
  const first = ops.mul(ops.reshape(ops.iota(size), [size, ...indices.shape.slice(1).map(() => 1)]), n)
  return ops.bound(ops.add(indices, first), size * n, operation)
}

export const gather: BatchRule<'gather'> = (scope, [x, indices], { axis }) => {
  const { size } = scope
  if (!indices.batched) return ops.gather(x.node, indices.node, axis + 1)
  if (!x.batched) return moved(ops.gather(x.node, indices.node, axis), axis, 0)
  // [B, …, n, …] → [B · n, …, …]; the result is [B, I…, …, …], whose first part belongs before the indices.
  const rows = moved(x.node, axis + 1, 1)
  const [, n, ...rest] = rows.shape
  const table = ops.reshape(rows, [size * n, ...rest])
  const y = ops.gather(table, offset(indices.node, size, n, 'gather'), 0)
  const count = indices.node.shape.length
  const order = [
    0,
    ...Array.from({ length: axis }, (_, i) => count + i),
    ...Array.from({ length: count - 1 }, (_, i) => 1 + i),
    ...Array.from({ length: rest.length - axis }, (_, i) => count + axis + i),
  ]
  return ops.permute(y, order)
}

export const scatterAdd: BatchRule<'scatterAdd'> = (scope, [indices, updates], attrs) => {
  const { size } = scope
  if (!indices.batched) return ops.scatterAdd(indices.node, updates.node, attrs.axis + 1, attrs.size)
  // Updates [B, before…, I…, after…] → [B, I…, before…, after…], added into B · size rows.
  const u = scope.lead(updates)
  const rank = indices.node.shape.length - 1
  const { axis } = attrs
  const before = Array.from({ length: axis }, (_, i) => 1 + i)
  const places = Array.from({ length: rank }, (_, i) => 1 + axis + i)
  const after = u.shape.map((_, i) => i).slice(1 + axis + rank)
  const rows = ops.permute(u, [0, ...places, ...before, ...after])
  const sums = ops.scatterAdd(offset(indices.node, size, attrs.size, 'scatterAdd'), rows, 0, size * attrs.size)
  const apart = ops.reshape(sums, [size, attrs.size, ...sums.shape.slice(1)])
  return moved(apart, 1, 1 + axis)
}

/** Bits depend on key and counter: keys that differ are gone through one by one. */
export const random: BatchRule<'random'> = (scope, [key, counter]) => {
  if (!key.batched) return ops.random(key.node, counter.node)
  const counters = scope.lead(counter)
  const owner = {}
  const leaf = (index: number, of: Node): Node =>
    new Node('parameter', [], { owner, index }, { shape: of.shape.slice(1), dtype: of.dtype })
  const params = [leaf(0, key.node), leaf(1, counters)]
  const results = [ops.random(params[0], params[1])]
  const [bits] = ops.loop([key.node, counters], {
    length: scope.size,
    reverse: false,
    carries: 0,
    scanned: 2,
    params,
    results,
  })
  return bits
}
