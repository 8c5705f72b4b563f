/** @file The courses' recurrent equations, step by step, beside the layers: RNN, LSTM, and two forms of GRU. */
import { randn, type Tensor, zeros } from '../index.ts'
import { GRU, LSTM, type Module, RNN } from '../nn/index.ts'
import type { Lesson } from './lesson.ts'

const [STEPS, BATCH, INPUTS, UNITS] = [6, 2, 3, 4]

interface Weights {
  /** W of every gate, each `[UNITS, INPUTS]`, in the order in which the layer keeps them. */
  readonly W: readonly Tensor[]
  /** U of every gate, each `[UNITS, UNITS]`. */
  readonly U: readonly Tensor[]
  readonly b: readonly Tensor[]
}

function weightsOf(layer: Module<never, unknown>, gates: number): Weights {
  const all = Object.fromEntries(layer.namedParameters())
  return { W: all.weight_ih_l0.chunk(gates), U: all.weight_hh_l0.chunk(gates), b: all.bias_ih_l0.chunk(gates) }
}

/** W x + U h + b of gate k. */
const affine = ({ W, U, b }: Weights, k: number, x: Tensor, h: Tensor): Tensor =>
  x.matmul(W[k].T).add(h.matmul(U[k].T)).add(b[k])

/** Runs `step` over the sequence, from zeros, and returns the last h. */
function unfold(x: Tensor, step: (x: Tensor, h: Tensor, c: Tensor) => { h: Tensor; c?: Tensor }): Tensor {
  let [h, c]: [Tensor, Tensor] = [zeros([BATCH, UNITS]), zeros([BATCH, UNITS])]
  for (let t = 0; t < STEPS; t++) {
    const next = step(x.select(0, t), h, c)
    h = next.h
    c = next.c ?? c
  }
  return h
}

const gap = (a: Tensor, b: Tensor): number => a.sub(b).abs().max().itemSync()

export const gates: Lesson = {
  name: 'gates',
  title: 'The equations of RNN, LSTM and GRU',
  course: 'de Mareuil; Fromont',
  run(out) {
    const x = randn([STEPS, BATCH, INPUTS])
    const bias = 'single' // the courses have one bias a gate; PyTorch's layers have two

    const rnn = new RNN(INPUTS, UNITS, { bias })
    const r = weightsOf(rnn, 1)
    out.print('h_t = tanh(W_HH h_(t−1) + W_IH x_t + b_h)')
    out.check(
      'RNN, against the layer',
      gap(
        unfold(x, (xt, h) => ({ h: affine(r, 0, xt, h).tanh() })),
        rnn.call(x)[0].select(0, STEPS - 1),
      ),
      0,
      1e-6,
    )

    const lstm = new LSTM(INPUTS, UNITS, { bias })
    const l = weightsOf(lstm, 4) // input, forget, proposal, output
    out.print(
      'forget, input, out = σ(W X_t + U h_(t−1) + b),  C̃ = tanh(…),  C_t = forget · C_(t−1) + input · C̃,  h_t = out · tanh(C_t)',
    )
    const byHand = unfold(x, (xt, h, c) => {
      const [input, forget, proposal, output] = [0, 1, 2, 3].map((k) => affine(l, k, xt, h))
      const cell = forget.sigmoid().mul(c).add(input.sigmoid().mul(proposal.tanh()))
      return { h: output.sigmoid().mul(cell.tanh()), c: cell }
    })
    out.check('LSTM, against the layer', gap(byHand, lstm.call(x)[0].select(0, STEPS - 1)), 0, 1e-6)

    // The courses' GRU: the reset gate before the product, the update gate lets the new in.
    const courses = new GRU(INPUTS, UNITS, { bias, reset: 'before', update: 'renew' })
    const pytorch = new GRU(INPUTS, UNITS, { bias })
    pytorch.loadStateDict(courses.stateDict())
    const g = weightsOf(courses, 3) // reset, update, proposal
    const gru = (sign: 1 | -1): Tensor =>
      unfold(x, (xt, h) => {
        const [reset, update] = [0, 1].map((k) =>
          affine(g, k, xt, h)
            .mul(k === 1 ? sign : 1)
            .sigmoid(),
        )
        const proposal = affine(g, 2, xt, reset.mul(h)).tanh()
        return { h: update.neg().add(1).mul(h).add(update.mul(proposal)) }
      })
    out.print('h̃ = tanh(W X_t + U (reset · h_(t−1)) + b),  h_t = (1 − update) · h_(t−1) + update · h̃')
    const last = (layer: GRU): Tensor => layer.call(x)[0].select(0, STEPS - 1)
    out.check("the courses' GRU, against the layer in that form", gap(gru(1), last(courses)), 0, 1e-6)
    out.check("PyTorch's form with the same weights is another function", gap(last(courses), last(pytorch)), {
      above: 1e-3,
    })
    // σ(−z) = 1 − σ(z): with the update gate's weights negated, "keep" and "renew" are the same function.
    const kept = new GRU(INPUTS, UNITS, { bias, reset: 'before' })
    kept.loadStateDict(courses.stateDict())
    out.check('negating the update gate turns one into the other', gap(gru(-1), last(kept)), 0, 1e-6)

    const counts = [rnn, courses, lstm].map((layer) => layer.parameterCount())
    out.check(
      'parameters: 1, 3 and 4 times n(m + n + 1)',
      counts,
      [1, 3, 4].map((k) => k * UNITS * (INPUTS + UNITS + 1)),
    )
    const deep = new LSTM(INPUTS, UNITS, { bias, numLayers: 2 })
    const both = new LSTM(INPUTS, UNITS, { bias, bidirectional: true })
    out.check(
      "a second layer reads the first one's n states: 4n(n + n + 1) more",
      deep.parameterCount() - counts[2],
      4 * UNITS * (2 * UNITS + 1),
    )
    out.check('reading backwards as well doubles them', both.parameterCount(), 2 * counts[2])
    out.check('and doubles the state at every step', [...both.call(x)[0].shape], [STEPS, BATCH, 2 * UNITS])
    out.plot('parameters', {
      parts: [
        {
          title: 'One, three and four gates: parameters of 4 units with 3 inputs',
          x: { title: '' },
          y: { title: 'parameters' },
          marks: [{ mark: 'bars', labels: ['RNN', 'GRU', 'LSTM'], values: counts }],
        },
      ],
    })
  },
}
