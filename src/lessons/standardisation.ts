/** @file Inputs on one scale: standardised features let gradient descent go straight. */
import { randn, type Tensor, tensor } from '../index.ts'
import { mse } from '../loss/index.ts'
import { Linear } from '../nn/index.ts'
import { SGD } from '../optim/index.ts'
import type { Lesson } from './lesson.ts'
import { descend } from './train.ts'

const STEPS = 200

export const standardisation: Lesson = {
  name: 'standardisation',
  title: 'Standardised inputs: x′ = (x − μ̂) / σ̂',
  course: 'Boudart',
  run(out) {
    // Rooms, and surface in square metres: one hardly varies, the other does by tens.
    const x = randn([200, 2])
      .mul(tensor([1, 30]))
      .add(tensor([3, 90]))
      .realise()
    const y = x
      .matmul(tensor([[0.5], [0.02]]))
      .add(randn([200, 1]).mul(0.1))
      .realise()
    const mean = x.mean(0)
    const deviation = x.var(0, { correction: 0 }).sqrt()
    const scaled = x.sub(mean).div(deviation).realise()
    out.check('means of x′', scaled.mean(0), [0, 0], 1e-5)
    out.check('standard deviations of x′', scaled.var(0, { correction: 0 }).sqrt(), [1, 1], 1e-5)

    // The greatest rate that descent bears is 2 / curvature: tiny where a feature is large.
    const run = (inputs: Tensor, lr: number): number[] => {
      const model = new Linear(2, 1)
      return descend(model, new SGD(model.parameters(), { lr }), mse, inputs, y, STEPS)
    }
    const losses = {
      'as they are, rate 0.0001': run(x, 1e-4),
      'as they are, rate 0.00015': run(x, 1.5e-4),
      'standardised, rate 0.3': run(scaled, 0.3),
    }
    const [slow, diverging, fast] = Object.values(losses).map((l) => l[STEPS - 1])
    out.table(
      ['inputs', `loss after ${STEPS} steps`],
      Object.entries(losses).map(([name, l]) => [name, l[STEPS - 1]]),
    )
    out.check('standardised: loss, that of the noise', fast, 0.01, 0.005)
    out.check('as they are: loss / that of the noise', slow / 0.01, { above: 5 })
    out.check('as they are, the rate half as high again: still a number?', Number.isFinite(diverging), false)

    const at = Array.from({ length: STEPS }, (_, i) => i)
    out.plot('losses', {
      parts: [
        {
          title: 'A house price from rooms and surface',
          x: { title: 'step' },
          y: { title: 'mean squared error', scale: 'log', domain: [5e-3, 1e5] },
          marks: Object.entries(losses).map(([name, l]) => ({ mark: 'line', name, x: at, y: l })),
        },
      ],
    })
  },
}
