/** @file Stacks of transformer blocks: encoder, decoder, and both (Vaswani et al. 2017). */
import { GliaError } from '../../core/errors.ts'
import { showShape } from '../../core/shape.ts'
import type { Tensor } from '../../tensor/tensor.ts'
import { checkCounts } from '../check.ts'
import { glorotUniform } from '../init.ts'
import { Module } from '../module.ts'
import { LayerNorm } from '../normalisation.ts'
import {
  type DecoderInputs,
  TransformerDecoderLayer,
  TransformerEncoderLayer,
  type TransformerLayerOptions,
} from './layers.ts'

export interface TransformerStackOptions extends TransformerLayerOptions {
  /** Whether to normalise what the last layer puts out (default false; `Transformer` always does). */
  readonly norm?: boolean
}

/** As in PyTorch, true in masks is where attention must not look; float masks are added to the scores. */
export interface EncoderInputs {
  /** `[S, S]`, or `[B · heads, S, S]`. */
  readonly mask?: Tensor | null
  /** `[B, S]`: steps that nobody may look at. */
  readonly srcKeyPaddingMask?: Tensor | null
  /** Whether a step may look at itself and those before alone (default false). */
  readonly causal?: boolean
}

function normOf(dModel: number, { norm = false, layerNormEps: eps = 1e-5 }: TransformerStackOptions): LayerNorm | null {
  return norm ? new LayerNorm(dModel, { eps }) : null
}

/** `numLayers` encoder layers, each of its own weights: `[S, B, E] → [S, B, E]`. Parts: `layers`, `norm`. */
export class TransformerEncoder extends Module<[src: Tensor, inputs?: EncoderInputs]> {
  readonly layers: readonly TransformerEncoderLayer[]
  readonly norm: LayerNorm | null

  constructor(dModel: number, numHeads: number, numLayers: number, options: TransformerStackOptions = {}) {
    super()
    checkCounts('TransformerEncoder', { numLayers })
    this.layers = Array.from({ length: numLayers }, () => new TransformerEncoderLayer(dModel, numHeads, options))
    this.norm = normOf(dModel, options)
  }

  forward(src: Tensor, inputs: EncoderInputs = {}): Tensor {
    const { mask: srcMask = null, srcKeyPaddingMask = null, causal = false } = inputs
    const y = this.layers.reduce((x, layer) => layer.call(x, { srcMask, srcKeyPaddingMask, causal }), src)
    return this.norm?.call(y) ?? y
  }
}

/**
 * `numLayers` decoder layers, each of its own weights: target `[T, B, E]` and memory `[S, B, E]` → `[T, B, E]`. Parts:
 * `layers`, `norm`.
 */
export class TransformerDecoder extends Module<[tgt: Tensor, memory: Tensor, inputs?: DecoderInputs]> {
  readonly layers: readonly TransformerDecoderLayer[]
  readonly norm: LayerNorm | null

  constructor(dModel: number, numHeads: number, numLayers: number, options: TransformerStackOptions = {}) {
    super()
    checkCounts('TransformerDecoder', { numLayers })
    this.layers = Array.from({ length: numLayers }, () => new TransformerDecoderLayer(dModel, numHeads, options))
    this.norm = normOf(dModel, options)
  }

  forward(tgt: Tensor, memory: Tensor, inputs: DecoderInputs = {}): Tensor {
    const y = this.layers.reduce((x, layer) => layer.call(x, memory, inputs), tgt)
    return this.norm?.call(y) ?? y
  }
}

export interface TransformerOptions extends TransformerLayerOptions {
  /** Default 6. */
  readonly numEncoderLayers?: number
  /** Default 6. */
  readonly numDecoderLayers?: number
}

/** As in PyTorch, true in masks is where attention must not look; float masks are added to the scores. */
export interface TransformerInputs extends DecoderInputs {
  /** `[S, S]`, or `[B · heads, S, S]`. */
  readonly srcMask?: Tensor | null
  /** `[B, S]`: steps of the source that the encoder may not look at. */
  readonly srcKeyPaddingMask?: Tensor | null
}

/**
 * Encoder and decoder, both with a last normalisation: source `[S, B, E]` and target `[T, B, E]` → `[T, B, E]`. Neither
 * embeds, tells positions, or predicts.
 *
 * Parts: `encoder`, `decoder`. Weights start as Glorot & Bengio's uniform.
 */
export class Transformer extends Module<[src: Tensor, tgt: Tensor, inputs?: TransformerInputs]> {
  readonly dModel: number
  readonly encoder: TransformerEncoder
  readonly decoder: TransformerDecoder

  /**
   * @param dModel E (default 512)
   * @param numHeads divides E (default 8)
   */
  constructor(dModel = 512, numHeads = 8, options: TransformerOptions = {}) {
    super()
    const { numEncoderLayers = 6, numDecoderLayers = 6, ...layer } = options
    this.dModel = dModel
    this.encoder = new TransformerEncoder(dModel, numHeads, numEncoderLayers, { ...layer, norm: true })
    this.decoder = new TransformerDecoder(dModel, numHeads, numDecoderLayers, { ...layer, norm: true })
    for (const p of this.parameters()) if (p.rank > 1) p.assign(glorotUniform(p.shape))
  }

  forward(src: Tensor, tgt: Tensor, inputs: TransformerInputs = {}): Tensor {
    const { srcMask: mask = null, srcKeyPaddingMask = null, ...masks } = inputs
    for (const [name, t] of [
      ['source', src],
      ['target', tgt],
    ] as const) {
      if (t.rank >= 2 && t.shape[t.rank - 1] === this.dModel) continue
      throw new GliaError(
        `Transformer: the ${name} must have ${this.dModel} entries along its last axis; received ${showShape(t.shape)}.`,
      )
    }
    return this.decoder.call(tgt, this.encoder.call(src, { mask, srcKeyPaddingMask }), masks)
  }
}
