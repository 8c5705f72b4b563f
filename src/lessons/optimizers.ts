/** @file A race of optimizers in a narrow valley. */
import { compile, Parameter, stack, type Tensor, tensor } from '../index.ts'
import { Adagrad, Adam, CoordinateDescent, type Optimizer, RMSprop, SGD } from '../optim/index.ts'
import type { Lesson } from './lesson.ts'

/** Curvature 0.5 along, 40 across, turned by 30°. */
const [ALONG, ACROSS, ANGLE] = [0.5, 40, Math.PI / 6]
const START = [-4, 1.5]
const STEPS = 120
const [c, s] = [Math.cos(ANGLE), Math.sin(ANGLE)]

function valley(w: Tensor): Tensor {
  const [u, v] = [w.select(0, 0), w.select(0, 1)]
  const along = u.mul(c).add(v.mul(s))
  const across = v.mul(c).sub(u.mul(s))
  return along
    .square()
    .mul(ALONG / 2)
    .add(across.square().mul(ACROSS / 2))
}

/** Greatest rate that plain descent bears here: 2 / curvature. */
const LIMIT = 2 / ACROSS
const RACERS: Readonly<Record<string, (w: Parameter) => Optimizer>> = {
  'gradient descent': (w) => new SGD([w], { lr: 0.9 * LIMIT }),
  momentum: (w) => new SGD([w], { lr: 0.4 * LIMIT, momentum: 0.85 }),
  Nesterov: (w) => new SGD([w], { lr: 0.4 * LIMIT, momentum: 0.85, nesterov: true }),
  Adam: (w) => new Adam([w], { lr: 0.3 }),
  RMSprop: (w) => new RMSprop([w], { lr: 0.05 }),
  Adagrad: (w) => new Adagrad([w], { lr: 1 }),
  'one coordinate at a time': (w) => new CoordinateDescent([w], { lr: 0.9 * LIMIT }),
}

export const optimizers: Lesson = {
  name: 'optimizers',
  title: 'Optimizers race down a narrow valley',
  course: 'Boudart; de Mareuil',
  run(out) {
    const runs = Object.entries(RACERS).map(([name, make]) => {
      const w = new Parameter(tensor(START))
      const optimizer = make(w)
      const step = compile((one: Tensor) => {
        const [before, height] = [w.mul(one), valley(w)]
        optimizer.minimize(height)
        return stack([before.select(0, 0), before.select(0, 1), height])
      })
      const path = Array.from({ length: STEPS }, () => Array.from(step(1).dataSync()))
      return { name, path, heights: path.map((p) => p[2]) }
    })
    const end = (name: string): number => runs.find((r) => r.name === name)?.heights.at(-1) ?? Number.NaN
    out.table(
      ['optimizer', `height after ${STEPS} steps`],
      runs.map((r) => [r.name, r.heights.at(-1) ?? 0]),
    )
    for (const { name, heights } of runs)
      out.check(`${name} goes down: height at the end / at the start`, (heights.at(-1) ?? 1) / heights[0], {
        below: 0.2,
      })

    // "It dampens oscillations in narrow valleys": faster than plain descent at its best rate.
    out.check('momentum / gradient descent', end('momentum') / end('gradient descent'), { below: 0.1 })
    out.check('Nesterov / gradient descent', end('Nesterov') / end('gradient descent'), { below: 0.1 })
    // Plain descent at its rate flips its step across the valley every time.
    const acrossOf = (p: readonly number[]): number => p[1] * c - p[0] * s
    const flips = (name: string): number => {
      const path =
        runs
          .find((r) => r.name === name)
          ?.path.slice(0, 20)
          .map(acrossOf) ?? []
      return path.slice(1).filter((v, i) => v * path[i] < 0).length
    }
    out.check('gradient descent crosses the valley in each of its first steps', flips('gradient descent'), 19)
    out.check('momentum crosses it less often', flips('momentum'), { below: 19 })

    // First steps by the formulas of the slides.
    const g = [0, 1].map((k) => {
      const [along, across] = [START[0] * c + START[1] * s, START[1] * c - START[0] * s]
      return k === 0 ? ALONG * along * c - ACROSS * across * s : ALONG * along * s + ACROSS * across * c
    })
    const second = (name: string): number[] => runs.find((r) => r.name === name)?.path[1].slice(0, 2) ?? []
    out.check(
      'gradient descent, first step: θ − γ∇L',
      second('gradient descent'),
      START.map((v, k) => v - 0.9 * LIMIT * g[k]),
      1e-5,
    )
    out.check(
      'Adam, first step: γ in each direction, whatever the slope',
      second('Adam'),
      START.map((v, k) => v - 0.3 * Math.sign(g[k])),
      1e-5,
    )
    out.check(
      'RMSprop, first step: γ / √(1 − ρ) = 10γ',
      second('RMSprop'),
      START.map((v, k) => v - 0.5 * Math.sign(g[k])),
      1e-4,
    )

    const n = 44
    const cell = (from: number, to: number, i: number): number => from + ((to - from) * (i + 0.5)) / n
    const rows = Array.from({ length: n }, (_, j) =>
      Array.from({ length: n }, (_, i) => {
        const [u, v] = [cell(-5, 2, i), cell(-3, 2, j)]
        return Math.log10(1e-2 + (ALONG / 2) * (u * c + v * s) ** 2 + (ACROSS / 2) * (v * c - u * s) ** 2)
      }),
    )
    const paths = ['gradient descent', 'momentum', 'Adam', 'one coordinate at a time']
    out.plot('paths', {
      columns: 2,
      parts: paths.map((name) => {
        const path = runs.find((r) => r.name === name)?.path ?? []
        const [x, y] = [path.map((p) => p[0]), path.map((p) => p[1])]
        return {
          title: `${name}: ${STEPS} steps`,
          x: { title: 'θ₁', domain: [-5, 2] },
          y: { title: 'θ₂', domain: [-3, 2] },
          width: 330,
          height: 235,
          marks: [
            { mark: 'heat', x: [-5, 2], y: [-3, 2], rows },
            { mark: 'line', name: 'path', x, y },
            { mark: 'points', name: 'steps', x, y, size: 14 },
          ],
        }
      }),
    })
    out.plot('race', {
      parts: [
        {
          title: 'Height above the bottom of the valley',
          x: { title: 'step' },
          y: { title: 'height', scale: 'log', domain: [1e-8, 1e3] },
          height: 320,
          marks: runs.map(({ name, heights }) => ({ mark: 'line', name, x: heights.map((_, i) => i), y: heights })),
        },
      ],
    })
  },
}
