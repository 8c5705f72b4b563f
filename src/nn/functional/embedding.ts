/** @file Rows of a table, and sums, means and maxima of bags of them. */
import { GliaError } from '../../core/errors.ts'
import { sameShape, showShape, sizeOf } from '../../core/shape.ts'
import type { Node } from '../../graph/node.ts'
import { ops } from '../../graph/ops.ts'
import { apply } from '../../tensor/apply.ts'
import type { TensorBase } from '../../tensor/base.ts'
import { where } from '../../tensor/elementwise.ts'
import { indexSelect } from '../../tensor/indexing.ts'
import type { Tensor } from '../../tensor/tensor.ts'

/** Rows of a table: int32 indices I into `[N, D]` → `[…I, D]`. The gradient of row `paddingIdx` stays zero. */
export function embedding(indices: TensorBase, weight: TensorBase, paddingIdx: number | null = null): Tensor {
  if (weight.rank !== 2) {
    throw new GliaError(`embedding: the table must be [N, D]; received ${showShape(weight.shape)}.`)
  }
  const rows = indexSelect(weight, 0, indices, 'embedding')
  if (paddingIdx === null) return rows
  const isPadding = apply('embedding', [indices], (i) => ops.reshape(ops.eq(i, paddingIdx), [...i.shape, 1]))
  return where(isPadding, rows.detach(), rows)
}

/** What becomes of the rows of a bag. */
export type BagMode = 'sum' | 'mean' | 'max'

export interface EmbeddingBagOptions {
  /** Default 'mean'. */
  readonly mode?: BagMode
  /** int32 `[B]`, ascending from 0: where each bag begins among indices `[N]`. */
  readonly offsets?: Tensor
  /** Whether `offsets` ends with N, so that it has one entry more than there are bags (default false). */
  readonly includeLastOffset?: boolean
  /** Factors of the rows, of the indices' shape; only for sums. */
  readonly perSampleWeights?: Tensor
  /** Entries with this index do not count. */
  readonly paddingIdx?: number | null
}

/**
 * The sum, mean or maximum of the rows of each bag; of an empty bag: zeros.
 *
 * @param indices int32 `[B, N]`, B bags of N, or `[N]` with `offsets` `[B]`
 * @param weight `[rows, D]`
 * @returns `[B, D]`
 * @throws GliaError for shapes that do not fit; when computed, for indices out of range and offsets that do not begin at 0
 */
export function embeddingBag(indices: Tensor, weight: Tensor, options: EmbeddingBagOptions = {}): Tensor {
  const { mode = 'mean', offsets, perSampleWeights: factors, paddingIdx = null } = options
  checkBag(indices, options)
  const rows = embedding(indices, weight, paddingIdx)
  const column = [...indices.shape, 1]
  const counts = paddingIdx === null ? null : indices.ne(paddingIdx).reshape(column)
  const { total, greatest } = offsets ? segments(indices, offsets, options) : { total: sum, greatest: max }
  if (mode === 'max') return greatest(rows, counts)
  const scaled = factors ? rows.mul(factors.reshape(column)) : rows
  const y = total(counts ? where(counts, scaled, 0) : scaled)
  if (mode === 'sum') return y
  const present = counts ? counts.float() : where(indices.eq(indices), 1, 0).float().reshape(column)
  return y.div(total(present).maximum(1))
}

const sum = (rows: Tensor): Tensor => rows.sum(1)

function max(rows: Tensor, counts: Tensor | null): Tensor {
  if (rows.shape[1] === 0) return sum(rows)
  return counts ? orZero(where(counts, rows, -Infinity).max(1)) : rows.max(1)
}

/** The maximum of nothing is −∞; of an empty bag, 0. */
function orZero(y: Tensor): Tensor {
  return where(y.eq(-Infinity), 0, y)
}

interface Segments {
  readonly total: (rows: Tensor) => Tensor
  readonly greatest: (rows: Tensor, counts: Tensor | null) => Tensor
}

/** Reductions of `[N, D]` to bags `[B, D]`. The maximum compares every row with every bag. */
function segments(indices: Tensor, offsets: TensorBase, options: EmbeddingBagOptions): Segments {
  const bags = offsets.size - (options.includeLastOffset ? 1 : 0)
  const of = apply('embeddingBag', [offsets], (starts) => bagOf(starts, indices.size, bags))
  return {
    total: (rows) => apply('embeddingBag', [rows, of], (n, bag) => ops.scatterAdd(bag, n, 0, bags)),
    greatest: (rows, counts) => {
      if (rows.shape[0] === 0) return rows.sum(0).expand([bags, rows.shape[1]])
      const columns = of.reshape([1, of.size, 1])
      const mine = apply('embeddingBag', [columns], (bag) => ops.eq(bag, ops.reshape(ops.iota(bags), [bags, 1, 1])))
      return orZero(where(counts ? mine.and(counts) : mine, rows, -Infinity).max(1))
    },
  }
}

/** The bag of each of `count` positions: how many bags have begun, less one. Before the first: out of range. */
function bagOf(starts: Node, count: number, bags: number): Node {
  const begin = ops.slice(occurrences(starts, count + 1, 'embeddingBag offsets'), [0], [count])
  const bag = ops.sub(ops.cast(ops.cumsum(begin, 0), 'int32'), 1)
  return ops.bound(ops.select(ops.lt(bag, 0), bags, bag), bags, 'embeddingBag offsets')
}

/** How often each of 0 … size − 1 is among the indices, as floats. */
export function occurrences(indices: Node, size: number, operation: string): Node {
  const flat = ops.reshape(indices, [sizeOf(indices.shape)])
  return ops.scatterAdd(ops.bound(flat, size, operation), ops.full(flat.shape, 1, 'float32'), 0, size)
}

function checkBag(indices: TensorBase, options: EmbeddingBagOptions): void {
  const { mode = 'mean', offsets, perSampleWeights, includeLastOffset = false } = options
  const fail = (rule: string): never => {
    throw new GliaError(`embeddingBag: ${rule}.`)
  }
  if (!['sum', 'mean', 'max'].includes(mode)) fail(`mode must be 'sum', 'mean' or 'max'; received '${mode}'`)
  if (indices.rank !== (offsets ? 1 : 2)) {
    fail(`takes indices [B, N], or [N] with offsets [B]; received ${showShape(indices.shape)}`)
  }
  if (offsets && (offsets.rank !== 1 || offsets.dtype !== 'int32' || offsets.size < (includeLastOffset ? 1 : 0))) {
    fail(`offsets must be int32 [B]; received ${offsets.dtype} ${showShape(offsets.shape)}`)
  }
  if (!perSampleWeights) return
  if (mode !== 'sum') fail(`perSampleWeights are for mode 'sum'; received mode '${mode}'`)
  if (!sameShape(perSampleWeights.shape, indices.shape)) {
    fail(
      `perSampleWeights must be of the indices' shape ${showShape(indices.shape)}; received ${showShape(perSampleWeights.shape)}`,
    )
  }
}
