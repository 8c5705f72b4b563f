/** @file Fromont: parity takes few gates in a deep circuit and very many in a shallow one. */
import { type Tensor, tensor } from '../index.ts'
import type { Lesson } from './lesson.ts'
import { numbers } from './support.ts'

/** y = A(W x + b) for a batch of inputs; every row of W is a gate. */
function gates(x: Tensor, W: readonly (readonly number[])[], b: readonly number[]): Tensor {
  return x.matmul(tensor(W).T).add(tensor(b)).ge(0).float()
}

interface Answer {
  readonly output: Tensor
  readonly gates: number
  readonly layers: number
}

/** XORs of neighbours, then of the results, and so on: three gates for each XOR, two layers for each round. */
function deep(x: Tensor): Answer {
  let [level, count, layers] = [x, 0, 0]
  while (level.shape[1] > 1) {
    const pairs = level.shape[1] / 2
    const row = (pair: number, a: number, b: number): number[] =>
      Array.from({ length: 2 * pairs }, (_, i) => (i === 2 * pair ? a : i === 2 * pair + 1 ? b : 0))
    const each = Array.from({ length: pairs }, (_, k) => k)
    // OR and NAND of every pair, then their AND.
    const hidden = gates(
      level,
      each.flatMap((k) => [row(k, 1, 1), row(k, -1, -1)]),
      each.flatMap(() => [-0.5, 1.5]),
    )
    level = gates(
      hidden,
      each.map((k) => row(k, 1, 1)),
      each.map(() => -1.5),
    )
    count += 3 * pairs
    layers += 2
  }
  return { output: level.squeeze([1]), gates: count, layers }
}

/** One AND for every pattern of odd parity, then an OR of all. */
function shallow(x: Tensor): Answer {
  const n = x.shape[1]
  const patterns = Array.from({ length: 2 ** n }, (_, k) => bits(k, n)).filter(
    (p) => p.reduce((a, b) => a + b) % 2 === 1,
  )
  const hidden = gates(
    x,
    patterns.map((p) => p.map((v) => 2 * v - 1)),
    patterns.map((p) => 0.5 - p.reduce((a, b) => a + b)),
  )
  const output = gates(hidden, [patterns.map(() => 1)], [-0.5])
  return { output: output.squeeze([1]), gates: patterns.length + 1, layers: 2 }
}

const bits = (k: number, n: number): number[] => Array.from({ length: n }, (_, i) => (k >> i) & 1)

export const parity: Lesson = {
  name: 'parity',
  title: 'Parity: few gates when deep, exponentially many when shallow',
  course: 'Fromont',
  run(out) {
    const sizes = [2, 4, 8]
    const answers = sizes.map((n) => {
      const inputs = Array.from({ length: 2 ** n }, (_, k) => bits(k, n))
      const odd = inputs.map((row) => row.reduce((a, b) => a + b) % 2)
      const [tree, flat] = [deep(tensor(inputs)), shallow(tensor(inputs))]
      out.check(`${n} bits, all ${2 ** n} patterns: deep`, numbers(tree.output), odd)
      out.check('shallow', numbers(flat.output), odd)
      return { n, tree, flat }
    })
    out.table(
      ['bits', 'deep: layers', 'gates', 'shallow: layers', 'gates'],
      answers.map(({ n, tree, flat }) => [n, tree.layers, tree.gates, flat.layers, flat.gates]),
    )
    out.check(
      'gates of the deep circuits, 3(n − 1)',
      answers.map((a) => a.tree.gates),
      sizes.map((n) => 3 * (n - 1)),
    )
    out.check(
      'gates of the shallow ones, 2ⁿ⁻¹ + 1',
      answers.map((a) => a.flat.gates),
      sizes.map((n) => 2 ** (n - 1) + 1),
    )
    out.print(
      '(For circuits of AND and OR. A threshold that counts bits would do with n gates in its one hidden layer.)',
    )

    const n = [2, 4, 8, 16, 32]
    out.plot('gates', {
      parts: [
        {
          title: 'Gates for the parity of n bits',
          x: { title: 'bits' },
          y: { title: 'gates', scale: 'log' },
          marks: [
            { mark: 'line', name: 'two layers: 2ⁿ⁻¹ + 1', x: n, y: n.map((v) => 2 ** (v - 1) + 1) },
            { mark: 'line', name: '2 log₂ n layers: 3(n − 1)', x: n, y: n.map((v) => 3 * (v - 1)) },
          ],
        },
      ],
    })
  },
}
