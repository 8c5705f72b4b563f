/** @file Embedding: a table of vectors, looked up by number, one by one or in bags. */

import { noGrad } from '../autograd/mode.ts'
import { GliaError } from '../core/errors.ts'
import { ops } from '../graph/ops.ts'
import { apply } from '../tensor/apply.ts'
import { where } from '../tensor/elementwise.ts'
import { arange, tensor } from '../tensor/factories.ts'
import { Parameter } from '../tensor/parameter.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { checkCounts } from './check.ts'
import { type BagMode, embedding, embeddingBag, occurrences } from './functional/embedding.ts'
import { type Init, initialiser, normal } from './init.ts'
import { Module } from './module.ts'

export interface EmbeddingOptions {
  /** A row that starts at zero and is never trained: the vector of padding. */
  readonly paddingIdx?: number
  /** Rows that are looked up are first scaled down, in the table itself, to at most this norm. */
  readonly maxNorm?: number
  /** p of that norm (default 2). */
  readonly normType?: number
  /** Initial table (default PyTorch's: standard normal). */
  readonly init?: Init
}

/** A table, and what is done to it before it is read. */
abstract class Table<A extends readonly unknown[]> extends Module<A> {
  weight: Parameter
  readonly paddingIdx: number | null
  readonly maxNorm: number | null
  readonly normType: number

  constructor(count: number, dimensions: number, options: EmbeddingOptions) {
    super()
    const { name } = new.target
    const { paddingIdx = null, maxNorm = null, normType = 2 } = options
    checkCounts(name, { count, dimensions })
    if (paddingIdx !== null && !(Number.isInteger(paddingIdx) && paddingIdx >= -count && paddingIdx < count)) {
      throw new GliaError(`${name}: paddingIdx must be a row, from ${-count} to ${count - 1}; received ${paddingIdx}.`)
    }
    if (maxNorm !== null && !(maxNorm > 0)) {
      throw new GliaError(`${name}: maxNorm must be positive; received ${maxNorm}.`)
    }
    this.paddingIdx = paddingIdx !== null && paddingIdx < 0 ? paddingIdx + count : paddingIdx
    this.maxNorm = maxNorm
    this.normType = normType
    const table = initialiser(options.init ?? normal(1))([count, dimensions])
    this.weight = new Parameter(
      this.paddingIdx === null ? table : where(arange(count).unsqueeze(1).eq(this.paddingIdx), 0, table),
    )
  }

  /** The table, after the rows that are about to be read have been scaled down to `maxNorm`. */
  protected rowsFor(indices: Tensor): Parameter {
    const { maxNorm, weight } = this
    if (maxNorm === null) return weight
    noGrad(() => {
      const count = weight.shape[0]
      const uses = apply('embedding', [indices], (i) => ops.reshape(occurrences(i, count, 'embedding'), [count, 1]))
      const norms = weight.norm(this.normType, 1, { keepdim: true })
      const tooLong = uses.gt(0).and(norms.gt(maxNorm))
      weight.assign(where(tooLong, weight.mul(norms.add(1e-7).reciprocal().mul(maxNorm)), weight))
    })
    return weight
  }
}

/**
 * Rows of a table: int32 `[…] → […, D]`.
 *
 * Parameter: `weight` `[N, D]`.
 *
 * @throws GliaError when computed with an index outside [−N, N)
 */
export class Embedding extends Table<[indices: Tensor]> {
  constructor(count: number, dimensions: number, options: EmbeddingOptions = {}) {
    super(count, dimensions, options)
  }

  /** Loads a table of vectors, one row per entry. */
  static from(rows: readonly (readonly number[])[] | Tensor): Embedding {
    const table = Array.isArray(rows) ? tensor(rows) : (rows as Tensor)
    return new Embedding(table.shape[0], table.shape[1], { init: () => table })
  }

  forward(indices: Tensor): Tensor {
    return embedding(indices, this.rowsFor(indices), this.paddingIdx)
  }
}

export interface EmbeddingBagLayerOptions extends EmbeddingOptions {
  /** Default 'mean'. */
  readonly mode?: BagMode
  /** Whether `offsets` ends with N (default false). */
  readonly includeLastOffset?: boolean
}

/** Where bags begin, and what their rows count. */
export interface BagInputs {
  /** int32 `[B]`, ascending from 0: where each bag begins among indices `[N]`. */
  readonly offsets?: Tensor
  /** Factors of the rows, of the indices' shape; only for sums. */
  readonly perSampleWeights?: Tensor
}

/**
 * The sum, mean or maximum of the rows of each bag: int32 `[B, N] → [B, D]`, or `[N] → [B, D]` with `offsets` `[B]`. Of
 * an empty bag: zeros. Rows `paddingIdx` do not count.
 *
 * Parameter: `weight` `[rows, D]`.
 */
export class EmbeddingBag extends Table<[indices: Tensor, bags?: BagInputs]> {
  readonly mode: BagMode
  readonly includeLastOffset: boolean

  constructor(count: number, dimensions: number, options: EmbeddingBagLayerOptions = {}) {
    super(count, dimensions, options)
    this.mode = options.mode ?? 'mean'
    this.includeLastOffset = options.includeLastOffset ?? false
    if (!['sum', 'mean', 'max'].includes(this.mode)) {
      throw new GliaError(`EmbeddingBag: mode must be 'sum', 'mean' or 'max'; received '${this.mode}'.`)
    }
  }

  forward(indices: Tensor, bags: BagInputs = {}): Tensor {
    const { mode, includeLastOffset, paddingIdx } = this
    return embeddingBag(indices, this.rowsFor(indices), { mode, includeLastOffset, paddingIdx, ...bags })
  }
}
