/** @file Fromont's exercise 4: what does the kernel (−1 1) do? */
import { tensor } from '../index.ts'
import { applyKernel, type Kernel } from './filters.ts'
import type { Lesson } from './lesson.ts'
import { picture, scene } from './scene.ts'

const KERNEL: Kernel = [[-1, 1]]
/** A bright square on dark ground: the exercise's own picture is not in its text. */
const SQUARE = [
  [0, 0, 0, 0, 0, 0],
  [0, 0, 9, 9, 0, 0],
  [0, 0, 9, 9, 0, 0],
  [0, 0, 0, 0, 0, 0],
]

export const exercise4: Lesson = {
  name: 'exercise-4',
  title: 'Exercise 4: the kernel (−1 1)',
  course: 'Fromont',
  run(out) {
    const image = tensor(SQUARE)
    const result = applyKernel(image, KERNEL)
    out.print('1. Each pixel becomes its right neighbour less itself; the picture loses a column.')
    out.check('the result', result, [
      [0, 0, 0, 0, 0],
      [0, 9, 0, -9, 0],
      [0, 9, 0, -9, 0],
      [0, 0, 0, 0, 0],
    ])
    out.print(
      '2. It finds upright edges: positive where it gets brighter to the right, negative where darker, 0 elsewhere.',
    )
    out.check(
      'on the picture turned by a quarter, edges lying down leave nothing between rows',
      applyKernel(image.T, KERNEL).sum(1),
      [0, 0, 0, 0, 0, 0],
    )
    const stripes = tensor([
      [5, 5, 5, 5],
      [1, 1, 1, 1],
      [5, 5, 5, 5],
    ])
    out.check('horizontal stripes: nothing at all', applyKernel(stripes, KERNEL).abs().max().itemSync(), 0)
    out.check(
      'brighter light everywhere changes nothing',
      applyKernel(image.add(3), KERNEL).sub(result).abs().max().itemSync(),
      0,
    )

    out.plot('square', {
      parts: [
        { title: 'picture', entries: SQUARE },
        { title: 'kernel', entries: KERNEL },
        { title: 'result', entries: result.arraySync() as number[][] },
      ],
    })
    out.picture('scene', {
      title: 'The kernel (−1 1) on a picture',
      scale: 2,
      panels: [
        { caption: 'the picture', picture: picture(scene(), 0, 1) },
        { caption: 'right neighbour less pixel; grey is 0', picture: picture(applyKernel(scene(), KERNEL), -0.4, 0.4) },
      ],
    })
  },
}
