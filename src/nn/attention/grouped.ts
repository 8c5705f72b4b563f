/** @file Attention whose heads share keys and values. */
import { GliaError } from '../../core/errors.ts'
import { showShape } from '../../core/shape.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { checkCounts, checkProbability } from '../check.ts'
import { scaledDotProductAttention } from '../functional/attention.ts'
import { type RotaryOptions, rotary } from '../functional/positions.ts'
import { Linear } from '../linear.ts'
import { Module } from '../module.ts'
import { checkHeads } from './multihead.ts'

export interface GroupedQueryAttentionOptions {
  /** Probability of dropping a weight, in training (default 0). */
  readonly dropout?: number
  /** Whether the projections have biases (default false). */
  readonly bias?: boolean
  /** Whether a step may look at itself and those before alone (default false). */
  readonly causal?: boolean
  /** Turns queries and keys by their positions (default: not). */
  readonly rotary?: RotaryOptions | boolean
}

/**
 * Self-attention with fewer keys and values than queries: each of `numKvHeads` serves `numHeads / numKvHeads` heads that
 * are neighbours (Ainslie et al. 2023; with one, multi-query attention, Shazeer 2019). `[B, T, E] → [B, T, E]`.
 *
 * Parts: `q_proj`, `k_proj`, `v_proj`, `o_proj`.
 */
export class GroupedQueryAttention extends Module<[x: Tensor, mask?: Tensor | null]> {
  readonly numHeads: number
  readonly numKvHeads: number
  readonly headDim: number
  readonly options: GroupedQueryAttentionOptions
  readonly q_proj: Linear
  readonly k_proj: Linear
  readonly v_proj: Linear
  readonly o_proj: Linear

  constructor(embedDim: number, numHeads: number, numKvHeads: number, options: GroupedQueryAttentionOptions = {}) {
    super()
    checkCounts('GroupedQueryAttention', { embedDim, numHeads, numKvHeads })
    checkProbability('GroupedQueryAttention', options.dropout ?? 0)
    checkHeads('GroupedQueryAttention', embedDim, numHeads)
    if (numHeads % numKvHeads !== 0) {
      throw new GliaError(
        `GroupedQueryAttention: numKvHeads must divide numHeads; received ${numKvHeads} for ${numHeads} heads.`,
      )
    }
    this.numHeads = numHeads
    this.numKvHeads = numKvHeads
    this.headDim = embedDim / numHeads
    this.options = options
    const bias = options.bias ?? false
    this.q_proj = new Linear(embedDim, embedDim, { bias })
    this.k_proj = new Linear(embedDim, numKvHeads * this.headDim, { bias })
    this.v_proj = new Linear(embedDim, numKvHeads * this.headDim, { bias })
    this.o_proj = new Linear(embedDim, embedDim, { bias })
  }

  /** @param mask broadcast to `[B, heads, T, T]`: bool, true where a step may look, or float, added to the scores */
  forward(x: Tensor, mask: Tensor | null = null): Tensor {
    const embedDim = this.numHeads * this.headDim
    if (x.rank !== 3 || x.shape[2] !== embedDim) {
      throw new GliaError(`GroupedQueryAttention: expects [B, T, ${embedDim}]; received ${showShape(x.shape)}.`)
    }
    const [batch, steps] = x.shape
    const { causal = false, rotary: turn = false, dropout = 0 } = this.options
    const heads = (projection: Linear, count: number): Tensor =>
      projection.call(x).reshape([batch, steps, count, this.headDim]).transpose(1, 2)
    const turned = (t: Tensor): Tensor => (turn === false ? t : rotary(t, turn === true ? {} : turn))
    const y = scaledDotProductAttention(
      turned(heads(this.q_proj, this.numHeads)),
      turned(heads(this.k_proj, this.numKvHeads)),
      heads(this.v_proj, this.numKvHeads),
      { mask, causal, dropout: this.training ? dropout : 0 },
    )
    return this.o_proj.call(y.transpose(1, 2).reshape([batch, steps, embedDim]))
  }
}
