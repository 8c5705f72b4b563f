/** @file AFI's backpropagation with deltas and accumulators, beside autograd. */
import { randn, type Tensor, tensor } from '../index.ts'
import { bce } from '../loss/index.ts'
import { Linear, Sequential, Sigmoid } from '../nn/index.ts'
import type { Lesson } from './lesson.ts'

type Matrix = number[][]

const g = (z: number): number => 1 / (1 + Math.exp(-z))
const product = (W: Matrix, v: readonly number[]): number[] => W.map((row) => row.reduce((s, w, j) => s + w * v[j], 0))
const transpose = (W: Matrix): Matrix => W[0].map((_, j) => W.map((row) => row[j]))

interface Layer {
  readonly W: Matrix
  readonly b: readonly number[]
}

/**
 * The algorithm of the slides: for each example a forward pass, deltas from the last layer back, and Δ ← Δ + δ aᵀ.
 *
 * @param slope what a delta is multiplied by at a neuron of activation a: g′ = a (1 − a), or 1 as the slides have it
 * @returns D = Δ / m for each layer
 */
function accumulate(
  layers: readonly Layer[],
  xs: Matrix,
  ys: readonly number[],
  slope: (a: number) => number,
): Matrix[] {
  const D = layers.map(({ W }) => W.map((row) => row.map(() => 0)))
  xs.forEach((x, i) => {
    const a = [x]
    for (const { W, b } of layers) a.push(product(W, a[a.length - 1]).map((z, k) => g(z + b[k])))
    let delta = a[a.length - 1].map((out) => out - ys[i])
    for (let l = layers.length - 1; l >= 0; l--) {
      for (const [r, d] of delta.entries())
        for (const [c, input] of a[l].entries()) D[l][r][c] += (d * input) / xs.length
      delta = product(transpose(layers[l].W), delta).map((d, k) => d * slope(a[l][k]))
    }
  })
  return D
}

export const deltas: Lesson = {
  name: 'deltas',
  title: 'Backpropagation with deltas and accumulators',
  course: 'AFI',
  run(out) {
    // Two inputs, hidden layers of two and two neurons, one output: the network of the slides.
    const linear = [new Linear(2, 2), new Linear(2, 2), new Linear(2, 1)]
    const net = new Sequential(...linear.flatMap((l) => [l, new Sigmoid()]))
    for (const l of linear) l.weight.assign(randn(l.weight.shape))
    const x = randn([6, 2])
    const y = tensor([[0], [1], [1], [0], [1], [0]])

    // The cost of the slides: −(1/m) Σ y log h + (1 − y) log(1 − h).
    bce(net.call(x), y).backward()
    const autograd = linear.map((l) => (l.weight.grad as Tensor).arraySync() as Matrix)

    const layers = linear.map((l) => ({
      W: l.weight.arraySync() as Matrix,
      b: Array.from((l.bias as Tensor).dataSync()),
    }))
    const [xs, ys] = [x.arraySync() as Matrix, Array.from(y.dataSync())]
    const right = accumulate(layers, xs, ys, (a) => a * (1 - a))
    const printed = accumulate(layers, xs, ys, () => 1)

    out.print('δ(L) = a(L) − y,  δ(l) = W(l)ᵀ δ(l+1) ⊙ g′(z(l)),  Δ(l) ← Δ(l) + δ(l+1) a(l)ᵀ,  D = Δ / m')
    out.print(
      'The slides leave out g′, and in the first example write δ = y − a; their algorithm has a − y, which is right.',
    )
    out.check('D with g′, against autograd: first layer', right[0], autograd[0], 1e-6)
    out.check('second layer', right[1], autograd[1], 1e-6)
    out.check('third layer', right[2], autograd[2], 1e-6)

    const off = (l: number): number => {
      const [a, b] = [printed[l].flat(), autograd[l].flat()]
      return Math.hypot(...a.map((v, i) => v - b[i])) / Math.hypot(...b)
    }
    out.check('D without g′, relative error: third layer (no g′ needed there)', off(2), { below: 1e-5 })
    out.check('second layer', off(1), { above: 1 })
    out.check('first layer', off(0), { above: 1 })

    const labels = ['first layer', 'second layer', 'third layer']
    const norm = (D: Matrix): number => Math.hypot(...D.flat())
    out.plot('deltas', {
      parts: [
        {
          title: 'Without g′ ≤ 1/4, the gradients of early layers come out far too long',
          x: { title: '' },
          y: { title: '‖D‖', scale: 'linear' },
          marks: [
            { mark: 'bars', name: 'autograd', labels, values: autograd.map(norm) },
            { mark: 'bars', name: 'deltas with g′', labels, values: right.map(norm) },
            { mark: 'bars', name: 'deltas as printed', labels, values: printed.map(norm) },
          ],
        },
      ],
    })
  },
}
