/** @file Scaled dot-product attention, over heads that may share keys and values. */
import { GliaError } from '../../core/errors.ts'
import { broadcastShapes, sameShape, showShape } from '../../core/shape.ts'
import { where } from '../../tensor/elementwise.ts'
import { arange, type TensorOptions } from '../../tensor/factories.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { attendInBlocks, blockRows } from './attention-blocks.ts'
import { dropout } from './dropout.ts'

/** Restricts and weights what queries may look at. */
export interface AttentionOptions {
  /** Broadcast to `[…, L, S]`: bool, true where a query may look at a key, or float, added to the scores. */
  readonly mask?: Tensor | readonly Tensor[] | null
  /** Whether query i may look at keys 0 … i alone (default false). */
  readonly causal?: boolean
  /** Factor of the scores (default 1/√E). */
  readonly scale?: number
  /** Probability of dropping a weight (default 0): for training. */
  readonly dropout?: number
}

/**
 * `softmax(q kᵀ / √E + mask) v` (Vaswani et al. 2017). A query that may look at nothing gives zeros.
 *
 * Where the scores `[…, L, S]` take more than 8 MB, they are computed for some queries at a time, and again for gradients
 * (without dropout, and unless a mask wants a gradient; without `causal`, for gradients only from 256 MB on).
 *
 * @param q `[…, L, E]`
 * @param k `[…, S, E]`; of `[B, H, S, E]`, H may divide the queries' number of heads, which then share keys and values in
 * groups of neighbours (Ainslie et al. 2023)
 * @param v `[…, S, V]`
 * @returns `[…, L, V]`
 */
export function scaledDotProductAttention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor {
  checkOperands(q, k, v)
  const { mask = null, causal = false, scale, dropout: p = 0 } = options
  const masks = listed(mask)
  const scores = scoresShape(q, k)
  const rows = p > 0 || masks.some((m) => m.requiresGrad) ? null : blockRows(scores, [q, k, v], causal)
  if (rows === null) return attend(q, k, v, options).output
  checkMasks(masks, scores)
  return attendInBlocks(q, k, v, masks, causal, rows, (block, keys, values, mask) => {
    return attend(block, keys, values, { mask, ...(scale === undefined ? {} : { scale }) }).output
  })
}

/** `scaledDotProductAttention`, with the weights `[…, L, S]`. */
export function attend(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: AttentionOptions = {},
): { output: Tensor; weights: Tensor } {
  checkOperands(q, k, v)
  const { scale = 1 / Math.sqrt(q.shape[q.rank - 1]), dropout: p = 0 } = options
  const scores = products(q, k.transpose()).mul(scale)
  const all = maskedSoftmax(scores, options)
  const weights = p > 0 ? dropout(all, p) : all
  return { output: products(weights, v), weights }
}

/** `a b`, where a's heads (axis −3) share those of b in groups of neighbours. */
function products(a: Tensor, b: Tensor): Tensor {
  const [heads, shared] = [a.shape.at(-3) ?? 1, b.shape.at(-3) ?? 1]
  if (heads === shared || shared === 1 || a.rank !== b.rank) return a.matmul(b)
  const [rows, inner] = a.shape.slice(-2)
  const lead = a.shape.slice(0, -3)
  // The queries of a group under each other: one product per shared head.
  const y = a.reshape([...lead, shared, (heads / shared) * rows, inner]).matmul(b)
  return y.reshape([...lead, heads, rows, b.shape[b.rank - 1]])
}

/** Of `products(q, kᵀ)`. */
function scoresShape(q: Tensor, k: Tensor): number[] {
  const lead = q.shape.slice(0, -2)
  const shared = k.shape.slice(0, -2)
  const grouped = q.rank === k.rank && q.rank > 2
  const theirs = grouped ? [...shared.slice(0, -1), 1] : shared
  const joined = grouped && lead.at(-1) === 1 ? shared : theirs
  return [...broadcastShapes('attention', lead, joined), q.shape[q.rank - 2], k.shape[k.rank - 2]]
}

const listed = (mask: AttentionOptions['mask']): readonly Tensor[] =>
  mask === null || mask === undefined ? [] : Array.isArray(mask) ? (mask as readonly Tensor[]) : [mask as Tensor]

function checkMasks(masks: readonly Tensor[], scores: readonly number[]): void {
  for (const m of masks) {
    if (sameShape(broadcastShapes('attention mask', m.shape, scores), scores)) continue
    throw new GliaError(
      `attention: the mask ${showShape(m.shape)} must broadcast to the scores ${showShape(scores)} (queries, keys last).`,
    )
  }
}

/** eˢ / Σ eˢ over the last axis, of the scores that the masks let through; zeros where there is none. */
export function maskedSoftmax(scores: Tensor, { mask = null, causal = false }: AttentionOptions): Tensor {
  const masks = listed(mask)
  checkMasks(masks, scores.shape)
  const allowed = masks.filter((m) => m.dtype === 'bool')
  if (causal) {
    const [queries, keys] = scores.shape.slice(-2)
    allowed.push(causalMask(queries, keys, { device: scores.device }).not())
  }
  const raised = masks.filter((m) => m.dtype !== 'bool').reduce((s, m) => s.add(m), scores)
  if (allowed.length === 0) return raised.softmax()
  const all = allowed.reduce((a, b) => a.and(b))
  // Of a row without any key, softmax is NaN.
  return where(all, where(all, raised, -Infinity).softmax(), 0)
}

/** bool `[L, S]` (S = L by default), true where key s comes after query l: what a causal model must not look at. */
export function causalMask(
  queries: number,
  keys: number = queries,
  options: Pick<TensorOptions, 'device'> = {},
): Tensor {
  const position = (n: number): Tensor => arange(0, n, 1, options)
  return position(queries).unsqueeze(1).lt(position(keys))
}

function checkOperands(q: Tensor, k: Tensor, v: Tensor): void {
  const fits =
    Math.min(q.rank, k.rank, v.rank) >= 2 && q.shape.at(-1) === k.shape.at(-1) && k.shape.at(-2) === v.shape.at(-2)
  const [heads, shared, values] = [q, k, v].map((t) => t.shape.at(-3) ?? 1)
  if (fits && (heads % shared === 0 || heads === 1) && (shared === values || Math.min(shared, values) === 1)) return
  throw new GliaError(
    'attention: needs queries […, L, E], keys […, S, E] and values […, S, V], with heads (axis −3) of keys and values that ' +
      `divide those of the queries; received ${showShape(q.shape)}, ${showShape(k.shape)} and ${showShape(v.shape)}.`,
  )
}
