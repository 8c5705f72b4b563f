/** @file The learning rate: too low, right, too high. And a rate that falls. */
import { compile, Parameter, type Tensor, tensor } from '../index.ts'
import { SGD } from '../optim/index.ts'
import type { Line } from './figure.ts'
import type { Lesson } from './lesson.ts'
import { steps } from './support.ts'

/** A curve with curvature 2: L(θ) = θ², its gradient 2θ. Each step multiplies θ by 1 − 2γ. */
const START = 2.5
const STEPS = 20
const RATES = {
  'too low: γ = 0.02': 0.02,
  'right: γ = 0.3': 0.3,
  'too high: γ = 0.95': 0.95,
  'far too high: γ = 1.05': 1.05,
}

function descend(rate: number, decay = 1): number[] {
  const theta = new Parameter(tensor(START))
  const optimizer = new SGD([theta], { lr: rate })
  const step = compile((one: Tensor) => {
    const before = theta.mul(one)
    optimizer.minimize(theta.square())
    return before
  })
  return Array.from({ length: STEPS + 1 }, () => {
    const before = step(1).itemSync()
    optimizer.lr *= decay
    return before
  })
}

export const learningRate: Lesson = {
  name: 'learning-rate',
  title: 'A learning rate too low, right, too high',
  course: 'Boudart',
  run(out) {
    const paths = Object.entries(RATES).map(([name, rate]) => ({ name, rate, theta: descend(rate) }))
    out.print('L(θ) = θ²,  θ ← θ − γ · 2θ = (1 − 2γ) θ:  converges for 0 < γ < 1, at once for γ = ½')
    out.table(
      ['rate', 'factor 1 − 2γ', `|θ| after ${STEPS} steps`],
      paths.map((p) => [p.name, 1 - 2 * p.rate, Math.abs(p.theta[STEPS])]),
    )
    for (const { name, rate, theta } of paths) {
      const wanted = START * (1 - 2 * rate) ** STEPS
      out.check(`${name}: θ / (1 − 2γ)²⁰ θ₀`, theta[STEPS] / wanted, 1, 1e-4)
    }
    const [low, right, high, far] = paths.map((p) => Math.abs(p.theta[STEPS]) / START)
    out.check('too low: most of the way is still ahead', low, { above: 0.4 })
    out.check('right: there', right, { below: 1e-6 })
    out.check('too high: swings from side to side, nearing slowly', high, { above: 0.1, below: 1 })
    out.check('far too high: leaves', far, { above: 2 })
    const cooled = descend(0.95, 0.85)
    out.check('too high at first, then falling by 15 % a step', Math.abs(cooled[STEPS]) / START, { below: 1e-3 })

    const x = steps([-4, 4], 100)
    out.plot('steps', {
      columns: 2,
      parts: paths.map(({ name, theta }) => ({
        title: name[0].toUpperCase() + name.slice(1),
        x: { title: 'θ', domain: [-4, 4] },
        y: { title: 'L(θ)', domain: [0, 14] },
        width: 300,
        height: 190,
        marks: [
          { mark: 'line', name: 'L(θ) = θ²', x, y: x.map((v) => v * v) },
          { mark: 'line', name: 'steps', x: theta, y: theta.map((v) => v * v) },
          { mark: 'points', name: 'steps', x: theta, y: theta.map((v) => v * v) },
        ],
      })),
    })
    const at = Array.from({ length: STEPS + 1 }, (_, i) => i)
    out.plot('distance', {
      parts: [
        {
          title: 'Distance from the minimum',
          x: { title: 'step' },
          y: { title: '|θ|', scale: 'log', domain: [1e-7, 100] },
          marks: [
            ...paths.map((p): Line => ({ mark: 'line', name: p.name, x: at, y: p.theta.map(Math.abs) })),
            { mark: 'line', name: 'γ = 0.95, falling by 15 % a step', x: at, y: cooled.map(Math.abs) },
          ],
        },
      ],
    })
  },
}
