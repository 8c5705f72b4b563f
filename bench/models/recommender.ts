/** @file Neural collaborative filtering (He et al. 2017): users and items as vectors, a network on both. */
import { cat, type Tensor } from '../../src/index.ts'
import { Embedding, Linear, Module, ReLU, Sequential } from '../../src/nn/index.ts'

/** The rating user u gives item i: int32 `[B]` and `[B]` → `[B]`. */
export class Recommender extends Module<[u: Tensor, i: Tensor]> {
  readonly u = new Embedding(10000, 32)
  readonly i = new Embedding(10000, 32)
  readonly fc = new Sequential(new Linear(64, 64), new ReLU(), new Linear(64, 32), new ReLU(), new Linear(32, 1))

  override forward(u: Tensor, i: Tensor): Tensor {
    return this.fc.call(cat([this.u.call(u), this.i.call(i)], -1)).squeeze(-1)
  }
}
