/** @file The checkerboard of transposed convolutions, and its cures. */
import { ones, type Tensor } from '../index.ts'
import { Conv2d, ConvTranspose2d, Sequential, Upsample } from '../nn/index.ts'
import type { Lesson } from './lesson.ts'
import { picture } from './scene.ts'

/** A transposed convolution of stride 2 whose weights are all 1: its output counts how many inputs reach each pixel. */
function overlaps(kernel: number): Tensor {
  const layer = new ConvTranspose2d(1, 1, kernel, { stride: 2, bias: false })
  layer.weight.assign(ones(layer.weight.shape))
  return layer.call(ones([1, 1, 12, 12])).squeeze([0, 1])
}

/** Without the border, where there are fewer neighbours. */
const inner = (x: Tensor): Tensor => x.slice(4, -4, 0).slice(4, -4, 1)

export const checkerboard: Lesson = {
  name: 'checkerboard',
  title: 'Transposed convolutions: the checkerboard and its cures',
  course: 'Boudart, after Odena et al.',
  run(out) {
    out.print(
      'An even picture through a transposed convolution of stride 2, all weights 1: how many inputs reach each pixel',
    )
    const [three, four] = [overlaps(3), overlaps(4)]
    out.check(
      'kernel 3: inner pixels lie between',
      [inner(three).min().itemSync(), inner(three).max().itemSync()],
      [1, 4],
    )
    out.check('one row of it', three.select(0, 5).slice(5, 9), [1, 2, 1, 2])
    out.check('kernel 4, divisible by the stride', [inner(four).min().itemSync(), inner(four).max().itemSync()], [4, 4])

    // The size grows: stride (W − 1) + kernel.
    out.check('sizes out of 12', [three.shape[0], four.shape[0]], [2 * 11 + 3, 2 * 11 + 4])

    // Weights as a network starts with them; how uneven is its answer to an even picture?
    const flat = ones([1, 4, 12, 12])
    const unevenness = (up: (x: Tensor) => Tensor): number =>
      inner(up(flat).squeeze([0, 1]))
        .std()
        .itemSync()
    const layers = {
      'transposed, kernel 3': new ConvTranspose2d(4, 1, 3, { stride: 2 }),
      'transposed, kernel 4': new ConvTranspose2d(4, 1, 4, { stride: 2 }),
      'nearest, then convolution': new Sequential(
        new Upsample({ scaleFactor: 2 }),
        new Conv2d(4, 1, 3, { padding: 1 }),
      ),
      'bilinear, then convolution': new Sequential(
        new Upsample({ scaleFactor: 2, mode: 'bilinear' }),
        new Conv2d(4, 1, 3, { padding: 1 }),
      ),
    }
    const spread = Object.values(layers).map((layer) => unevenness((x) => layer.call(x)))
    out.table(
      ['upsampling, random weights', 'unevenness of an even picture'],
      Object.keys(layers).map((name, i) => [name, spread[i]]),
    )
    out.check('transposed, kernel 3: uneven', spread[0], { above: 0.01 })
    out.print(
      'A kernel divisible by the stride spreads evenly, but may still learn different weights for odd and even pixels.',
    )
    out.check('upsampling first leaves nothing of it', spread.slice(2), [0, 0], 1e-6)

    // A soft blob through each, for the eye.
    const blob = ones([1, 4, 1, 1]).mul(bump(12))
    const show = (caption: string, layer: (typeof layers)[keyof typeof layers]) => ({
      caption,
      picture: picture(layer.call(blob).squeeze([0, 1])),
    })
    out.picture('blob', {
      title: 'A soft spot, 12 × 12, enlarged by layers with random weights',
      scale: 8,
      panels: Object.entries(layers).map(([name, layer]) => show(name, layer)),
    })
    out.plot('overlaps', {
      parts: [
        { title: 'kernel 3, stride 2: overlaps', entries: rows(three, 9) },
        { title: 'kernel 4, stride 2: overlaps', entries: rows(four, 9) },
      ],
    })
  },
}

/** `[1, 1, n, n]`: 1 in the middle, falling to the edges. */
function bump(n: number): Tensor {
  const along = ones([n])
    .cumsum(0)
    .sub((n + 1) / 2)
    .div(n / 4)
    .square()
    .neg()
    .exp()
  return along.unsqueeze(1).mul(along).reshape([1, 1, n, n])
}

const rows = (x: Tensor, n: number): number[][] =>
  x
    .slice(2, 2 + n, 0)
    .slice(2, 2 + n, 1)
    .arraySync() as number[][]
