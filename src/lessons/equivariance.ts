/** @file A convolution follows shifts of its input, and does not follow rotations. */
import { randn, type Tensor, tensor } from '../index.ts'
import { MaxPool2d } from '../nn/index.ts'
import { applyKernel, EDGE_DETECTION, type Kernel, SOBEL_X } from './filters.ts'
import type { Lesson } from './lesson.ts'
import { picture, scene } from './scene.ts'

/** By a quarter turn, against the clock. */
const turned = (x: Tensor): Tensor => x.T.flip([0])
const gap = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().itemSync()

export const equivariance: Lesson = {
  name: 'equivariance',
  title: 'Equivariant to translation, not to rotation',
  course: 'Boudart',
  run(out) {
    const image = scene()
    const [down, right] = [9, 14]
    const shift = (x: Tensor): Tensor => x.slice(down, null, 0).slice(right, null, 1)
    const random = randn([3, 3]).arraySync() as Kernel
    out.print('Shift, then convolve, or convolve, then shift:')
    out.check(
      'Sobel: greatest difference',
      gap(applyKernel(shift(image), SOBEL_X), shift(applyKernel(image, SOBEL_X))),
      0,
      1e-6,
    )
    out.check('a random kernel', gap(applyKernel(shift(image), random), shift(applyKernel(image, random))), 0, 1e-6)
    out.print('Turn by a quarter, then convolve, or convolve, then turn:')
    out.check(
      'Sobel: greatest difference',
      gap(applyKernel(turned(image), SOBEL_X), turned(applyKernel(image, SOBEL_X))),
      { above: 1 },
    )
    out.check('a random kernel', gap(applyKernel(turned(image), random), turned(applyKernel(image, random))), {
      above: 0.5,
    })
    out.check(
      'only a kernel that is itself unchanged by the turn follows: edge detection',
      gap(applyKernel(turned(image), EDGE_DETECTION), turned(applyKernel(image, EDGE_DETECTION))),
      0,
      1e-6,
    )

    out.print(
      'Equivariant is not invariant: the result moves along. What is invariant is its greatest value, wherever it is.',
    )
    const square = tensor([
      [0, 0, 0, 0, 0, 0],
      [0, 7, 7, 0, 0, 0],
      [0, 7, 7, 0, 0, 0],
      [0, 0, 0, 0, 0, 0],
      [0, 0, 0, 0, 0, 0],
      [0, 0, 0, 0, 0, 0],
    ])
    const greatest = (x: Tensor): number => {
      const y = applyKernel(x, SOBEL_X)
      return new MaxPool2d(4).call(y.reshape([1, 1, 4, 4])).itemSync()
    }
    out.check(
      'greatest Sobel answer to a square, here and two pixels on',
      [greatest(square), greatest(square.roll(2, 1).roll(2, 0))],
      [21, 21],
    )

    const show = (caption: string, x: Tensor) => ({ caption, picture: picture(x, -1.5, 1.5) })
    const [a, b] = [turned(applyKernel(image, SOBEL_X)), applyKernel(turned(image), SOBEL_X)]
    const [c, d] = [shift(applyKernel(image, SOBEL_X)), applyKernel(shift(image), SOBEL_X)]
    out.picture('orders', {
      title: 'The horizontal Sobel, before and after the picture is moved or turned',
      columns: 3,
      scale: 1.7,
      panels: [
        show('Sobel, then shift', c),
        show('shift, then Sobel: the same', d),
        show('difference', c.sub(d)),
        show('Sobel, then turn', a),
        show('turn, then Sobel: other edges', b),
        show('difference', a.sub(b)),
      ],
    })
  },
}
