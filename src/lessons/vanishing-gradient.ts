/** @file The gradient on its way through a deep network: sigmoids, ReLUs, skip connections. */
import { randn, stack, tensor } from '../index.ts'
import { mse } from '../loss/index.ts'
import { init, initialise, type Layer, Linear, ReLU, Residual, Sequential, Sigmoid, Tanh } from '../nn/index.ts'
import { Adam } from '../optim/index.ts'
import type { Lesson } from './lesson.ts'
import { numbers } from './support.ts'
import { descend } from './train.ts'

const WIDTH = 32
const DEPTH = 16
const STEPS = 200

interface Net {
  readonly hidden: readonly Linear[]
  readonly model: Sequential
}

function network(activation: () => Layer, start: init.Init, skip: boolean): Net {
  const hidden = Array.from({ length: DEPTH }, () => new Linear(WIDTH, WIDTH))
  const blocks = hidden.map((l) => {
    const block = new Sequential(l, activation())
    return skip ? new Residual(block) : block
  })
  const model = new Sequential(new Linear(2, WIDTH), ...blocks, new Linear(WIDTH, 1))
  initialise(model, start)
  return { hidden, model }
}

export const vanishingGradient: Lesson = {
  name: 'vanishing-gradient',
  title: 'The vanishing gradient: sigmoids, ReLUs, skip connections',
  course: 'Boudart; Fromont',
  run(out) {
    const x = randn([128, 2])
    const y = x.select(1, 0).mul(x.select(1, 1)).sign().unsqueeze(1) // XOR of the signs
    const nets = {
      sigmoid: network(() => new Sigmoid(), 'glorotUniform', false),
      ReLU: network(() => new ReLU(), 'heUniform', false),
      'sigmoid with skip connections': network(() => new Sigmoid(), 'glorotUniform', true),
      'tanh with skip connections': network(() => new Tanh(), init.normal(0.3 / Math.sqrt(WIDTH)), true),
    }
    const norms = Object.fromEntries(
      Object.entries(nets).map(([name, { hidden, model }]) => {
        model.parameters().forEach((p) => {
          p.grad = null
        })
        mse(model.call(x), y).backward()
        // Read together, so that all is computed once.
        return [name, numbers(stack(hidden.flatMap((l) => l.weight.grad?.norm() ?? [])))]
      }),
    )
    out.print('∂L/∂w = ∂L/∂S · w · f′(h) · a, layer after layer: a sigmoid has f′ ≤ 0.25 and |w| is about 1 or less')
    out.table(
      ['network', 'gradient at the first layer', 'at the last', 'first / last'],
      Object.entries(norms).map(([n, v]) => [n, v[0], v[DEPTH - 1], v[0] / v[DEPTH - 1]]),
    )
    const ratio = (name: string): number => norms[name][0] / norms[name][DEPTH - 1]
    out.check('greatest slope of a sigmoid', tensor(0).sigmoid().mul(tensor(0).sigmoid().neg().add(1)).itemSync(), 0.25)
    out.check('sigmoid: first / last, per layer (below ¼ · ‖W‖)', ratio('sigmoid') ** (1 / (DEPTH - 1)), { below: 0.5 })
    out.check('sigmoid: first / last', ratio('sigmoid'), { below: 1e-6 })
    out.check('ReLU: first / last', ratio('ReLU'), { above: 0.02, below: 50 })
    out.check('sigmoid with skips: first / last', ratio('sigmoid with skip connections'), { above: 1e-3, below: 50 })
    out.check('tanh with skips: first / last', ratio('tanh with skip connections'), { above: 0.02, below: 50 })

    const losses = Object.fromEntries(
      Object.entries(nets).map(([name, { model }]) => [
        name,
        descend(model, new Adam(model.parameters(), { lr: 3e-3 }), mse, x, y, STEPS),
      ]),
    )
    const least = (name: string): number => Math.min(...losses[name])
    out.table(
      ['network', `least error in ${STEPS} steps`],
      Object.keys(nets).map((n) => [n, least(n)]),
    )
    out.check('sigmoid: error, that of a constant answer', least('sigmoid'), { above: 0.9 })
    out.check('ReLU: error', least('ReLU'), { below: 0.2 })
    out.check('tanh with skips: error', least('tanh with skip connections'), { below: 0.2 })

    const layers = Array.from({ length: DEPTH }, (_, l) => l + 1)
    const at = Array.from({ length: STEPS }, (_, i) => i)
    out.plot('gradients', {
      parts: [
        {
          title: 'Length of the gradient, layer by layer',
          x: { title: 'hidden layer' },
          y: { title: '‖∂L/∂W‖', scale: 'log' },
          width: 360,
          marks: Object.entries(norms).map(([name, v]) => ({ mark: 'line', name, x: layers, y: v })),
        },
        {
          title: 'Learning the signs of a product',
          x: { title: 'step' },
          y: { title: 'mean squared error', domain: [0, 1.5] },
          width: 360,
          marks: Object.entries(losses).map(([name, v]) => ({ mark: 'line', name, x: at, y: v })),
        },
      ],
    })
  },
}
