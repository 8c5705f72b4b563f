/** @file McCulloch and Pitts' neuron (1943): a weighted sum and a threshold. Gates, and a network for XOR. */
import { type Tensor, tensor } from '../index.ts'
import { Lambda, Linear, Sequential } from '../nn/index.ts'
import type { Chart, Points } from './figure.ts'
import type { Lesson } from './lesson.ts'
import { gridOf, type Interval, numbers, pick, rowsOf } from './support.ts'

/** A(x) = 0 if x < 0, 1 otherwise. */
const A = (x: Tensor): Tensor => x.ge(0).float()

/** y = A(W x + b), with weights written down rather than learnt. */
function neurons(weight: readonly (readonly number[])[], bias: readonly number[]): Sequential {
  const sum = new Linear(weight[0].length, weight.length)
  sum.weight.assign(tensor(weight))
  sum.bias?.assign(tensor(bias))
  return new Sequential(sum, new Lambda(A))
}

const inputs = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
]
const AREA: Interval = [-0.5, 1.5]

export const thresholdGates: Lesson = {
  name: 'threshold-gates',
  title: 'Neurons with a threshold compute AND, and a network of nine parameters XOR',
  course: 'Châtel; de Mareuil',
  run(out) {
    const and = neurons([[1, 1]], [-1.5])
    const or = neurons([[1, 1]], [-0.5])
    const nand = neurons([[-1, -1]], [1.5])
    // x₁ XOR x₂ = (x₁ OR x₂) AND NOT (x₁ AND x₂): the hidden neurons are OR and NAND, the last one is AND.
    const xor = new Sequential(
      neurons(
        [
          [1, 1],
          [-1, -1],
        ],
        [-0.5, 1.5],
      ),
      neurons([[1, 1]], [-1.5]),
    )

    const x = tensor(inputs)
    const gates = { AND: and, OR: or, NAND: nand, XOR: xor }
    const truth = Object.values(gates).map((gate) => numbers(gate.call(x)))
    out.print('y = A(w₁x₁ + w₂x₂ + b), A(x) = 0 if x < 0, 1 otherwise')
    out.table(
      ['x₁', 'x₂', ...Object.keys(gates)],
      inputs.map((row, i) => [...row, ...truth.map((y) => y[i])]),
    )

    out.print('AND with w = (1, 1), b = −1.5, step by step:')
    const sum = (x1: number, x2: number): number => 1 * x1 + 1 * x2 - 1.5
    out.check('x = (0, 1): the sum', sum(0, 1), -0.5)
    out.check('A(−0.5)', A(tensor(-0.5)), 0)
    out.check('x = (1, 1): the sum', sum(1, 1), 0.5)
    out.check('A(0.5)', A(tensor(0.5)), 1)
    out.check('AND', truth[0], [0, 0, 0, 1])
    out.check('OR', truth[1], [0, 1, 1, 1])
    out.check('NAND', truth[2], [1, 1, 1, 0])
    out.check('XOR', truth[3], [0, 1, 1, 0])
    out.check('parameters of the XOR network', xor.parameterCount(), 9)

    const n = 40
    const area = gridOf(AREA, AREA, n)
    const part = (name: 'AND' | 'XOR', y: readonly number[]): Chart => ({
      title: `${name}: where the network answers 1`,
      x: { title: 'x₁', domain: AREA },
      y: { title: 'x₂', domain: AREA },
      width: 260,
      height: 260,
      marks: [
        {
          mark: 'heat',
          x: AREA,
          y: AREA,
          rows: rowsOf(gates[name].call(area), n),
          colours: 'diverging',
          middle: 0.5,
        },
        ...[0, 1].map((label): Points => {
          const at = pick(inputs, y, label)
          return {
            mark: 'points',
            name: `answer ${label}`,
            x: at.map((p) => p[0]),
            y: at.map((p) => p[1]),
            size: 160,
          }
        }),
      ],
    })
    out.plot('regions', { parts: [part('AND', truth[0]), part('XOR', truth[3])] })
  },
}
