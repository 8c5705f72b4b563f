/** @file Weights that start at zero do not learn: every hidden neuron gets the same gradient, or none. */
import { tensor } from '../index.ts'
import { mse } from '../loss/index.ts'
import { initialise, Linear, Sequential, Tanh } from '../nn/index.ts'
import { SGD } from '../optim/index.ts'
import type { Lesson } from './lesson.ts'
import { numbers } from './support.ts'
import { descend } from './train.ts'

const STEPS = 800

export const zeroWeights: Lesson = {
  name: 'zero-weights',
  title: 'The weights cannot start at zero',
  course: 'Boudart',
  run(out) {
    const x = tensor([
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ])
    const xor = tensor([[0], [1], [1], [0]])
    const starts = { zeros: 'zeros', 'all equal': 'ones', random: 'glorotUniform' } as const
    const runs = Object.entries(starts).map(([name, init]) => {
      const hidden = new Linear(2, 4)
      const net = new Sequential(hidden, new Tanh(), new Linear(4, 1))
      initialise(net, init)
      const losses = descend(net, new SGD(net.parameters(), { lr: 0.2, momentum: 0.9 }), mse, x, xor, STEPS)
      return { name, losses, weights: hidden.weight.arraySync() as number[][], first: numbers(hidden.weight) }
    })
    const [zeros, equal, random] = runs
    out.table(
      ['start', 'error after 800 steps'],
      runs.map((r) => [r.name, r.losses.at(-1) ?? 0]),
    )
    out.check('zeros: hidden weights after training', zeros.first, [0, 0, 0, 0, 0, 0, 0, 0])
    out.check('zeros: error, that of answering ½ always', zeros.losses.at(-1) ?? 0, 0.25, 1e-4)
    const spread = Math.max(
      ...[0, 1].map((k) => Math.max(...equal.weights.map((w) => w[k])) - Math.min(...equal.weights.map((w) => w[k]))),
    )
    out.check('all equal: four neurons stay one, spread of their weights', spread, 0, 1e-5)
    out.check('all equal: error', equal.losses.at(-1) ?? 0, { above: 0.05 })
    out.check('random: error', random.losses.at(-1) ?? 1, { below: 1e-3 })

    const at = Array.from({ length: STEPS }, (_, i) => i)
    out.plot('losses', {
      parts: [
        {
          title: 'XOR from three starts',
          x: { title: 'step' },
          y: { title: 'mean squared error', scale: 'log', domain: [1e-4, 10] },
          marks: runs.map((r) => ({
            mark: 'line',
            name: `weights start ${r.name === 'random' ? 'at random' : r.name === 'zeros' ? 'at zero' : 'all equal'}`,
            x: at,
            y: r.losses,
          })),
        },
      ],
    })
  },
}
