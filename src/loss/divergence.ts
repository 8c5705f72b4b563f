/** @file How far probability distributions are from each other, and penalties made of that. */
import { GliaError } from '../core/errors.ts'
import { checkNumber } from '../core/ranges.ts'
import { sameShape, showShape } from '../core/shape.ts'
import { where } from '../tensor/elementwise.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { checkSame, type LossOptions, type Reduction, reduced } from './reduction.ts'

export interface KlDivOptions {
  /** As for all losses, or `batchmean`: the sum divided by the first extent, which is the divergence per example. */
  readonly reduction?: Reduction | 'batchmean'
  /** Whether the target holds log-probabilities too (default false). */
  readonly logTarget?: boolean
}

/**
 * Kullback–Leibler divergence of a prediction from the target, element by element: t (log t − x).
 *
 * @param logProbabilities x, `[…]`
 * @param target t, or log t with `logTarget`, of the same shape
 */
export function klDiv(logProbabilities: Tensor, target: Tensor, options: KlDivOptions = {}): Tensor {
  checkSame('klDiv', logProbabilities, target)
  const { reduction, logTarget = false } = options
  const losses = logTarget
    ? target.exp().mul(target.sub(logProbabilities))
    : xlogx(target).sub(target.mul(logProbabilities))
  if (reduction !== 'batchmean') return reduced(losses, reduction)
  if (losses.rank === 0 || losses.shape[0] === 0) {
    throw new GliaError(`klDiv: batchmean needs a batch; received shape ${showShape(losses.shape)}.`)
  }
  return losses.sum().div(losses.shape[0])
}

/** x log x, 0 at 0. */
function xlogx(x: Tensor): Tensor {
  const some = x.gt(0)
  return where(some, x.mul(where(some, x, 1).log()), 0)
}

/** Jensen–Shannon divergence of distributions p and q along the last axis, `[…, K] → […]`: symmetric, at most log 2. */
export function jensenShannon(p: Tensor, q: Tensor, options: LossOptions = {}): Tensor {
  checkSame('jensenShannon', p, q)
  const middle = p.add(q).mul(0.5)
  const losses = xlogx(p).add(xlogx(q)).mul(0.5).sub(xlogx(middle))
  return reduced(losses.sum(-1), options.reduction)
}

/**
 * Bhattacharyya distance of distributions p and q along the last axis, `[…, K] → […]`: −log Σ √(p q) (Bhattacharyya
 * 1943). 0 for equal ones; distributions that have nothing in common are about 34.5 − log K apart instead of infinitely.
 */
export function bhattacharyya(p: Tensor, q: Tensor, options: LossOptions = {}): Tensor {
  checkSame('bhattacharyya', p, q)
  // Above 0, where the root has an infinite slope.
  return reduced(p.mul(q).clamp(1e-30).sqrt().sum(-1).log().neg(), options.reduction)
}

export interface WassersteinOptions extends LossOptions {
  /** Where the K places are, in rising order: `[K]` (default 0, 1, 2 …). */
  readonly positions?: Tensor
}

/**
 * Wasserstein-1 (earth mover's) distance of distributions p and q over K places in a row, `[…, K] → […]`:
 * Σₖ |P(k) − Q(k)| (x_{k+1} − xₖ), with P and Q the running sums.
 */
export function wassersteinDistance(p: Tensor, q: Tensor, options: WassersteinOptions = {}): Tensor {
  checkSame('wassersteinDistance', p, q)
  const { positions } = options
  const places = p.shape[p.rank - 1] ?? 0
  if (places < 1) throw new GliaError(`wassersteinDistance: needs [.., K]; received ${showShape(p.shape)}.`)
  if (positions && !sameShape(positions.shape, [places])) {
    throw new GliaError(`wassersteinDistance: positions must be [${places}]; received ${showShape(positions.shape)}.`)
  }
  const moved = p
    .sub(q)
    .cumsum(-1)
    .abs()
    .narrow(-1, 0, places - 1)
  const steps = positions?.narrow(0, 1, places - 1).sub(positions.narrow(0, 0, places - 1))
  return reduced((steps ? moved.mul(steps) : moved).sum(-1), options.reduction)
}

/**
 * Kullback–Leibler divergence of normal distributions with mean μ and variance e^logVariance from the standard one
 * (Kingma & Welling 2014), summed over the last axis: −Σ (1 + log σ² − μ² − σ²) / 2, `[…, D] → […]`.
 */
export function gaussianKl(mean: Tensor, logVariance: Tensor, options: LossOptions = {}): Tensor {
  checkSame('gaussianKl', mean, logVariance)
  const terms = logVariance.add(1).sub(mean.square()).sub(logVariance.exp())
  return reduced(terms.sum(-1).mul(-0.5), options.reduction)
}

export interface ElboOptions extends LossOptions {
  /** Weight of the divergence (default 1; Higgins et al. 2017 take more). */
  readonly beta?: number
}

/**
 * Negative evidence lower bound of a variational autoencoder: reconstruction + β · gaussianKl(μ, log σ²).
 *
 * @param reconstruction −log p(x | z) of each example, `[B]` (such as `bce(…, { reduction: 'none' }).sum(1)`)
 * @param mean `[B, D]`
 * @param logVariance `[B, D]`
 */
export function elbo(reconstruction: Tensor, mean: Tensor, logVariance: Tensor, options: ElboOptions = {}): Tensor {
  const { beta = 1 } = options
  checkNumber('elbo', 'beta', beta, { min: 0 })
  const divergence = gaussianKl(mean, logVariance, { reduction: 'none' })
  checkSame('elbo', reconstruction, divergence)
  return reduced(reconstruction.add(divergence.mul(beta)), options.reduction)
}

/** λ Σ |a| per example, averaged over the first axis: keeps activations `[B, …]` sparse. */
export function l1Sparsity(activations: Tensor, weight = 1): Tensor {
  checkNumber('l1Sparsity', 'weight', weight, { min: 0 })
  if (activations.rank === 0 || activations.shape[0] === 0) {
    throw new GliaError(`l1Sparsity: needs activations [B, …]; received ${showShape(activations.shape)}.`)
  }
  return activations
    .abs()
    .sum()
    .mul(weight / activations.shape[0])
}

/**
 * Σ_j KL(ρ ‖ ρ̂_j), with ρ̂_j the mean activation of unit j over the batch (Ng 2011): keeps units quiet on average.
 *
 * @param activations `[B, D]`, each between 0 and 1
 * @param rho the mean that is wanted (default 0.05)
 */
export function klSparsity(activations: Tensor, rho = 0.05): Tensor {
  checkNumber('klSparsity', 'rho', rho, { above: 0, below: 1 })
  if (activations.rank === 0 || activations.shape[0] === 0) {
    throw new GliaError(`klSparsity: needs activations [B, …]; received ${showShape(activations.shape)}.`)
  }
  const mean = activations.mean(0).clamp(1e-7, 1 - 1e-7)
  const on = mean.log().neg().add(Math.log(rho)).mul(rho)
  const off = mean
    .neg()
    .log1p()
    .neg()
    .add(Math.log1p(-rho))
    .mul(1 - rho)
  return on.add(off).sum()
}
