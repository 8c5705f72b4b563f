/** @file Boudart's network of sixteen parameters, and ∂L/∂w²₂₂ by hand, by autograd and by a small step. */
import { type Tensor, tensor } from '../index.ts'
import { mse } from '../loss/index.ts'
import { Linear, Module, Sequential, Sigmoid } from '../nn/index.ts'
import type { Lesson } from './lesson.ts'
import { numbers, steps } from './support.ts'

const sigmoid = (h: number): number => 1 / (1 + Math.exp(-h))

/** `S = W³ f(W² f(W¹x + b¹) + b²)`: 3 → 2 → 2 → 1, f the sigmoid, no bias at the end. */
class Network extends Module {
  readonly first: Linear = new Linear(3, 2)
  readonly second: Linear = new Linear(2, 2)
  readonly third: Linear = new Linear(2, 1, { bias: false })
  readonly #net: Sequential = new Sequential(this.first, new Sigmoid(), this.second, new Sigmoid(), this.third)

  forward(x: Tensor): Tensor {
    return this.#net.call(x)
  }
}

export const backpropagation: Lesson = {
  name: 'backpropagation',
  title: 'The chain rule in a network of sixteen parameters',
  course: 'Boudart',
  run(out) {
    const net = new Network()
    out.check('parameters', net.parameterCount(), 16)
    const [W1, b1] = [
      [
        [0.2, -0.4, 0.1],
        [0.7, 0.3, -0.5],
      ],
      [0.1, -0.2],
    ]
    const [W2, b2] = [
      [
        [0.6, -0.9],
        [-0.3, 0.8],
      ],
      [0.05, -0.1],
    ]
    const W3 = [1.2, -0.7]
    net.first.weight.assign(tensor(W1))
    net.first.bias?.assign(tensor(b1))
    net.second.weight.assign(tensor(W2))
    net.second.bias?.assign(tensor(b2))
    net.third.weight.assign(tensor([W3]))
    const [x, y] = [[1, 2, -1], 1]

    // Forward, by hand.
    const affine = (W: readonly (readonly number[])[], v: readonly number[], b: readonly number[]): number[] =>
      W.map((row, i) => row.reduce((s, w, j) => s + w * v[j], b[i]))
    const h1 = affine(W1, x, b1)
    const a1 = h1.map(sigmoid)
    const h2 = affine(W2, a1, b2)
    const a2 = h2.map(sigmoid)
    const S = W3[0] * a2[0] + W3[1] * a2[1]
    const prediction = net.call(tensor([x]))
    out.check('S, by hand and by the network', prediction.itemSync(), S, 1e-6)

    // ∂L/∂w²₂₂ = ∂L/∂S · w³₂ · f′(h²₂) · a¹₂, with L = (y − S)² and f′ = f (1 − f).
    const dS = 2 * (S - y)
    const slope = a2[1] * (1 - a2[1])
    const byHand = dS * W3[1] * slope * a1[1]
    const loss = mse(prediction, tensor([[y]]))
    loss.backward()
    const grad = net.second.weight.grad
    const byAutograd = grad ? numbers(grad)[3] : Number.NaN
    const lossWith = (w22: number): number => {
      const h = affine([W2[0], [W2[1][0], w22]], a1, b2)
      return (y - W3[0] * sigmoid(h[0]) - W3[1] * sigmoid(h[1])) ** 2
    }
    const byStep = (lossWith(W2[1][1] + 1e-4) - lossWith(W2[1][1] - 1e-4)) / 2e-4
    out.table(['∂L/∂S', 'w³₂', 'f′(h²₂)', 'a¹₂', 'product'], [[dS, W3[1], slope, a1[1], byHand]])
    out.check('∂L/∂w²₂₂ by autograd, against the product', byAutograd, byHand, 1e-6)
    out.check('and against a small step either way', byAutograd, byStep, 1e-6)

    // What bounds each factor where f is a sigmoid and weights are small.
    out.check("f′(h²₂), a sigmoid's slope", slope, { above: 0, below: 0.25 })
    out.check('a¹₂', a1[1], { above: 0, below: 1 })

    const w = steps([-4, 5], 120)
    const tangent = steps([-1.2, 2.8], 2)
    out.plot('slope', {
      parts: [
        {
          title: '∂L/∂w²₂₂ is the slope of the loss in that weight',
          x: { title: 'w²₂₂' },
          y: { title: 'L = (y − S)²' },
          marks: [
            { mark: 'line', name: 'loss, other weights fixed', x: w, y: w.map(lossWith) },
            {
              mark: 'line',
              name: `slope from the chain rule: ${byHand.toFixed(4)}`,
              x: tangent,
              y: tangent.map((v) => lossWith(0.8) + byHand * (v - 0.8)),
              dashed: true,
            },
            { mark: 'points', name: 'here', x: [0.8], y: [lossWith(0.8)], size: 90 },
          ],
        },
      ],
    })
  },
}
