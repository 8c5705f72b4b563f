/** @file Multi-head attention, with PyTorch's parameters. */
import { GliaError } from '../../core/errors.ts'
import { sameShape, showShape } from '../../core/shape.ts'
import { zeros } from '../../tensor/factories.ts'
import { cat } from '../../tensor/movement.ts'
import { Parameter } from '../../tensor/parameter.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { checkCounts, checkProbability } from '../check.ts'
import { type AttentionOptions, attend, causalMask, scaledDotProductAttention } from '../functional/attention.ts'
import { linear } from '../functional/linear.ts'
import { glorotNormal, glorotUniform } from '../init.ts'
import { Linear } from '../linear.ts'
import { Module } from '../module.ts'

export interface MultiheadAttentionOptions {
  /** Probability of dropping a weight, in training (default 0). */
  readonly dropout?: number
  /** Whether the projections have biases (default true). */
  readonly bias?: boolean
  /** Whether a learned key and value stand after those given (default false). */
  readonly addBiasKv?: boolean
  /** Whether a key and value of zeros stand last (default false). */
  readonly addZeroAttn?: boolean
  /** Extent of the keys (default: embedDim). */
  readonly kdim?: number
  /** Extent of the values (default: embedDim). */
  readonly vdim?: number
  /** Whether sequences come as `[B, T, E]` rather than `[T, B, E]` (default false). */
  readonly batchFirst?: boolean
}

/** As in PyTorch, true in these masks is where attention must not look; float masks are added to the scores. */
export interface MultiheadAttentionInputs {
  /** `[B, S]`: keys that nobody may look at. */
  readonly keyPaddingMask?: Tensor | null
  /** `[L, S]`, or `[B · heads, L, S]`. */
  readonly attnMask?: Tensor | null
  /** Whether query i may look at keys 0 … i alone (default false). */
  readonly causal?: boolean
  /** Whether to return the weights (default true). */
  readonly needWeights?: boolean
  /** Whether they are averaged over the heads (default true). */
  readonly averageAttnWeights?: boolean
}

/** `[L, B, E]` (or `[B, L, E]`), and the weights: `[B, L, S]`, of each head `[B, heads, L, S]`, or null. */
export type MultiheadAttentionResult = readonly [output: Tensor, weights: Tensor | null]

/**
 * `Concat(headᵢ) Wᵒ` with `headᵢ = softmax(q Wᵢᵠ (k Wᵢᵏ)ᵀ / √d) v Wᵢᵛ` (Vaswani et al. 2017).
 *
 * Queries `[L, B, E]`, keys `[S, B, kdim]`, values `[S, B, vdim]` (B first with `batchFirst`, or without B).
 *
 * Parameters: `in_proj_weight` `[3E, E]` (or, where extents differ, `q_proj_weight` `[E, E]`, `k_proj_weight` `[E, kdim]`,
 * `v_proj_weight` `[E, vdim]`), `in_proj_bias` `[3E]`, `bias_k`, `bias_v` `[1, 1, E]`; part: `out_proj`.
 */
export class MultiheadAttention extends Module<
  [query: Tensor, key: Tensor, value: Tensor, inputs?: MultiheadAttentionInputs],
  MultiheadAttentionResult
