/** @file Structural similarity of images, as a function that can be differentiated. */
import { GliaError } from '../core/errors.ts'
import { checkNumber } from '../core/ranges.ts'
import { sameShape, showShape } from '../core/shape.ts'
import { conv } from '../nn/functional.ts'
import { tensor } from '../tensor/factories.ts'
import { cat } from '../tensor/movement.ts'
import type { Tensor } from '../tensor/tensor.ts'

export interface SsimOptions {
  /** Greatest possible value minus the least (default 1). */
  readonly range?: number
  /** Side of the window, an odd number (default 11). */
  readonly windowSize?: number
  /** Standard deviation of the window's weights, in pixels (default 1.5). */
  readonly sigma?: number
  /** The constants K₁ and K₂ (default [0.01, 0.03]). */
  readonly k?: readonly [number, number]
}

/**
 * Structural similarity (Wang et al. 2004), with C₁ = (K₁ range)² and C₂ = (K₂ range)²:
 *
 * ```text
 * (2 μa μb + C₁) (2 σab + C₂) / ((μa² + μb² + C₁) (σa² + σb² + C₂))
 * ```
 *
 * Means and (co)variances are those within a Gaussian window, taken wherever it fits into the image; the result is the
 * mean over these places and over channels.
 *
 * @param images `[B, C, H, W]`
 * @param references of the same shape
 * @returns `[B]`, 1 for equal images; `1 − ssim(…).mean()` is a loss
 */
export function ssim(images: Tensor, references: Tensor, options: SsimOptions = {}): Tensor {
  const { range = 1, windowSize = 11, sigma = 1.5, k = [0.01, 0.03] } = options
  checkNumber('ssim', 'range', range, { above: 0 })
  checkNumber('ssim', 'windowSize', windowSize, { min: 1, whole: true })
  checkNumber('ssim', 'sigma', sigma, { above: 0 })
  const { shape } = images
  if (!sameShape(shape, references.shape) || shape.length !== 4 || Math.min(shape[2], shape[3]) < windowSize) {
    throw new GliaError(
      `ssim: needs images and references of one shape [B, C, H, W], H and W at least ${windowSize}; received ` +
        `${showShape(shape)} and ${showShape(references.shape)}.`,
    )
  }
  const [batch, channels, height, width] = shape
  const a = images.reshape([batch * channels, 1, height, width])
  const b = references.reshape([batch * channels, 1, height, width])
  const weights = tensor(gaussian(windowSize, sigma), { device: images.device })
  const windowed = (x: Tensor): Tensor =>
    conv(conv(x, weights.reshape([1, 1, -1, 1]), null), weights.reshape([1, 1, 1, -1]), null)
  const [meanA, meanB, squareA, squareB, mixed] = windowed(cat([a, b, a.square(), b.square(), a.mul(b)])).chunk(5)
  const [c1, c2] = k.map((factor) => (factor * range) ** 2)
  const product = meanA.mul(meanB)
  const squares = meanA.square().add(meanB.square())
  const covariance = mixed.sub(product)
  const variances = squareA.add(squareB).sub(squares)
  const likeness = product
    .mul(2)
    .add(c1)
    .mul(covariance.mul(2).add(c2))
    .div(squares.add(c1).mul(variances.add(c2)))
  return likeness.reshape([batch, -1]).mean(1)
}

/** Weights of a Gaussian window, adding up to 1. */
function gaussian(size: number, sigma: number): Float64Array {
  const weights = Float64Array.from({ length: size }, (_, i) =>
    Math.exp(-((i - (size - 1) / 2) ** 2) / (2 * sigma ** 2)),
  )
  const sum = weights.reduce((x, y) => x + y, 0)
  return weights.map((w) => w / sum)
}
