/** @file Initial weights: bounds and variances of the schemes, and what depth makes of a signal and of its gradient. */
import { grad, randn, stack, type Tensor, tensor } from '../index.ts'
import { init } from '../nn/index.ts'
import type { Chart } from './figure.ts'
import type { Lesson } from './lesson.ts'
import { numbers } from './support.ts'

const WIDTH = 256
const DEPTH = 24

/** Variance of the signal after each layer, and of the gradient with respect to it. */
function propagate(draw: init.Initialiser, f: (h: Tensor) => Tensor): { signal: number[]; gradient: number[] } {
  const x = tensor(randn([64, WIDTH]).dataSync(), { shape: [64, WIDTH], requiresGrad: true })
  const layers: Tensor[] = [x]
  for (let l = 0; l < DEPTH; l++) layers.push(f(layers[l].matmul(draw([WIDTH, WIDTH]).T)))
  // The gradient of a sum with random weights arrives at the last layer with variance 1.
  const last = layers[DEPTH]
  const gradients = grad(last.mul(randn(last.shape)).sum(), layers)
  // Read together, so that all is computed once.
  const variances = numbers(stack([...layers, ...gradients].map((t) => t.square().mean())))
  return { signal: variances.slice(0, DEPTH + 1), gradient: variances.slice(DEPTH + 1) }
}

export const initialisation: Lesson = {
  name: 'initialisation',
  title: 'Initial weights: the variance of signals and gradients through depth',
  course: 'Boudart',
  run(out) {
    // q = fan-in 300, q′ = fan-out 500.
    const [q, q1] = [300, 500]
    const bound = (draw: init.Initialiser): number => draw([q1, q]).abs().max().itemSync()
    const variance = (draw: init.Initialiser): number => draw([q1, q]).var().itemSync()
    out.print('a layer of 300 inputs and 500 outputs, drawn from each scheme:')
    out.check("LeCun's uniform: greatest weight, √(3/q)", bound(init.lecunUniform), Math.sqrt(3 / q), 1e-4)
    out.check('its variance × q', variance(init.lecunUniform) * q, 1, 0.02)
    out.check(
      "Xavier's normalised: greatest weight, √(6/(q+q′))",
      bound(init.glorotUniform),
      Math.sqrt(6 / (q + q1)),
      1e-4,
    )
    out.check('its variance × (q+q′)/2', (variance(init.glorotUniform) * (q + q1)) / 2, 1, 0.02)
    out.check("Xavier's normal: variance × (q+q′)/2", (variance(init.glorotNormal) * (q + q1)) / 2, 1, 0.02)
    out.check("He's: variance × q/2", (variance(init.heNormal) * q) / 2, 1, 0.02)
    out.check("He's uniform: greatest weight, √(6/q)", bound(init.heUniform), Math.sqrt(6 / q), 1e-4)

    const linear = (h: Tensor): Tensor => h
    const relu = (h: Tensor): Tensor => h.relu()
    const runs = {
      'linear, variance 1/q (LeCun)': propagate(init.lecunNormal, linear),
      'linear, 1.5 times that': propagate(init.normal(Math.sqrt(1.5 / WIDTH)), linear),
      'linear, half of that': propagate(init.normal(Math.sqrt(0.5 / WIDTH)), linear),
      'ReLU, Xavier': propagate(init.glorotUniform, relu),
      'ReLU, He': propagate(init.heNormal, relu),
    }
    out.print(`${DEPTH} layers of ${WIDTH} neurons: V[h_l] = q V[w] V[h_(l−1)]`)
    const rows = Object.entries(runs).map(([name, { signal, gradient }]) => ({
      name,
      signal: signal[DEPTH] / signal[0],
      gradient: gradient[0] / gradient[DEPTH],
    }))
    out.table(
      ['layers', 'signal, last / first', 'gradient, first / last'],
      rows.map((r) => [r.name, r.signal, r.gradient]),
    )
    const growth = [1, 1.5, 0.5, 0.5, 1]
    for (const [i, { name, signal, gradient }] of rows.entries()) {
      // Per layer, so that the chance of 24 draws does not add up.
      out.check(`${name}: factor per layer, signal`, signal ** (1 / DEPTH), growth[i], 0.05)
      out.check(`${name}: factor per layer, gradient`, gradient ** (1 / DEPTH), growth[i], 0.05)
    }

    const at = Array.from({ length: DEPTH + 1 }, (_, l) => l)
    const part = (title: string, key: 'signal' | 'gradient'): Chart => ({
      title,
      x: { title: 'layer' },
      y: { title: 'variance', scale: 'log' },
      width: 360,
      marks: Object.entries(runs).map(([name, run]) => ({ mark: 'line', name, x: at, y: run[key] })),
    })
    out.plot('depth', {
      parts: [part('The signal on its way forward', 'signal'), part('The gradient on its way back', 'gradient')],
    })
  },
}
