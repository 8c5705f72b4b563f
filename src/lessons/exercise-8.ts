/** @file Fromont's exercise 8: the parameters of a recurrent network, as printed and as an LSTM. */
import { Embedding, Linear, LSTM } from '../nn/index.ts'
import type { Lesson } from './lesson.ts'

/** Inputs, units, outputs. */
const SIZES: readonly (readonly [m: number, n: number, k: number])[] = [
  [10, 20, 5],
  [300, 128, 10],
  [1, 1, 1],
  [7, 3, 11],
]

export const exercise8: Lesson = {
  name: 'exercise-8',
  title: 'Exercise 8: the parameters of a recurrent network',
  course: 'Fromont; de Mareuil',
  run(out) {
    // s_t = tanh(U x_t + W s_(t−1)),  o_t = softmax(V s_t): three matrices, no biases.
    const printed = ([m, n, k]: readonly number[]): number =>
      [new Linear(m, n, { bias: false }), new Linear(n, n, { bias: false }), new Linear(n, k, { bias: false })].reduce(
        (sum, l) => sum + l.parameterCount(),
        0,
      )
    const lstm = ([m, n, k]: readonly number[], bias: boolean): number =>
      new LSTM(m, n, { bias: 'single' }).parameterCount() + new Linear(n, k, { bias }).parameterCount()

    out.print('As printed: U is n × m, W n × n, V k × n, so n(m + n + k).')
    out.print(
      '"n LSTM units": three gates and the proposal, each n × (m + n + 1), so 4n(m + n + 1) + nk, and k if V has a bias.',
    )
    out.table(
      ['m', 'n', 'k', 'as printed', 'LSTM', 'and output bias'],
      SIZES.map((s) => [...s, printed(s), lstm(s, false), lstm(s, true)]),
    )
    out.check(
      'n(m + n + k)',
      SIZES.map(printed),
      SIZES.map(([m, n, k]) => n * (m + n + k)),
    )
    out.check(
      '4n(m + n + 1) + nk',
      SIZES.map((s) => lstm(s, false)),
      SIZES.map(([m, n, k]) => 4 * n * (m + n + 1) + n * k),
    )
    out.check(
      '4n(m + n + 1) + nk + k',
      SIZES.map((s) => lstm(s, true)),
      SIZES.map(([m, n, k]) => 4 * n * (m + n + 1) + n * k + k),
    )

    out.print(
      "De Mareuil's sentiment network, Embedding(13000, 100) – LSTM 64 – LSTM 32 – Dense 5, counts the same way:",
    )
    const layers = [
      new Embedding(13_000, 100),
      new LSTM(100, 64, { bias: 'single' }),
      new LSTM(64, 32, { bias: 'single' }),
      new Linear(32, 5),
    ]
    const counts = layers.map((l) => l.parameterCount())
    out.check('embedding, LSTM 64, LSTM 32, dense', counts, [1_300_000, 42_240, 12_416, 165])
    out.check(
      'altogether',
      counts.reduce((a, b) => a + b),
      1_354_821,
    )
    out.check("PyTorch's LSTM has two biases: 4n more", new LSTM(100, 64).parameterCount() - counts[1], 4 * 64)

    const n = [8, 16, 32, 64, 128, 256]
    out.plot('growth', {
      parts: [
        {
          title: 'Parameters for 100 inputs and 10 outputs',
          x: { title: 'units n', scale: 'log' },
          y: { title: 'parameters', scale: 'log' },
          marks: [
            { mark: 'line', name: 'LSTM: 4n(m + n + 1) + nk + k', x: n, y: n.map((v) => lstm([100, v, 10], true)) },
            { mark: 'line', name: 'as printed: n(m + n + k)', x: n, y: n.map((v) => printed([100, v, 10])) },
          ],
        },
      ],
    })
  },
}
