/** @file Boudart's linear model with several inputs and outputs: by gradient descent, and in closed form. */
import { compile, randn, type Tensor, tensor } from '../index.ts'
import { mse } from '../loss/index.ts'
import { Linear } from '../nn/index.ts'
import { SGD } from '../optim/index.ts'
import { leastSquares } from './least-squares.ts'
import type { Lesson } from './lesson.ts'

/** y₂ depends on x₀ and x₂ alone. The last column is the bias. */
const TRUE = [
  [1, -2, 0.5, 0.3],
  [0, 1.5, 1, -1],
  [2, 0, -1, 0.7],
]

export const linearRegression: Lesson = {
  name: 'linear-regression',
  title: 'Y = WᵀX + B with three inputs and three outputs',
  course: 'Boudart',
  run(out) {
    const x = randn([200, 3])
    const W = tensor(TRUE.map((row) => row.slice(0, 3)))
    const b = tensor(TRUE.map((row) => row[3]))
    const y = x
      .matmul(W.T)
      .add(b)
      .add(randn([200, 3]).mul(0.1))

    const model = new Linear(3, 3)
    const optimizer = new SGD(model.parameters(), { lr: 0.1 })
    const update = compile((x: Tensor, y: Tensor) => {
      const loss = mse(model.call(x), y)
      optimizer.minimize(loss)
      return loss
    })
    const losses = Array.from({ length: 200 }, () => update(x, y).itemSync())
    const byDescent = (model.weight.arraySync() as number[][]).map((row, o) => [...row, model.bias?.dataSync()[o] ?? 0])

    const rows = (x.arraySync() as number[][]).map((row) => [...row, 1])
    const closed = leastSquares(rows, y.arraySync() as number[][])
    const inClosedForm = TRUE.map((_, o) => closed.map((row) => row[o]))
    out.table(
      ['output', 'by', 'x₀', 'x₁', 'x₂', 'bias'],
      TRUE.flatMap((truth, o) => [
        [`y${'₀₁₂'[o]}`, 'truth', ...truth],
        ['', 'descent', ...byDescent[o]],
        ['', 'closed form', ...inClosedForm[o]],
      ]),
    )
    out.check('gradient descent reaches the closed form', byDescent, inClosedForm, 1e-4)
    out.check('which is the truth but for noise', inClosedForm, TRUE, 0.05)
    out.check('|weight| from x₁ to y₂, an input without use', Math.abs(byDescent[2][1]), { below: 0.05 })

    // One weight and the bias varied around the solution: a bowl, with one minimum.
    const simple = rows.map((row, i) => [
      row[0],
      y.dataSync()[3 * i] - byDescent[0][1] * row[1] - byDescent[0][2] * row[2],
    ])
    const n = 36
    const cost = (w: number, c: number): number =>
      simple.reduce((s, [u, v]) => s + (v - w * u - c) ** 2, 0) / simple.length
    const at = (i: number): number => -3 + (6 * (i + 0.5)) / n
    out.plot('bowl', {
      parts: [
        {
          title: 'The squared error is a bowl: one minimum',
          x: { title: 'weight of x₀' },
          y: { title: 'bias' },
          height: 300,
          width: 300,
          marks: [
            {
              mark: 'heat',
              x: [-3, 3],
              y: [-3, 3],
              rows: Array.from({ length: n }, (_, j) => Array.from({ length: n }, (_, i) => cost(at(i), at(j)))),
              legend: 'mean squared error',
            },
            { mark: 'points', name: 'closed form', x: [inClosedForm[0][0]], y: [inClosedForm[0][3]], size: 120 },
          ],
        },
        {
          title: 'Gradient descent gets there',
          x: { title: 'step' },
          y: { title: 'mean squared error', scale: 'log' },
          height: 300,
          width: 320,
          marks: [{ mark: 'line', x: losses.map((_, i) => i), y: losses }],
        },
      ],
    })
  },
}