> {
  readonly embedDim: number
  readonly numHeads: number
  readonly options: MultiheadAttentionOptions
  in_proj_weight: Parameter | null = null
  q_proj_weight: Parameter | null = null
  k_proj_weight: Parameter | null = null
  v_proj_weight: Parameter | null = null
  in_proj_bias: Parameter | null = null
  bias_k: Parameter | null = null
  bias_v: Parameter | null = null
  readonly out_proj: Linear

  constructor(embedDim: number, numHeads: number, options: MultiheadAttentionOptions = {}) {
    super()
    const { kdim = embedDim, vdim = embedDim, bias = true } = options
    checkCounts('MultiheadAttention', { embedDim, numHeads, kdim, vdim })
    checkProbability('MultiheadAttention', options.dropout ?? 0)
    checkHeads('MultiheadAttention', embedDim, numHeads)
    this.embedDim = embedDim
    this.numHeads = numHeads
    this.options = options
    if (kdim === embedDim && vdim === embedDim) {
      this.in_proj_weight = new Parameter(glorotUniform([3 * embedDim, embedDim]))
    } else {
      this.q_proj_weight = new Parameter(glorotUniform([embedDim, embedDim]))
      this.k_proj_weight = new Parameter(glorotUniform([embedDim, kdim]))
      this.v_proj_weight = new Parameter(glorotUniform([embedDim, vdim]))
    }
    if (bias) this.in_proj_bias = new Parameter(zeros([3 * embedDim]))
    if (options.addBiasKv) {
      this.bias_k = new Parameter(glorotNormal([1, 1, embedDim]))
      this.bias_v = new Parameter(glorotNormal([1, 1, embedDim]))
    }
    this.out_proj = new Linear(embedDim, embedDim, { bias, init: 'kaimingUniformDefault' })
  }

  forward(query: Tensor, key: Tensor, value: Tensor, inputs: MultiheadAttentionInputs = {}): MultiheadAttentionResult {
    if (query.rank === 2 && key.rank === 2 && value.rank === 2) return this.#single(query, key, value, inputs)
    this.#check(query, key, value)
    const { batchFirst = false } = this.options
    const { needWeights = true, averageAttnWeights = true, causal = false } = inputs
    const projected = this.#project(query, key, value)
    const [q, ...kv] = batchFirst ? projected : projected.map((t) => t.transpose(0, 1))
    const [batch, queries] = q.shape
    const given = kv[0].shape[1]
    const [k, v] = this.#extend(kv)
    const extra = k.shape[1] - given
    const options: AttentionOptions = {
      mask: [
        ...this.#mask('attnMask', inputs.attnMask, batch, [queries, given], extra),
        ...this.#mask('keyPaddingMask', inputs.keyPaddingMask, batch, [given], extra),
        ...(causal && extra > 0
          ? [
              causalMask(queries, given, { device: q.device })
                .pad([[0, extra]])
                .not(),
            ]
          : []),
      ],
      causal: causal && extra === 0,
      dropout: this.training ? (this.options.dropout ?? 0) : 0,
    }
    const heads = [q, k, v].map((t) => this.#heads(t)) as [Tensor, Tensor, Tensor]
    const { output, weights } = needWeights
      ? attend(...heads, options)
      : { output: scaledDotProductAttention(...heads, options), weights: null }
    const joined = output.transpose(1, 2).reshape([batch, queries, this.embedDim])
    const y = this.out_proj.call(batchFirst ? joined : joined.transpose(0, 1))
    return [y, averageAttnWeights ? (weights?.mean(1) ?? null) : weights]
  }

  /** Of one sequence. */
  #single(query: Tensor, key: Tensor, value: Tensor, inputs: MultiheadAttentionInputs): MultiheadAttentionResult {
    const axis = this.options.batchFirst ? 0 : 1
    const keyPaddingMask = inputs.keyPaddingMask?.unsqueeze(0) ?? null
    const [q, k, v] = [query, key, value].map((t) => t.unsqueeze(axis))
    // One tensor in three roles stays one, which saves products.
    const [output, weights] = this.forward(q, key === query ? q : k, value === key ? (key === query ? q : k) : v, {
      ...inputs,
      keyPaddingMask,
    })
    return [output.squeeze(axis), weights?.squeeze(0) ?? null]
  }

  #project(query: Tensor, key: Tensor, value: Tensor): Tensor[] {
    const { in_proj_weight: whole, in_proj_bias: bias } = this
    if (whole && query === key && key === value) return linear(query, whole, bias).chunk(3, -1)
    const weights = whole ? whole.chunk(3) : [this.q_proj_weight, this.k_proj_weight, this.v_proj_weight]
    const biases = bias?.chunk(3)
    return [query, key, value].map((x, i) => linear(x, weights[i] as Tensor, biases?.[i] ?? null))
  }

  /** Keys and values `[B, S, E]` with the learned ones and those of zeros behind them. */
  #extend(kv: readonly Tensor[]): Tensor[] {
    const [batch] = kv[0].shape
    const learned = [this.bias_k, this.bias_v]
    return kv.map((t, i) => {
      const more = learned[i]?.expand([batch, 1, this.embedDim])
      const known = more ? cat([t, more], 1) : t
      return this.options.addZeroAttn
        ? known.pad([
            [0, 1],
            [0, 0],
          ])
        : known
    })
  }

  /** `[B, T, E] → [B, heads, T, E / heads]`. */
  #heads(x: Tensor): Tensor {
    const [batch, steps] = x.shape
    return x.reshape([batch, steps, this.numHeads, this.embedDim / this.numHeads]).transpose(1, 2)
  }

  /** A mask in PyTorch's sense as one in that of `attend`, with room for the keys that were added. */
  #mask(
    name: string,
    mask: Tensor | null | undefined,
    batch: number,
    shape: readonly number[],
    extra: number,
  ): Tensor[] {
    if (!mask) return []
    const keyed = shape.length === 1
    const shapes = keyed ? [[batch, ...shape]] : [shape, [batch * this.numHeads, ...shape]]
    if (!shapes.some((s) => sameShape(s, mask.shape)) || (mask.dtype !== 'bool' && !mask.dtype.startsWith('float'))) {
      throw new GliaError(
        `MultiheadAttention: ${name} must be bool or float ${shapes.map((s) => showShape(s)).join(' or ')}; received ` +
          `${mask.dtype} ${showShape(mask.shape)}.`,
      )
    }
    const padded = mask.pad([[0, extra]])
    const view = keyed
      ? padded.reshape([batch, 1, 1, shape[0] + extra])
      : mask.rank === 2
        ? padded
        : padded.reshape([batch, this.numHeads, shape[0], shape[1] + extra])
    return [mask.dtype === 'bool' ? view.not() : view]
  }

  #check(query: Tensor, key: Tensor, value: Tensor): void {
    const { batchFirst = false, kdim = this.embedDim, vdim = this.embedDim } = this.options
    const extents = [this.embedDim, kdim, vdim]
    const [b, t] = batchFirst ? [0, 1] : [1, 0]
    const all = [query, key, value]
    const fits =
      all.every((x, i) => x.rank === 3 && x.shape[2] === extents[i] && x.shape[b] === query.shape[b]) &&
      key.shape[t] === value.shape[t]
    if (fits) return
    const show = (letter: string, extent: number): string =>
      `[${batchFirst ? `B, ${letter}` : `${letter}, B`}, ${extent}]`
    throw new GliaError(
      `MultiheadAttention: expects query ${show('L', extents[0])}, key ${show('S', extents[1])} and value ` +
        `${show('S', extents[2])}; received ${all.map((x) => showShape(x.shape)).join(', ')}.`,
    )
  }
}

/** @throws GliaError unless the heads share the embedding evenly */
export function checkHeads(operation: string, embedDim: number, numHeads: number): void {
  if (embedDim % numHeads === 0) return
  throw new GliaError(`${operation}: numHeads must divide embedDim; received ${numHeads} heads for ${embedDim}.`)
}
