/** @file Losses of images and of masks: overlap, smoothness, content and style. */
import { GliaError } from '../core/errors.ts'
import { checkNumber } from '../core/ranges.ts'
import { showShape } from '../core/shape.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { checkSame, checkShape, type LossOptions, reduced } from './reduction.ts'
import { l1, mse } from './regression.ts'

export interface DiceOptions extends LossOptions {
  /** Added to numerator and denominator (default 1), so that an empty mask found empty counts as found. */
  readonly smooth?: number
}

export interface TverskyOptions extends DiceOptions {
  /** Weight of what is found but not there (default 0.5). */
  readonly alpha?: number
  /** Weight of what is there but not found (default 0.5). */
  readonly beta?: number
}

/**
 * 1 − Tversky index of a mask (Salehi et al. 2017): 1 − (Σ p y + s) / (Σ p y + α Σ p (1 − y) + β Σ (1 − p) y + s).
 *
 * @param probabilities `[B, N]`, or `[B, C, …]` where each channel counts by itself
 * @param target 0, 1 or between, of the same shape
 * @returns one number, or `[B]` (`[B, C]`) with `reduction: 'none'`
 */
export function tversky(probabilities: Tensor, target: Tensor, options: TverskyOptions = {}): Tensor {
  const { alpha = 0.5, beta = 0.5, smooth = 1 } = options
  checkNumber('tversky', 'alpha', alpha, { min: 0 })
  checkNumber('tversky', 'beta', beta, { min: 0 })
  checkNumber('tversky', 'smooth', smooth, { min: 0 })
  checkSame('tversky', probabilities, target)
  checkShape('tversky', 'probabilities', probabilities, probabilities.rank >= 2, '[B, N] or [B, C, …]')
  const axes = probabilities.shape.flatMap((_, i) => (i >= Math.min(2, probabilities.rank - 1) ? [i] : []))
  const y = target.cast(probabilities.dtype)
  const hit = probabilities.mul(y).sum(axes)
  const extra = probabilities.sum(axes).sub(hit)
  const missed = y.sum(axes).sub(hit)
  const whole = hit.add(extra.mul(alpha)).add(missed.mul(beta)).add(smooth)
  return reduced(hit.add(smooth).div(whole).neg().add(1), options.reduction)
}

/**
 * 1 − Dice coefficient of a mask (Milletari et al. 2016): 1 − (2 Σ p y + s) / (Σ p + Σ y + s). Shapes as for `tversky`,
 * of which it is the case α = β = ½.
 */
export function dice(probabilities: Tensor, target: Tensor, options: DiceOptions = {}): Tensor {
  const { smooth = 1 } = options
  checkNumber('dice', 'smooth', smooth, { min: 0 })
  // Halved throughout: (Σ p y + s/2) / ((Σ p + Σ y) / 2 + s/2).
  return tversky(probabilities, target, { ...options, alpha: 0.5, beta: 0.5, smooth: smooth / 2 })
}

export interface TotalVariationOptions {
  /** Power of the differences: 1 (the default) or 2. */
  readonly p?: 1 | 2
  /** `sum` (the default) over everything, or `mean`: the sum divided by the number of elements. */
  readonly reduction?: 'sum' | 'mean'
}

/** Total variation of images `[…, H, W]` (Rudin et al. 1992): Σ |x_{i+1,j} − x_{i,j}|ᵖ + Σ |x_{i,j+1} − x_{i,j}|ᵖ. */
export function totalVariation(images: Tensor, options: TotalVariationOptions = {}): Tensor {
  const { p = 1, reduction = 'sum' } = options
  if (p !== 1 && p !== 2) throw new GliaError(`totalVariation: p must be 1 or 2; received ${String(p)}.`)
  checkShape('totalVariation', 'images', images, images.rank >= 2 && images.size > 0, '[…, H, W]')
  const along = (axis: -1 | -2): Tensor => {
    const extent = images.shape[images.rank + axis]
    const steps = images.narrow(axis, 1, extent - 1).sub(images.narrow(axis, 0, extent - 1))
    return (p === 1 ? steps.abs() : steps.square()).sum()
  }
  const sum = along(-2).add(along(-1))
  return reduction === 'mean' ? sum.div(images.size) : sum
}

/** Correlations of channels, `[B, C, H, W] → [B, C, C]`: F Fᵀ / (C H W), with F the features as `[C, H W]` (Gatys et al. 2016). */
export function gramMatrix(features: Tensor): Tensor {
  checkShape('gramMatrix', 'features', features, features.rank === 4 && features.size > 0, '[B, C, H, W]')
  const [b, c, h, w] = features.shape
  const flat = features.reshape([b, c, h * w])
  return flat.matmul(flat.transpose()).div(c * h * w)
}

/** Features at one or several layers of a network. */
export type Features = Tensor | readonly Tensor[]

export interface FeatureOptions {
  /** Weight of each layer (default 1). */
  readonly weights?: readonly number[]
}

function overLayers(
  operation: string,
  prediction: Features,
  target: Features,
  { weights }: FeatureOptions,
  distance: (p: Tensor, t: Tensor) => Tensor,
): Tensor {
  const [ps, ts] = [asList(prediction), asList(target)]
  if (ps.length === 0 || ps.length !== ts.length || (weights && weights.length !== ps.length)) {
    throw new GliaError(
      `${operation}: needs features, targets and weights of the same layers; received ${ps.length} features, ${ts.length} ` +
        `targets${weights ? ` and ${weights.length} weights` : ''}.`,
    )
  }
  return ps
    .map((p, i) => {
      const loss = distance(p, ts[i])
      return weights ? loss.mul(weights[i]) : loss
    })
    .reduce((a, b) => a.add(b))
}

function asList(features: Features): readonly Tensor[] {
  return Array.isArray(features) ? features : [features as Tensor]
}

/** Mean squared difference of features of a network, summed over layers (Gatys et al. 2016). */
export function content(prediction: Features, target: Features, options: FeatureOptions = {}): Tensor {
  return overLayers('content', prediction, target, options, mse)
}

/**
 * Mean squared difference of Gram matrices of features `[B, C, H, W]`, summed over layers (Gatys et al. 2016). Images of
 * different sizes can be compared: only B and C must agree.
 */
export function style(prediction: Features, target: Features, options: FeatureOptions = {}): Tensor {
  return overLayers('style', prediction, target, options, (p, t) => {
    if (p.shape[1] !== t.shape[1]) {
      throw new GliaError(
        `style: features ${showShape(p.shape)} and ${showShape(t.shape)} must have the same channels.`,
      )
    }
    return mse(gramMatrix(p), gramMatrix(t))
  })
}

export interface PerceptualOptions extends FeatureOptions {
  /** How features are compared: `l2` (the default: mean squares) or `l1`. */
  readonly norm?: 'l1' | 'l2'
}

/** Distance of two images as a network sees them (Johnson et al. 2016): that of its features, summed over layers. */
export function perceptual(
  prediction: Tensor,
  target: Tensor,
  network: (images: Tensor) => Features,
  options: PerceptualOptions = {},
): Tensor {
  checkSame('perceptual', prediction, target)
  const distance = options.norm === 'l1' ? l1 : mse
  return overLayers('perceptual', network(prediction), network(target), options, distance)
}
