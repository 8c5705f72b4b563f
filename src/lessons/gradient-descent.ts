/** @file Châtel's fit of a line by gradient descent, all twenty frames of it. */
import { compile, Parameter, type Tensor, tensor } from '../index.ts'
import { mse } from '../loss/index.ts'
import { SGD } from '../optim/index.ts'
import type { Line } from './figure.ts'
import type { Lesson } from './lesson.ts'
import { printed, steps } from './support.ts'

/** The slides: a, b, the mean of dl/da, the mean of dl/db, the mean of l. */
const SLIDES = `
-2.00 1.00 -1.07 -1.37 0.860367
-1.18 1.30 -0.17 0.09 0.159420
-0.82 1.10 -0.13 0.07 0.088204
-0.54 0.94 -0.09 0.05 0.048802
-0.34 0.83 -0.07 0.04 0.027001
-0.19 0.75 -0.05 0.03 0.014939
-0.08 0.68 -0.04 0.02 0.008266
0.01 0.64 -0.03 0.02 0.004573
0.07 0.60 -0.02 0.01 0.002530
0.12 0.58 -0.02 0.01 0.001400
0.15 0.56 -0.01 0.01 0.000775
0.18 0.54 -0.01 0.00 0.000429
0.19 0.53 -0.01 0.00 0.000237
0.21 0.52 0.00 0.00 0.000131
0.22 0.52 0.00 0.00 0.000073
0.23 0.51 0.00 0.00 0.000040
0.23 0.51 0.00 0.00 0.000022
0.24 0.51 0.00 0.00 0.000012
0.24 0.51 0.00 0.00 0.000007
0.24 0.50 0.00 0.00 0.000004`
const DECIMALS = [2, 2, 2, 2, 6]
const UPDATES_PER_FRAME = 250

export const gradientDescent: Lesson = {
  name: 'gradient-descent',
  title: 'A line fitted by gradient descent, frame by frame',
  course: 'Châtel',
  run(out) {
    const slides = SLIDES.trim()
      .split('\n')
      .map((row) => row.split(' '))
    // The slides show neither the points nor the rate. These give all of their figures.
    const x = tensor([0.25078448, 0.80452994])
    const y = x.mul(0.25).add(0.5)
    const a = new Parameter(tensor(-2))
    const b = new Parameter(tensor(1))
    const optimizer = new SGD([a, b], { lr: 0.01 })
    out.print('y_pred = ax + b,  l = (y − y_pred)²,  dl/da = 2x(ax + b − y),  dl/db = 2(ax + b − y)')
    out.print('start a = −2, b = 1; points on y = 0.25x + 0.5; rate 0.01; a frame every 250 updates')

    // Returns a, b, the gradients and the loss as they were before the update.
    const update = compile((x: Tensor, y: Tensor): (Tensor | null)[] => {
      const before = [a.add(0), b.add(0)]
      const loss = mse(a.mul(x).add(b), y)
      optimizer.minimize(loss)
      return [...before, a.grad, b.grad, loss]
    })
    const frames: number[][] = []
    for (let i = 0; frames.length < slides.length; i++) {
      const values = update(x, y)
      if (i % UPDATES_PER_FRAME === 0) frames.push(values.map((t) => t?.itemSync() ?? Number.NaN))
    }

    const shown = frames.map((frame) => frame.map((value, k) => printed(value, DECIMALS[k])))
    out.table(['a', 'b', 'mean dl/da', 'mean dl/db', 'mean l'], shown)
    out.check('every figure of the twenty slides', shown, slides)

    const updates = frames.map((_, i) => i * UPDATES_PER_FRAME)
    const ends = steps([0, 1], 2)
    out.plot('line', {
      parts: [
        {
          title: 'The line nears the points',
          x: { title: 'x', domain: [0, 1] },
          y: { title: 'y' },
          marks: [
            ...[0, 1, 4, 19].map(
              (i): Line => ({
                mark: 'line',
                name: `frame ${i + 1}: y = ${shown[i][0]} x + ${shown[i][1]}`,
                x: ends,
                y: ends.map((v) => frames[i][0] * v + frames[i][1]),
              }),
            ),
            { mark: 'points', name: 'points', x: x.dataSync(), y: y.dataSync(), size: 90 },
          ],
        },
        {
          title: 'The loss falls, ever more slowly',
          x: { title: 'updates' },
          y: { title: 'mean l', scale: 'log' },
          width: 320,
          marks: [
            { mark: 'line', x: updates, y: frames.map((f) => f[4]) },
            { mark: 'points', x: updates, y: frames.map((f) => f[4]) },
          ],
        },
      ],
    })
  },
}
