/** @file How far back through time a gradient reaches: RNNs by their starting weights, and LSTM. */
import { eye, grad, randn, type Tensor, tensor, where, zeros } from '../index.ts'
import { init, LSTM, RNN } from '../nn/index.ts'
import type { Lesson } from './lesson.ts'
import { numbers } from './support.ts'

const [STEPS, BATCH, UNITS] = [60, 8, 32]

/** Length of ∂(sum of the last h, randomly weighted)/∂x_t, for every step t. */
function reach(run: (x: Tensor) => Tensor, x: Tensor): number[] {
  const leaf = tensor(x.dataSync(), { shape: x.shape, requiresGrad: true })
  const output = run(leaf).select(0, STEPS - 1)
  const [g] = grad(output.mul(randn(output.shape)).sum(), [leaf])
  return numbers(g.square().sum([1, 2]).sqrt())
}

/** Orthogonal, so that all singular values are 1, times `scale`. */
const orthogonal = (scale: number): Tensor => init.orthogonal([UNITS, UNITS]).mul(scale)

/** Q Λ Qᵀ, positive definite: one eigenvalue 1, the others between 0 and 1. */
function positiveDefinite(): Tensor {
  const q = init.orthogonal([UNITS, UNITS])
  const eigenvalues = tensor(Array.from({ length: UNITS }, (_, i) => 1 - i / UNITS))
  return q.mul(eigenvalues).matmul(q.T)
}

function rnn(recurrent: Tensor, nonlinearity: 'tanh' | 'relu'): (x: Tensor) => Tensor {
  const layer = new RNN(UNITS, UNITS, { nonlinearity, bias: false })
  for (const [name, p] of layer.namedParameters())
    p.assign(name.startsWith('weight_hh') ? recurrent : eye(UNITS).mul(0.1))
  return (x) => layer.call(x)[0]
}

/** An LSTM as it starts, or with a forget gate that starts open: its bias raised to 4. */
function lstm(open: boolean): (x: Tensor) => Tensor {
  const layer = new LSTM(UNITS, UNITS, { bias: 'single' })
  for (const [name, p] of layer.namedParameters()) {
    if (name.startsWith('bias')) {
      const forget = tensor(Array.from({ length: 4 * UNITS }, (_, i) => Math.floor(i / UNITS) === 1))
      p.assign(where(forget, zeros([4 * UNITS]).add(open ? 4 : 0), 0))
    }
  }
  return (x) => layer.call(x)[0]
}

export const recurrentGradient: Lesson = {
  name: 'recurrent-gradient',
  title: 'The vanishing gradient through time, and what holds it',
  course: 'de Mareuil; Fromont',
  run(out) {
    const x = randn([STEPS, BATCH, UNITS])
    const runs = {
      'RNN, ‖W‖ = 0.8': reach(rnn(orthogonal(0.8), 'tanh'), x),
      'RNN, ‖W‖ = 1': reach(rnn(orthogonal(1), 'tanh'), x),
      'RNN, positive definite, greatest eigenvalue 1': reach(rnn(positiveDefinite(), 'tanh'), x),
      'RNN, identity and ReLU (IRNN)': reach(rnn(eye(UNITS), 'relu'), x),
      'RNN, 0.95 identity + 0.05 free (mixture)': reach(rnn(eye(UNITS).mul(0.95).add(orthogonal(0.05)), 'tanh'), x),
      LSTM: reach(lstm(false), x),
      'LSTM, forget gate open': reach(lstm(true), x),
    }
    const back = 40
    const left = (name: keyof typeof runs): number => runs[name][STEPS - 1 - back] / runs[name][STEPS - 1]
    const names = Object.keys(runs) as (keyof typeof runs)[]
    out.print('‖∏ ∂h_m/∂h_(m−1)‖ ≤ η^(T−k): each factor is W diag(tanh′), and tanh′ ≤ 1')
    out.table(
      ['network', `gradient left after ${back} steps`, 'per step'],
      names.map((n) => [n, left(n), left(n) ** (1 / back)]),
    )
    out.check('RNN, ‖W‖ = 0.8: left, within the bound 0.8⁴⁰', left('RNN, ‖W‖ = 0.8'), { below: 0.8 ** back })
    // The bound holds at every step, not only there.
    const eta = 0.8
    const held = runs['RNN, ‖W‖ = 0.8'].every((g, t, all) => t === STEPS - 1 || g <= all[t + 1] * eta * 1.35)
    out.check('and it shrinks at every step', held, true)
    out.check('identity and ReLU: left', left('RNN, identity and ReLU (IRNN)'), { above: 0.2 })
    out.check(
      'LSTM with its forget gate open / RNN of ‖W‖ = 0.8',
      left('LSTM, forget gate open') / left('RNN, ‖W‖ = 0.8'),
      { above: 1000 },
    )
    out.check('LSTM with its forget gate open: left', left('LSTM, forget gate open'), { above: 0.05 })

    const ago = Array.from({ length: STEPS }, (_, t) => STEPS - 1 - t)
    out.plot('reach', {
      parts: [
        {
          title: 'Gradient of the last state with respect to earlier inputs',
          x: { title: 'steps back' },
          y: { title: 'length, relative to the last step', scale: 'log', domain: [1e-10, 10] },
          height: 320,
          marks: names.map((name) => ({
            mark: 'line',
            name,
            x: ago,
            y: runs[name].map((g) => g / runs[name][STEPS - 1]),
          })),
        },
      ],
    })
  },
}
