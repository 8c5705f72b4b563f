/** @file Losses that arrange embeddings: like ones near, others apart. */
import { GliaError } from '../core/errors.ts'
import { checkNumber } from '../core/ranges.ts'
import { sameShape, showShape } from '../core/shape.ts'
import { where } from '../tensor/elementwise.ts'
import { arange, eye } from '../tensor/factories.ts'
import { cat } from '../tensor/movement.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { crossEntropy } from './classification.ts'
import type { MarginOptions } from './margin.ts'
import { checkSame, checkShape, type LossOptions, reduced } from './reduction.ts'

/** Distance between rows of two tensors, `[…, D] → […]`. */
export type Distance = (a: Tensor, b: Tensor) => Tensor

/** ‖a − b + ε‖ₚ along the last axis, `[…, D] → […]`; ε keeps the gradient finite at 0. */
export function pairwiseDistance(a: Tensor, b: Tensor, p = 2, eps = 1e-6): Tensor {
  return a.sub(b).add(eps).norm(p, -1)
}

/** a·b / (‖a‖ ‖b‖) along the last axis, `[…, D] → […]`. */
function cosine(a: Tensor, b: Tensor): Tensor {
  const tiny = 1e-12
  const squares = a.square().sum(-1).add(tiny).mul(b.square().sum(-1).add(tiny))
  return a.mul(b).sum(-1).div(squares.sqrt())
}

/**
 * 1 − cos(a, b) where y = 1, max(0, cos(a, b) − margin) where y = −1.
 *
 * @param a `[B, D]`, or `[D]`; so is b
 * @param target ±1, `[B]`, or `[]`
 * @param options.margin from −1 to 1 (default 0)
 */
export function cosineEmbedding(a: Tensor, b: Tensor, target: Tensor, options: MarginOptions = {}): Tensor {
  const { margin = 0 } = options
  checkNumber('cosineEmbedding', 'margin', margin, { min: -1, max: 1 })
  checkSame('cosineEmbedding', a, b)
  checkShape('cosineEmbedding', 'target', target, sameShape(target.shape, a.shape.slice(0, -1)), 'one number per pair')
  const similarity = cosine(a, b)
  const losses = where(target.eq(1), similarity.neg().add(1), where(target.eq(-1), similarity.sub(margin).relu(), 0))
  return reduced(losses, options.reduction)
}

export interface TripletMarginOptions extends MarginOptions {
  /** Which norm (default 2). */
  readonly p?: number
  /** Added to differences, so that gradients stay finite (default 1e-6). */
  readonly eps?: number
  /** Whether the negative keeps away from the positive too, if that is nearer (default false; Balntas et al. 2016). */
  readonly swap?: boolean
  /** Instead of a p-norm. */
  readonly distance?: Distance
}

/**
 * max(0, d(a, p) − d(a, n) + margin): the anchor shall be nearer to the positive than to the negative (Schroff et al.
 * 2015). All three `[…, D]`; margin 1 by default.
 */
export function tripletMargin(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  options: TripletMarginOptions = {},
): Tensor {
  const { margin = 1, p = 2, eps = 1e-6, swap = false } = options
  checkNumber('tripletMargin', 'margin', margin)
  checkNumber('tripletMargin', 'p', p, { above: 0 })
  checkSame('tripletMargin', anchor, positive)
  checkSame('tripletMargin', anchor, negative)
  const distance = options.distance ?? ((a: Tensor, b: Tensor): Tensor => pairwiseDistance(a, b, p, eps))
  const apart = distance(anchor, negative)
  const nearest = swap ? apart.minimum(distance(positive, negative)) : apart
  return reduced(distance(anchor, positive).sub(nearest).add(margin).relu(), options.reduction)
}

/**
 * Contrastive loss of pairs (Hadsell et al. 2006): y d² / 2 + (1 − y) max(0, margin − d)² / 2, with d = ‖a − b‖.
 *
 * @param a `[B, D]`; so is b
 * @param target `[B]`: 1 for pairs that belong together, 0 for others
 */
