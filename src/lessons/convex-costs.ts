/** @file AFI: the squared error of a logistic regression is not convex, its cross-entropy is; where one starts decides. */
import { compile, Parameter, type Tensor, tensor } from '../index.ts'
import { bceWithLogits, mse } from '../loss/index.ts'
import { SGD } from '../optim/index.ts'
import type { Lesson } from './lesson.ts'
import { numbers, steps } from './support.ts'

/** h(x) = σ(βx): one parameter. Eight examples at x = 1, seven of class 0, and one at x = 10, of class 1. */
const X = [1, 1, 1, 1, 1, 1, 1, 1, 10]
const Y = [0, 0, 0, 0, 0, 0, 0, 1, 1]

type Cost = (logits: Tensor, y: Tensor) => Tensor

export const convexCosts: Lesson = {
  name: 'convex-costs',
  title: 'Squared error and cross-entropy in logistic regression: valleys, and one valley',
  course: 'AFI',
  run(out) {
    const [x, y] = [tensor(X), tensor(Y)]
    const costs: Record<string, Cost> = {
      'squared error': (z, y) => mse(z.sigmoid(), y).div(2), // 1/(2m) Σ (h − y)²
      'cross-entropy': (z, y) => bceWithLogits(z, y), // −1/m Σ y log h + (1 − y) log(1 − h)
    }
    const beta = steps([-4, 2], 241)
    const curve = (cost: Cost): number[] => beta.map((b) => cost(x.mul(b), y)).map((c) => c.itemSync())
    const curves = Object.fromEntries(Object.entries(costs).map(([name, cost]) => [name, curve(cost)]))

    // Convex: nowhere above the middle of its neighbours.
    const bends = (v: readonly number[]): number => Math.min(...v.slice(1, -1).map((m, i) => v[i] + v[i + 2] - 2 * m))
    const valleys = (v: readonly number[]): number => v.slice(1, -1).filter((m, i) => m < v[i] && m <= v[i + 2]).length
    out.check('squared error: least second difference (negative: not convex)', bends(curves['squared error']), {
      below: -1e-5,
    })
    out.check('cross-entropy: least second difference', bends(curves['cross-entropy']), { above: -1e-6 })
    out.check('valleys of the squared error', valleys(curves['squared error']), 2)
    out.check('valleys of the cross-entropy', valleys(curves['cross-entropy']), 1)

    /** Gradient descent from β, to where it ends. */
    const descend = (cost: Cost, start: number): number => {
      const parameter = new Parameter(tensor([start]))
      const optimizer = new SGD([parameter], { lr: 0.2 })
      const update = compile((x: Tensor, y: Tensor) => {
        optimizer.minimize(cost(x.mul(parameter), y))
        return null
      })
      for (let i = 0; i < 2000; i++) update(x, y)
      return numbers(parameter)[0]
    }
    const starts = [-1.5, 1.5]
    const ends = Object.fromEntries(
      Object.entries(costs).map(([name, cost]) => [name, starts.map((start) => descend(cost, start))]),
    )
    out.table(
      ['cost', `from β = ${starts[0]}`, `from β = ${starts[1]}`],
      Object.entries(ends).map(([n, e]) => [n, ...e]),
    )
    const apart = ([a, b]: readonly number[]): number => Math.abs(a - b)
    out.check('squared error: distance between the two ends', apart(ends['squared error']), { above: 1 })
    out.check('cross-entropy: distance between the two ends', apart(ends['cross-entropy']), 0, 1e-3)

    out.plot('costs', {
      parts: Object.entries(costs).map(([name, cost]) => ({
        title: name === 'squared error' ? 'Squared error: the start decides' : 'Cross-entropy: all ways lead down',
        x: { title: 'β' },
        y: { title: `J(β), ${name}` },
        width: 320,
        marks: [
          { mark: 'line', name: 'cost', x: beta, y: curves[name] },
          {
            mark: 'points',
            name: 'starts',
            x: starts,
            y: starts.map((b) => cost(x.mul(b), y).itemSync()),
            size: 90,
          },
          {
            mark: 'points',
            name: 'ends',
            x: ends[name],
            y: ends[name].map((b) => cost(x.mul(b), y).itemSync()),
            size: 90,
          },
        ],
      })),
    })
  },
}
