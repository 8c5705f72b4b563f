/** @file Fromont's exercise 5: how many parameters does LeNet-5 learn? */
import { Linear } from '../nn/index.ts'
import { lenet, namedRows, showSize } from './lenet.ts'
import type { Lesson } from './lesson.ts'

/** One kernel per feature map, as deep as there are maps below, and one bias per kernel. */
const convolution = (size: number, below: number, maps: number): number => (size * size * below + 1) * maps
const full = (inputs: number, neurons: number): number => (inputs + 1) * neurons

export const exercise5: Lesson = {
  name: 'exercise-5',
  title: 'Exercise 5: the parameters of LeNet-5',
  course: 'Fromont',
  run(out) {
    const model = lenet()
    const rows = namedRows(model, 32)
    const byHand = [
      convolution(5, 1, 6),
      0,
      convolution(5, 6, 16),
      0,
      convolution(5, 16, 120),
      full(120, 84),
      full(84, 10),
    ]
    const terms = ['(5·5·1 + 1)·6', '', '(5·5·6 + 1)·16', '', '(5·5·16 + 1)·120', '(120 + 1)·84', '(84 + 1)·10']
    out.table(
      ['layer', 'output', 'by hand', 'parameters'],
      rows.map((r, i) => [r.name, showSize(r.outputShape), terms[i], r.parameters]),
    )
    out.check('parameters of each layer, by hand', byHand, [156, 0, 2416, 0, 48_120, 10_164, 850])
    out.check(
      'and of the model',
      rows.map((r) => r.parameters),
      byHand,
    )
    out.check('altogether', model.parameterCount(), 61_706)
    out.check(
      'sides of the maps, 32 to begin with',
      [32, ...rows.slice(0, 5).map((r) => r.outputShape[2] ?? 0)],
      [32, 28, 14, 10, 5, 1],
    )
    out.check(
      'maps, then neurons',
      rows.map((r) => r.outputShape[1] ?? 0),
      [6, 6, 16, 16, 120, 84, 10],
    )
    // "Flatten + FC (5*5*16 = 400 → 120) or convolution #3": the same number either way.
    out.check('inputs of C5 as a fully connected layer', 5 * 5 * 16, 400)
    out.check('its parameters', new Linear(400, 120).parameterCount(), 48_120)

    const weighted = rows.filter((r) => r.parameters > 0)
    out.plot('parameters', {
      parts: [
        {
          title: 'LeNet-5: 61,706 parameters, four fifths of them in C5',
          x: { title: 'layer' },
          y: { title: 'parameters' },
          marks: [{ mark: 'bars', labels: weighted.map((r) => r.name), values: weighted.map((r) => r.parameters) }],
        },
      ],
    })
  },
}
