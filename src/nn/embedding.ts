/** @file Embedding: a table of vectors, looked up by number. */

import { where } from '../tensor/elementwise.ts'
import { arange, tensor } from '../tensor/factories.ts'
import { Parameter } from '../tensor/parameter.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { embedding } from './functional.ts'
import { type Init, initialiser, normal } from './init.ts'
import { Module } from './module.ts'

export interface EmbeddingOptions {
  /** A row that starts at zero and is never trained: the vector of padding. */
  readonly paddingIdx?: number
  /** Initial table (default PyTorch's: standard normal). */
  readonly init?: Init
}

/**
 * Rows of a table: int32 `[…] → […, D]`.
 *
 * Parameter: `weight` `[N, D]`.
 *
 * @throws GliaError when computed with an index outside [−N, N)
 */
export class Embedding extends Module {
  weight: Parameter
  readonly paddingIdx: number | null

  constructor(count: number, dimensions: number, options: EmbeddingOptions = {}) {
    super()
    const { paddingIdx = null } = options
    this.paddingIdx = paddingIdx !== null && paddingIdx < 0 ? paddingIdx + count : paddingIdx
    const table = initialiser(options.init ?? normal(1))([count, dimensions])
    this.weight = new Parameter(
      this.paddingIdx === null ? table : where(arange(count).unsqueeze(1).eq(this.paddingIdx), 0, table),
    )
  }

  /** Loads a table of vectors, one row per entry. */
  static from(rows: readonly (readonly number[])[] | Tensor): Embedding {
    const table = Array.isArray(rows) ? tensor(rows) : (rows as Tensor)
    return new Embedding(table.shape[0], table.shape[1], { init: () => table })
  }

  forward(indices: Tensor): Tensor {
    return embedding(indices, this.weight, this.paddingIdx)
  }
}
