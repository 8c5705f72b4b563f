/** @file U-Net (Ronneberger et al. 2015) of three levels, with batch norm. */
import { cat, type Tensor } from '../../src/index.ts'
import { BatchNorm2d, Conv2d, ConvTranspose2d, functional, Module, ReLU, Sequential } from '../../src/nn/index.ts'

const double = (i: number, o: number): Sequential =>
  new Sequential(
    new Conv2d(i, o, 3, { padding: 1 }),
    new BatchNorm2d(o),
    new ReLU(),
    new Conv2d(o, o, 3, { padding: 1 }),
    new BatchNorm2d(o),
    new ReLU(),
  )

const up = (i: number, o: number): ConvTranspose2d => new ConvTranspose2d(i, o, 2, { stride: 2 })

/** Logits of four classes for each pixel: `[B, 3, H, W] → [B, 4, H, W]`, H and W multiples of 8. */
export class UNet extends Module {
  readonly d1: Sequential
  readonly d2: Sequential
  readonly d3: Sequential
  readonly mid: Sequential
  readonly u3: ConvTranspose2d
  readonly c3: Sequential
  readonly u2: ConvTranspose2d
  readonly c2: Sequential
  readonly u1: ConvTranspose2d
  readonly c1: Sequential
  readonly out: Conv2d

  /** @param c channels of the first level; each level below has twice as many */
  constructor(c = 16) {
    super()
    this.d1 = double(3, c)
    this.d2 = double(c, 2 * c)
    this.d3 = double(2 * c, 4 * c)
    this.mid = double(4 * c, 8 * c)
    this.u3 = up(8 * c, 4 * c)
    this.c3 = double(8 * c, 4 * c)
    this.u2 = up(4 * c, 2 * c)
    this.c2 = double(4 * c, 2 * c)
    this.u1 = up(2 * c, c)
    this.c1 = double(2 * c, c)
    this.out = new Conv2d(c, 4, 1)
  }

  override forward(x: Tensor): Tensor {
    const half = (t: Tensor): Tensor => functional.maxPool(t, 2)
    const a = this.d1.call(x)
    const b = this.d2.call(half(a))
    const c = this.d3.call(half(b))
    const m = this.mid.call(half(c))
    const c3 = this.c3.call(cat([this.u3.call(m), c], 1))
    const c2 = this.c2.call(cat([this.u2.call(c3), b], 1))
    return this.out.call(this.c1.call(cat([this.u1.call(c2), a], 1)))
  }
}
