/** @file The blocks of a transformer: attention and a feed-forward part, each added to its input and normalised. */
import type { Tensor } from '../../tensor/tensor.ts'
import { type ActivationChoice, activationOf } from '../activations/index.ts'
import { MultiheadAttention } from '../attention/multihead.ts'
import { checkCounts } from '../check.ts'
import { Dropout } from '../dropout.ts'
import { Linear } from '../linear.ts'
import { Module } from '../module.ts'
import { LayerNorm } from '../normalisation.ts'

export interface TransformerLayerOptions {
  /** Hidden extent of the feed-forward part (default 2048). */
  readonly dimFeedforward?: number
  /** Probability of dropout, of weights, hidden units and what is added, in training (default 0.1). */
  readonly dropout?: number
  /** Of the feed-forward part (default 'relu'). */
  readonly activation?: ActivationChoice
  /** Added to variances (default 1e-5). */
  readonly layerNormEps?: number
  /** Whether sequences come as `[B, T, E]` rather than `[T, B, E]` (default false). */
  readonly batchFirst?: boolean
  /** Whether to normalise what goes into a part, x + f(norm(x)), rather than what comes out, norm(x + f(x)) (default false). */
  readonly normFirst?: boolean
}

/** As in PyTorch, true in masks is where attention must not look; float masks are added to the scores. */
export interface EncoderLayerInputs {
  /** `[S, S]`, or `[B · heads, S, S]`. */
  readonly srcMask?: Tensor | null
  /** `[B, S]`: steps that nobody may look at. */
  readonly srcKeyPaddingMask?: Tensor | null
  /** Whether a step may look at itself and those before alone (default false). */
  readonly causal?: boolean
}

export interface DecoderInputs {
  /** `[T, T]`, or `[B · heads, T, T]`. */
  readonly tgtMask?: Tensor | null
  /** `[T, S]`, or `[B · heads, T, S]`. */
  readonly memoryMask?: Tensor | null
  /** `[B, T]`: steps of the target that nobody may look at. */
  readonly tgtKeyPaddingMask?: Tensor | null
  /** `[B, S]`: steps of the memory that nobody may look at. */
  readonly memoryKeyPaddingMask?: Tensor | null
  /** Whether a step of the target may look at itself and those before alone (default false). */
  readonly tgtCausal?: boolean
}

/** What encoder and decoder blocks share: the options, and how a part is joined to its input. */
abstract class Block<A extends readonly unknown[]> extends Module<A> {
  readonly normFirst: boolean
  readonly activation: (x: Tensor) => Tensor

  constructor(dModel: number, numHeads: number, options: TransformerLayerOptions) {
    super()
    checkCounts(new.target.name, { dModel, numHeads, dimFeedforward: options.dimFeedforward ?? 2048 })
    this.normFirst = options.normFirst ?? false
    this.activation = activationOf(new.target.name, options.activation ?? 'relu')
  }

  /** x + part(norm(x)), or norm(x + part(x)). */
  protected add(x: Tensor, norm: LayerNorm, part: (x: Tensor) => Tensor): Tensor {
    return this.normFirst ? x.add(part(norm.call(x))) : norm.call(x.add(part(x)))
  }
}

function attention(dModel: number, numHeads: number, options: TransformerLayerOptions): MultiheadAttention {
  const { dropout = 0.1, batchFirst = false } = options
  return new MultiheadAttention(dModel, numHeads, { dropout, batchFirst })
}

/**
 * Self-attention and a feed-forward part (Vaswani et al. 2017): `[S, B, E] → [S, B, E]`.
 *
 * Parts: `self_attn`, `linear1`, `linear2`, `norm1`, `norm2`.
 */
export class TransformerEncoderLayer extends Block<[src: Tensor, inputs?: EncoderLayerInputs]> {
  readonly self_attn: MultiheadAttention
  readonly linear1: Linear
  readonly dropout: Dropout
  readonly linear2: Linear
  readonly norm1: LayerNorm
  readonly norm2: LayerNorm
  readonly dropout1: Dropout
  readonly dropout2: Dropout

