/** @file Variational autoencoder of flattened digits (Kingma & Welling 2014). */
import { randn, type Tensor } from '../../src/index.ts'
import { bceWithLogits } from '../../src/loss/index.ts'
import { Linear, Module } from '../../src/nn/index.ts'

interface Reconstruction {
  /** Logits of the pixels, `[B, 784]`. */
  readonly logits: Tensor
  /** Mean and log variance of the code, `[B, 20]`. */
  readonly mu: Tensor
  readonly logVariance: Tensor
}

export class VAE extends Module<[x: Tensor, noise?: Tensor], Reconstruction> {
  readonly enc = new Linear(784, 400)
  readonly mu = new Linear(400, 20)
  readonly lv = new Linear(400, 20)
  readonly d1 = new Linear(20, 400)
  readonly d2 = new Linear(400, 784)

  /** @param noise normal numbers `[B, 20]` (default: fresh ones) */
  override forward(x: Tensor, noise: Tensor = randn([x.shape[0], 20])): Reconstruction {
    const h = this.enc.call(x).relu()
    const mu = this.mu.call(h)
    const logVariance = this.lv.call(h)
    const z = mu.add(noise.mul(logVariance.mul(0.5).exp()))
    return { logits: this.d2.call(this.d1.call(z).relu()), mu, logVariance }
  }
}

/** Summed cross-entropy of the pixels plus the divergence from the standard normal, −½ Σ (1 + log σ² − μ² − σ²). */
export function vaeLoss({ logits, mu, logVariance }: Reconstruction, x: Tensor): Tensor {
  const divergence = logVariance.add(1).sub(mu.square()).sub(logVariance.exp()).sum().mul(-0.5)
  return bceWithLogits(logits, x, { reduction: 'sum' }).add(divergence)
}
