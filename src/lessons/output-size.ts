/** @file How large a convolution's output is: padding, stride, dilation, in one dimension or several. */
import { ones } from '../index.ts'
import { Conv1d, Conv2d, Conv3d } from '../nn/index.ts'
import type { Lesson } from './lesson.ts'

interface Geometry {
  readonly kernel: number
  readonly stride?: number
  readonly padding?: number
  readonly dilation?: number
}

/** ⌊(W_in − 1 + 2 padding − dilation (kernel − 1)) / stride + 1⌋ */
const outputSize = (width: number, { kernel, stride = 1, padding = 0, dilation = 1 }: Geometry): number =>
  Math.floor((width - 1 + 2 * padding - dilation * (kernel - 1)) / stride + 1)

/** What the layer itself puts out. */
const measured = (width: number, { kernel, ...options }: Geometry): number =>
  new Conv2d(1, 1, kernel, options).call(ones([1, 1, width, width])).shape[2]

export const outputSizes: Lesson = {
  name: 'output-size',
  title: 'The size of what a convolution puts out',
  course: 'Boudart; Fromont',
  run(out) {
    const first = { kernel: 3, stride: 2 }
    out.print('W_out = ⌊(W_in − 1 + 2 padding − dilation (kernel − 1)) / stride + 1⌋')
    out.check('200 × 200, kernel 3, stride 2', outputSize(200, first), 99)
    out.check('the same again', outputSize(99, first), 49)
    out.check('and as layers', [measured(200, first), measured(measured(200, first), first)], [99, 49])
    const plain = (dim: number, kernel: number, step: number): number => (dim - kernel) / step + 1
    out.check("Fromont's (dim − kernel) / step + 1, for 32, 5, 1", plain(32, 5, 1), 28)
    out.check('as a layer', measured(32, { kernel: 5 }), 28)
    out.check('padding keeps the size: 32, kernel 3, padding 1', measured(32, { kernel: 3, padding: 1 }), 32)
    out.check(
      'dilation widens the kernel without weights: 32, kernel 3, dilation 2',
      measured(32, { kernel: 3, dilation: 2 }),
      28,
    )

    const grid = [7, 10, 33].flatMap((width) =>
      [1, 2, 3, 5].flatMap((kernel) =>
        [1, 2, 3].flatMap((stride) =>
          [0, 1, 2].flatMap((padding) =>
            [1, 2].map((dilation) => ({ width, geometry: { kernel, stride, padding, dilation } })),
          ),
        ),
      ),
    )
    // A kernel must not be wider than the padded input.
    const fitting = grid.filter(({ width, geometry: g }) => g.dilation * (g.kernel - 1) < width + 2 * g.padding)
    out.check(
      'formula against layers, all combinations',
      fitting.map((c) => measured(c.width, c.geometry)),
      fitting.map((c) => outputSize(c.width, c.geometry)),
    )

    // One, two and three dimensions.
    out.check(
      '[1, 1, 20] through kernel 3, stride 2',
      [...new Conv1d(1, 1, 3, { stride: 2 }).call(ones([1, 1, 20])).shape],
      [1, 1, 9],
    )
    out.check(
      '[1, 3, 20, 20], 8 kernels',
      [...new Conv2d(3, 8, 3, { stride: 2 }).call(ones([1, 3, 20, 20])).shape],
      [1, 8, 9, 9],
    )
    out.check(
      '[1, 1, 20, 20, 20]',
      [...new Conv3d(1, 1, 3, { stride: 2 }).call(ones([1, 1, 20, 20, 20])).shape],
      [1, 1, 9, 9, 9],
    )

    const kernels = [1, 3, 5, 7, 9, 11]
    out.plot('sizes', {
      parts: [
        {
          title: 'Output of an input 32 wide',
          x: { title: 'kernel' },
          y: { title: 'output size', domain: [0, 34] },
          marks: [
            { name: 'stride 1', geometry: {} },
            { name: 'stride 1, padding 1', geometry: { padding: 1 } },
            { name: 'stride 1, dilation 2', geometry: { dilation: 2 } },
            { name: 'stride 2', geometry: { stride: 2 } },
          ].flatMap(({ name, geometry }) => {
            const y = kernels.map((kernel) => outputSize(32, { kernel, ...geometry }))
            return [
              { mark: 'line', name, x: kernels, y },
              { mark: 'points', name, x: kernels, y },
            ]
          }),
        },
      ],
    })
  },
}