  /**
   * @param dModel E
   * @param numHeads divides E
   */
  constructor(dModel: number, numHeads: number, options: TransformerLayerOptions = {}) {
    super(dModel, numHeads, options)
    const { dimFeedforward = 2048, dropout = 0.1, layerNormEps: eps = 1e-5 } = options
    this.self_attn = attention(dModel, numHeads, options)
    this.linear1 = new Linear(dModel, dimFeedforward)
    this.dropout = new Dropout(dropout)
    this.linear2 = new Linear(dimFeedforward, dModel)
    this.norm1 = new LayerNorm(dModel, { eps })
    this.norm2 = new LayerNorm(dModel, { eps })
    this.dropout1 = new Dropout(dropout)
    this.dropout2 = new Dropout(dropout)
  }

  forward(src: Tensor, inputs: EncoderLayerInputs = {}): Tensor {
    const { srcMask = null, srcKeyPaddingMask = null, causal = false } = inputs
    const masks = { attnMask: srcMask, keyPaddingMask: srcKeyPaddingMask, causal, needWeights: false }
    const x = this.add(src, this.norm1, (t) => this.dropout1.call(this.self_attn.call(t, t, t, masks)[0]))
    return this.add(x, this.norm2, (t) => {
      const hidden = this.dropout.call(this.activation(this.linear1.call(t)))
      return this.dropout2.call(this.linear2.call(hidden))
    })
  }
}

/**
 * Self-attention, attention to the encoder's output, and a feed-forward part (Vaswani et al. 2017): target `[T, B, E]` and
 * memory `[S, B, E]` → `[T, B, E]`.
 *
 * Parts: `self_attn`, `multihead_attn`, `linear1`, `linear2`, `norm1`, `norm2`, `norm3`.
 */
export class TransformerDecoderLayer extends Block<[tgt: Tensor, memory: Tensor, inputs?: DecoderInputs]> {
  readonly self_attn: MultiheadAttention
  readonly multihead_attn: MultiheadAttention
  readonly linear1: Linear
  readonly dropout: Dropout
  readonly linear2: Linear
  readonly norm1: LayerNorm
  readonly norm2: LayerNorm
  readonly norm3: LayerNorm
  readonly dropout1: Dropout
  readonly dropout2: Dropout
  readonly dropout3: Dropout

  /**
   * @param dModel E
   * @param numHeads divides E
   */
  constructor(dModel: number, numHeads: number, options: TransformerLayerOptions = {}) {
    super(dModel, numHeads, options)
    const { dimFeedforward = 2048, dropout = 0.1, layerNormEps: eps = 1e-5 } = options
    this.self_attn = attention(dModel, numHeads, options)
    this.multihead_attn = attention(dModel, numHeads, options)
    this.linear1 = new Linear(dModel, dimFeedforward)
    this.dropout = new Dropout(dropout)
    this.linear2 = new Linear(dimFeedforward, dModel)
    this.norm1 = new LayerNorm(dModel, { eps })
    this.norm2 = new LayerNorm(dModel, { eps })
    this.norm3 = new LayerNorm(dModel, { eps })
    this.dropout1 = new Dropout(dropout)
    this.dropout2 = new Dropout(dropout)
    this.dropout3 = new Dropout(dropout)
  }

  forward(tgt: Tensor, memory: Tensor, inputs: DecoderInputs = {}): Tensor {
    const own = {
      attnMask: inputs.tgtMask ?? null,
      keyPaddingMask: inputs.tgtKeyPaddingMask ?? null,
      causal: inputs.tgtCausal ?? false,
      needWeights: false,
    }
    const across = {
      attnMask: inputs.memoryMask ?? null,
      keyPaddingMask: inputs.memoryKeyPaddingMask ?? null,
      needWeights: false,
    }
    const x = this.add(tgt, this.norm1, (t) => this.dropout1.call(this.self_attn.call(t, t, t, own)[0]))
    const y = this.add(x, this.norm2, (t) => this.dropout2.call(this.multihead_attn.call(t, memory, memory, across)[0]))
    return this.add(y, this.norm3, (t) => {
      const hidden = this.dropout.call(this.activation(this.linear1.call(t)))
      return this.dropout3.call(this.linear2.call(hidden))
    })
  }
}
