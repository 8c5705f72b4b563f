/** @file Layers without activations: however many, they are one linear layer. */
import { randn, tensor } from '../index.ts'
import { mse } from '../loss/index.ts'
import { type Layer, Linear, Sequential, Tanh } from '../nn/index.ts'
import { Adam } from '../optim/index.ts'
import type { Chart } from './figure.ts'
import type { Lesson } from './lesson.ts'
import { gridOf, type Interval, rowsOf } from './support.ts'
import { descend } from './train.ts'

const AREA: Interval = [-0.5, 1.5]

export const linearLayers: Lesson = {
  name: 'linear-layers',
  title: 'Layers of linear functions are a linear function',
  course: 'Boudart; Châtel',
  run(out) {
    const [a, b, c] = [new Linear(3, 5), new Linear(5, 4), new Linear(4, 2)]
    const three = new Sequential(a, b, c)
    // W = W₃W₂W₁ and b = W₃(W₂b₁ + b₂) + b₃.
    const one = new Linear(3, 2)
    one.weight.assign(c.weight.matmul(b.weight).matmul(a.weight))
    if (a.bias && b.bias && c.bias) one.bias?.assign(c.weight.matmul(b.weight.matmul(a.bias).add(b.bias)).add(c.bias))
    const x = randn([100, 3])
    const difference = three.call(x).sub(one.call(x)).abs().max().itemSync()
    out.print('W₃(W₂(W₁x + b₁) + b₂) + b₃ = (W₃W₂W₁)x + (W₃W₂b₁ + W₃b₂ + b₃)')
    out.check('three layers against one, greatest difference over 100 inputs', difference, 0, 1e-6)
    out.check('parameters of the three', three.parameterCount(), 54)
    out.check('parameters of the one', one.parameterCount(), 8)

    // No linear function comes closer to XOR than ½ everywhere; with tanh between them the same layers learn it.
    const inputs = tensor([
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ])
    const xor = tensor([[0], [1], [1], [0]])
    const fit = (model: Layer): number[] =>
      descend(model, new Adam(model.parameters(), { lr: 0.05 }), mse, inputs, xor, 400)
    const linear = new Sequential(new Linear(2, 8), new Linear(8, 8), new Linear(8, 1))
    const bent = new Sequential(new Linear(2, 8), new Tanh(), new Linear(8, 8), new Tanh(), new Linear(8, 1))
    const losses = { linear: fit(linear), bent: fit(bent) }
    out.check('XOR with linear layers: error at the end', losses.linear.at(-1) ?? 0, 0.25, 1e-3)
    out.check('XOR with tanh between them', losses.bent.at(-1) ?? 1, { below: 1e-3 })

    const n = 40
    const surface = (title: string, model: Layer): Chart => ({
      title,
      x: { title: 'x₁' },
      y: { title: 'x₂' },
      width: 240,
      height: 240,
      marks: [
        {
          mark: 'heat',
          x: AREA,
          y: AREA,
          rows: rowsOf(model.call(gridOf(AREA, AREA, n)).clamp(-0.5, 1.5), n),
          legend: 'output',
          colours: 'diverging',
          middle: 0.5,
        },
        { mark: 'points', name: 'wanted: 0', x: [0, 1], y: [0, 1], size: 130 },
        { mark: 'points', name: 'wanted: 1', x: [0, 1], y: [1, 0], size: 130 },
      ],
    })
    out.plot('xor', { parts: [surface('Three linear layers', linear), surface('With tanh between them', bent)] })
  },
}
