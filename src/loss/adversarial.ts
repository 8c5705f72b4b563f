/**
 * @file Losses of generative adversarial networks. `real` and `fake` are what the discriminator (critic) says about
 * examples and about the generator's output: logits `[…]`, one per example or patch. Each loss is a mean.
 */
import { grad } from '../autograd/backward.ts'
import { enableGrad } from '../autograd/mode.ts'
import { GliaError } from '../core/errors.ts'
import { checkNumber } from '../core/ranges.ts'
import { sameShape, showShape } from '../core/shape.ts'
import { type RandomOptions, rand } from '../tensor/random.ts'
import type { Tensor } from '../tensor/tensor.ts'
import { reduced } from './reduction.ts'

/** −log σ(real) − log(1 − σ(fake)): tell examples from fakes (Goodfellow et al. 2014). */
export function minimaxDiscriminator(real: Tensor, fake: Tensor): Tensor {
  return reduced(real.neg().softplus()).add(reduced(fake.softplus()))
}

/** log(1 − σ(fake)): the generator's side of the minimax game. Its slope vanishes while fakes are poor. */
export function minimaxGenerator(fake: Tensor): Tensor {
  return reduced(fake.softplus()).neg()
}

/** −log σ(fake): the generator's loss that is used instead of the minimax one (Goodfellow et al. 2014). */
export function nonSaturatingGenerator(fake: Tensor): Tensor {
  return reduced(fake.neg().softplus())
}

/** ((real − 1)² + fake²) / 2 (Mao et al. 2017). */
export function leastSquaresDiscriminator(real: Tensor, fake: Tensor): Tensor {
  return reduced(real.sub(1).square()).add(reduced(fake.square())).mul(0.5)
}

/** (fake − 1)² / 2 (Mao et al. 2017). */
export function leastSquaresGenerator(fake: Tensor): Tensor {
  return reduced(fake.sub(1).square()).mul(0.5)
}

/** mean(fake) − mean(real): the critic widens the gap (Arjovsky et al. 2017). */
export function wassersteinCritic(real: Tensor, fake: Tensor): Tensor {
  return reduced(fake).sub(reduced(real))
}

/** −mean(fake) (Arjovsky et al. 2017). */
export function wassersteinGenerator(fake: Tensor): Tensor {
  return reduced(fake).neg()
}

/** max(0, 1 − real) + max(0, 1 + fake) (Lim & Ye 2017). */
export function hingeDiscriminator(real: Tensor, fake: Tensor): Tensor {
  return reduced(real.neg().add(1).relu()).add(reduced(fake.add(1).relu()))
}

export interface GradientPenaltyOptions extends RandomOptions {
  /** λ (default 10). */
  readonly weight?: number
  /** Where between fake (0) and real (1) each example is taken, `[B]`; by default at random, uniformly. */
  readonly mix?: Tensor
}

/**
 * λ (‖∇ critic(x)‖₂ − 1)², with x between examples and fakes (Gulrajani et al. 2017): holds the critic to slope 1. Its
 * own gradient needs second derivatives, which the critic's operations have.
 *
 * @param critic from `[B, …]` to one number per example
 * @param real examples `[B, …]`
 * @param fake the generator's output, of the same shape; no gradient flows to it
 */
export function gradientPenalty(
  critic: (x: Tensor) => Tensor,
  real: Tensor,
  fake: Tensor,
  options: GradientPenaltyOptions = {},
): Tensor {
  const { weight = 10, mix, ...random } = options
  checkNumber('gradientPenalty', 'weight', weight, { min: 0 })
  const [batch] = real.shape
  if (!sameShape(real.shape, fake.shape) || real.rank < 2 || batch === 0) {
    throw new GliaError(
      `gradientPenalty: real and fake must be of one shape [B, …]; received ${showShape(real.shape)} and ${showShape(fake.shape)}.`,
    )
  }
  const share = (mix ?? rand([batch], { device: real.device, ...random })).reshape([
    batch,
    ...real.shape.slice(1).map(() => 1),
  ])
  return enableGrad(() => {
    const between = fake.detach().add(real.detach().sub(fake.detach()).mul(share)).detach()
    between.requiresGrad = true
    const [slope] = grad(critic(between).sum(), [between], { createGraph: true })
    const length = slope.reshape([batch, -1]).square().sum(1).add(1e-12).sqrt()
    return length.sub(1).square().mean().mul(weight)
  })
}