export function contrastive(a: Tensor, b: Tensor, target: Tensor, options: MarginOptions = {}): Tensor {
  const { margin = 1 } = options
  checkNumber('contrastive', 'margin', margin, { above: 0 })
  checkSame('contrastive', a, b)
  checkShape('contrastive', 'target', target, sameShape(target.shape, a.shape.slice(0, -1)), 'one number per pair')
  const y = target.cast(a.dtype)
  const d = pairwiseDistance(a, b)
  const apart = d.neg().add(margin).relu().square()
  return reduced(y.mul(d.square()).add(y.neg().add(1).mul(apart)).mul(0.5), options.reduction)
}

export interface TemperatureOptions extends LossOptions {
  /** What similarities are divided by. */
  readonly temperature?: number
}

/** Rows divided by their lengths. */
function normalised(x: Tensor): Tensor {
  return x.div(x.square().sum(-1, { keepdim: true }).add(1e-12).sqrt())
}

function temperatureOf(operation: string, { temperature = 0.5 }: TemperatureOptions): number {
  checkNumber(operation, 'temperature', temperature, { above: 0 })
  return temperature
}

/**
 * NT-Xent (Chen et al. 2020, SimCLR): each of 2B embeddings shall find its partner among the other 2B − 1, by cosine
 * similarity over a temperature (default 0.5).
 *
 * @param a embeddings `[B, D]` of one view of each example
 * @param b of the other view
 * @returns one number, or `[2B]` with `reduction: 'none'`
 */
export function ntXent(a: Tensor, b: Tensor, options: TemperatureOptions = {}): Tensor {
  checkShape('ntXent', 'embeddings', a, a.rank === 2 && a.shape[0] > 0, '[B, D] with B of at least 1')
  checkSame('ntXent', a, b)
  const batch = a.shape[0]
  const z = normalised(cat([a, b]))
  const similarities = z.matmul(z.T).div(temperatureOf('ntXent', options))
  const itself = eye(2 * batch, undefined, { device: a.device, dtype: 'bool' })
  const partner = arange(2 * batch, undefined, 1, { device: a.device })
    .add(batch)
    .mod(2 * batch)
  return crossEntropy(where(itself, -1e9, similarities), partner, options)
}

export interface InfoNceOptions extends TemperatureOptions {
  /** Keys `[M, D]` that match no query; by default the other queries' keys. */
  readonly negatives?: Tensor
}

/**
 * InfoNCE (van den Oord et al. 2018): each query shall find its key among the others, by cosine similarity over a
 * temperature (default 0.5).
 *
 * @param queries `[B, D]`
 * @param keys `[B, D]`, the matching ones
 * @returns one number, or `[B]` with `reduction: 'none'`
 */
export function infoNce(queries: Tensor, keys: Tensor, options: InfoNceOptions = {}): Tensor {
  checkShape('infoNce', 'queries', queries, queries.rank === 2 && queries.shape[0] > 0, '[B, D] with B of at least 1')
  checkSame('infoNce', queries, keys)
  const { negatives } = options
  const temperature = temperatureOf('infoNce', options)
  const [q, k] = [normalised(queries), normalised(keys)]
  const { device } = queries
  if (!negatives) {
    const own = arange(queries.shape[0], undefined, 1, { device })
    return crossEntropy(q.matmul(k.T).div(temperature), own, options)
  }
  if (negatives.rank !== 2 || negatives.shape[1] !== queries.shape[1]) {
    throw new GliaError(
      `infoNce: negatives must be [M, ${queries.shape[1]}] like the queries; received ${showShape(negatives.shape)}.`,
    )
  }
  const positive = q.mul(k).sum(-1, { keepdim: true })
  const logits = cat([positive, q.matmul(normalised(negatives).T)], 1).div(temperature)
  const first = arange(queries.shape[0], undefined, 1, { device }).mul(0)
  return crossEntropy(logits, first, options)
}
