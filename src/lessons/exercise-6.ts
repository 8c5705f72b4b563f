/** @file Fromont's exercise 6: LeNet-5 for pictures of 64 × 64. */
import { ones, zeros } from '../index.ts'
import { AdaptiveAvgPool2d, Conv2d, type Layer, Sequential } from '../nn/index.ts'
import { lenet, namedRows, showSize } from './lenet.ts'
import type { Lesson } from './lesson.ts'

export const exercise6: Lesson = {
  name: 'exercise-6',
  title: 'Exercise 6: LeNet-5 for pictures of 64 × 64',
  course: 'Fromont',
  run(out) {
    out.print('Only C5 changes: its kernel covers what S4 leaves of the larger picture.')
    const model = lenet(13)
    const rows = namedRows(model, 64)
    out.table(
      ['layer', 'output', 'parameters'],
      rows.map((r) => [r.name, showSize(r.outputShape), r.parameters]),
    )
    out.check('sides of the maps', [64, ...rows.slice(0, 4).map((r) => r.outputShape[2] ?? 0)], [64, 60, 30, 26, 13])
    out.check('C5: 13 × 13 × 16 inputs and a bias, 120 times', rows[4].parameters, 324_600)
    out.check('altogether', model.parameterCount(), 338_186)
    out.check('the ten answers', [...model.call(zeros([1, 1, 64, 64])).shape], [1, 10])

    out.print('Should every neuron at the entrance of the classifier see the whole picture? Other ways:')
    // C5 left at 5 × 5 gives 9 × 9 positions, each with a field of view of 32 × 32 pixels; their mean keeps 120 numbers.
    const same = new Conv2d(16, 120, 5)
    const positions = same.call(ones([1, 16, 13, 13]))
    const pooled = new Sequential(same as Layer, new AdaptiveAvgPool2d(1))
    out.check('C5 as it was: positions', [...positions.shape].slice(2), [9, 9])
    out.check('averaged: 120 numbers again', pooled.call(ones([1, 16, 13, 13])).size, 120)
    const small = lenet().parameterCount()
    out.check('parameters then, as for 32 × 32', small, 61_706)
    // Or a third pair of convolution and pooling before it: 13 → 9 → 4.
    const third =
      new Conv2d(16, 16, 5).parameterCount() + (4 * 4 * 16 + 1) * 120 - rows[4].parameters + model.parameterCount()
    out.check(
      'with a third 5 × 5 convolution of 16 maps and pooling (13 → 9 → 4)',
      third,
      156 + 2416 + 6416 + 30_840 + 10_164 + 850,
    )

    out.plot('parameters', {
      parts: [
        {
          title: 'Three ways from 64 × 64 pixels to ten classes',
          x: { title: '' },
          y: { title: 'parameters' },
          width: 480,
          marks: [
            {
              mark: 'bars',
              labels: ['C5 of 13 × 13', 'C5 of 5 × 5, then mean', 'one more convolution'],
              values: [model.parameterCount(), small, third],
            },
          ],
        },
      ],
    })
  },
}
