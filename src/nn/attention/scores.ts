/** @file The attention of recurrent encoders and decoders: a query looks at every step of a sequence. */
import { GliaError } from '../../core/errors.ts'
import { showShape } from '../../core/shape.ts'
import { Parameter } from '../../tensor/parameter.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { checkCounts } from '../check.ts'
import { maskedSoftmax } from '../functional/attention.ts'
import { uniform } from '../init.ts'
import { Linear } from '../linear.ts'
import { Module } from '../module.ts'

export interface LookOptions {
  /** What is averaged, `[B, S, V]` (default: the keys). */
  readonly values?: Tensor | null
  /** bool `[B, S]`, true where a query may look; a query that may look at nothing gets zeros. */
  readonly mask?: Tensor | null
}

/** The averaged values `[B, V]` and the weights `[B, S]`; for queries `[B, L, …]`, `[B, L, V]` and `[B, L, S]`. */
export type LookResult = readonly [context: Tensor, weights: Tensor]

/** Weights are the softmax of scores of each query with each key. */
abstract class Attention extends Module<[query: Tensor, keys: Tensor, options?: LookOptions], LookResult> {
  readonly querySize: number
  readonly keySize: number

  constructor(querySize: number, keySize: number) {
    super()
    checkCounts(new.target.name, { querySize, keySize })
    this.querySize = querySize
    this.keySize = keySize
  }

  /** `[B, L, querySize], [B, S, keySize] → [B, L, S]`. */
  protected abstract scores(queries: Tensor, keys: Tensor): Tensor

  /**
   * @param query `[B, querySize]`, or several per sequence, `[B, L, querySize]`
   * @param keys `[B, S, keySize]`
   */
  forward(query: Tensor, keys: Tensor, options: LookOptions = {}): LookResult {
    const { values, mask = null } = options
    this.#check(query, keys, values ?? keys, mask)
    const queries = query.rank === 2 ? query.unsqueeze(1) : query
    const scores = this.scores(queries, keys)
    const weights = maskedSoftmax(scores, { mask: mask?.unsqueeze(1) ?? null })
    const context = weights.matmul(values ?? keys)
    return query.rank === 2 ? [context.squeeze(1), weights.squeeze(1)] : [context, weights]
  }

  #check(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | null): void {
    const [batch, steps] = keys.shape
    const fits =
      (query.rank === 2 || query.rank === 3) &&
      keys.rank === 3 &&
      values.rank === 3 &&
      query.shape.at(-1) === this.querySize &&
      keys.shape[2] === this.keySize &&
      query.shape[0] === batch &&
      values.shape[0] === batch &&
      values.shape[1] === steps &&
      (mask === null ||
        (mask.dtype === 'bool' && mask.rank === 2 && mask.shape[0] === batch && mask.shape[1] === steps))
    if (fits) return
    throw new GliaError(
      `${this.constructor.name}: expects a query [B, ${this.querySize}] or [B, L, ${this.querySize}], keys [B, S, ` +
        `${this.keySize}], values [B, S, V] and a bool mask [B, S]; received ${showShape(query.shape)}, ` +
        `${showShape(keys.shape)}, ${showShape(values.shape)}${mask ? ` and ${mask.dtype} ${showShape(mask.shape)}` : ''}.`,
    )
  }
}

/**
 * Additive attention: `score = vᵀ tanh(W q + U k)` (Bahdanau et al. 2015).
 *
 * Parts, without biases: `query` (W), `key` (U), `score` (v).
 */
export class AdditiveAttention extends Attention {
  readonly query: Linear
  readonly key: Linear
  readonly score: Linear

  constructor(querySize: number, keySize: number, hiddenSize: number) {
    super(querySize, keySize)
    checkCounts('AdditiveAttention', { hiddenSize })
    this.query = new Linear(querySize, hiddenSize, { bias: false })
    this.key = new Linear(keySize, hiddenSize, { bias: false })
    this.score = new Linear(hiddenSize, 1, { bias: false })
  }

  protected scores(queries: Tensor, keys: Tensor): Tensor {
    const sum = this.query.call(queries).unsqueeze(2).add(this.key.call(keys).unsqueeze(1))
    return this.score.call(sum.tanh()).squeeze(-1)
  }
}

export interface LuongAttentionOptions {
  /** `'dot'`: qᵀ k (the default; both of one size); `'general'`: qᵀ W k. */
  readonly score?: 'dot' | 'general'
}

/**
 * Multiplicative attention: `score = qᵀ k`, or `qᵀ W k` (Luong et al. 2015).
 *
 * Parameter of the general form: `weight` `[querySize, keySize]`.
 */
export class LuongAttention extends Attention {
  weight: Parameter | null = null

  constructor(querySize: number, keySize: number = querySize, options: LuongAttentionOptions = {}) {
    super(querySize, keySize)
    const { score = 'dot' } = options
    if (score !== 'dot' && score !== 'general') {
      throw new GliaError(`LuongAttention: score must be 'dot' or 'general'; received '${score}'.`)
    }
    if (score === 'dot' && querySize !== keySize) {
      throw new GliaError(
        `LuongAttention: a dot product needs queries and keys of one size; received ${querySize} and ${keySize}. Choose { score: 'general' }.`,
      )
    }
    if (score === 'general') this.weight = new Parameter(uniform(1 / Math.sqrt(keySize))([querySize, keySize]))
  }

  protected scores(queries: Tensor, keys: Tensor): Tensor {
    return (this.weight ? queries.matmul(this.weight) : queries).matmul(keys.transpose())
  }
}
