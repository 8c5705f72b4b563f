/** @file Boudart's second lecture, section 4.2: what loss curves tell, shown on runs that have each of the problems. */
import { compile, manualSeed, noGrad, rand, randn, type Tensor } from '../index.ts'
import { mse } from '../loss/index.ts'
import { type Layer, Linear, Sequential, Tanh } from '../nn/index.ts'
import { Adam, type Optimizer, SGD } from '../optim/index.ts'
import type { Lesson } from './lesson.ts'

interface Curves {
  readonly train: readonly number[]
  readonly validation: readonly number[]
  /** Loss of the best constant answer. */
  readonly constant: number
}

const ADVICE = {
  'momentum or rate too large': 'schedule a falling rate, or change the optimizer',
  underfitting: 'add capacity: more layers, more neurons; or more data',
  'stopped too early': 'train for more steps; if that takes too long, raise the rate',
  overfitting: 'reduce capacity, regularise, or stop where validation is lowest',
  'validation set not representative': 'add examples to the validation set',
  'validation levels off': 'collect more data, or change the architecture',
  'training set not representative': 'add examples to the training set',
  'a good fit': 'test it',
} as const

type Diagnosis = keyof typeof ADVICE

/** Reads curves as the lecture does, from the plainest sign to the subtlest. */
function diagnose({ train, validation, constant }: Curves): Diagnosis {
  const n = train.length
  const [end, validated] = [train[n - 1], validation[n - 1]]
  const least = Math.min(...validation)
  const [half, late] = [Math.floor(n / 2), Math.floor(0.9 * n)]
  if (!(end < 2 * Math.min(...train))) return 'momentum or rate too large'
  if (turns(validation.slice(half)) > n / 6 && turns(train.slice(half)) < n / 12)
    return 'validation set not representative'
  if (end < 0.95 * train[late] && validated < 0.95 * validation[late]) return 'stopped too early'
  if (end > 0.5 * constant) return 'underfitting'
  if (validated > 1.3 * least && end < 0.5 * train[validation.indexOf(least)]) return 'overfitting'
  if (end < 0.95 * train[half] && validated > 0.9 * validation[half]) return 'validation levels off'
  if (validated > 3 * end) return 'training set not representative'
  return 'a good fit'
}

/** How often a curve changes direction by more than a fifth of its height. */
function turns(curve: readonly number[]): number {
  const steps = curve.slice(1).map((v, i) => (Math.abs(v - curve[i]) > 0.2 * curve[i] ? Math.sign(v - curve[i]) : 0))
  const moves = steps.filter((s) => s !== 0)
  return moves.slice(1).filter((s, i) => s !== moves[i]).length
}

interface Points {
  readonly x: Tensor
  readonly y: Tensor
}

/** Points of sin 4x with noise, x between the ends. */
function points(count: number, noise: number, from = -1, to = 1): Points {
  const x = rand([count, 1])
    .mul(to - from)
    .add(from)
    .realise()
  return {
    x,
    y: x
      .mul(4)
      .sin()
      .add(randn([count, 1]).mul(noise))
      .realise(),
  }
}

interface Setting {
  readonly model?: () => Layer
  readonly train: Points
  readonly validation: Points
  readonly optimizer?: (model: Layer) => Optimizer
  readonly steps?: number
  /** Standard deviation of noise on the gradient, as small batches have it. */
  readonly jitter?: number
}

const net = (width: number): Layer =>
  new Sequential(new Linear(1, width), new Tanh(), new Linear(width, width), new Tanh(), new Linear(width, 1))
const SAMPLES = 60

/** Trains, and notes both losses sixty times on the way. */
function run({
  model = () => net(24),
  train,
  validation,
  optimizer = (m) => new Adam(m.parameters(), { lr: 5e-3 }),
  steps = 600,
  jitter = 0,
}: Setting): Curves {
  manualSeed(4)
  const network = model()
  const rule = optimizer(network)
  const update = compile((x: Tensor, y: Tensor) => {
    const loss = mse(network.call(x), y)
    rule.minimize(jitter > 0 ? mse(network.call(x), y.add(randn([1]).mul(jitter))) : loss)
    return loss
  })
  const measure = compile((x: Tensor, y: Tensor) => noGrad(() => mse(network.call(x), y)))
  const curves = {
    train: [] as number[],
    validation: [] as number[],
    constant: train.y.var([0], { correction: 0 }).itemSync(),
  }
  for (let i = 0; i < steps; i++) {
    if (i % (steps / SAMPLES) === 0) {
      curves.train.push(measure(train.x, train.y).itemSync())
      curves.validation.push(measure(validation.x, validation.y).itemSync())
    }
    update(train.x, train.y)
  }
  return curves
}

export const lossCurves: Lesson = {
  name: 'loss-curves',
  title: 'Reading loss curves',
  course: 'Boudart, after Brownlee',
  run(out) {
    const [many, others] = [points(200, 0.1), points(200, 0.1)]
    const settings: readonly (readonly [Diagnosis, Setting])[] = [
      ['underfitting', { train: many, validation: others, model: () => new Linear(1, 1) }],
      ['stopped too early', { train: many, validation: others, steps: 60 }],
      ['overfitting', { train: points(12, 0.5), validation: others, steps: 3000 }],
      ['validation levels off', { train: points(120, 0.5), validation: points(200, 0.5), steps: 1800 }],
      ['training set not representative', { train: points(100, 0.1, -1, 0.35), validation: others }],
      [
        'validation set not representative',
        { train: points(200, 0.2), validation: points(2, 0), jitter: 0.07, steps: 1800 },
      ],
      [
        'momentum or rate too large',
        {
          train: many,
          validation: others,
          optimizer: (m) => new SGD(m.parameters(), { lr: 0.15, momentum: 0.995 }),
          steps: 600,
        },
      ],
      ['a good fit', { train: many, validation: others, steps: 1800 }],
    ]
    const runs = settings.map(([problem, setting]) => {
      const curves = run(setting)
      return { problem, curves, found: diagnose(curves) }
    })
    out.table(
      ['run made to show', 'read from its curves', 'advice'],
      runs.map((r) => [r.problem, r.found, ADVICE[r.found]]),
    )
    out.plot('curves', {
      columns: 4,
      parts: runs.map(({ problem, curves }) => ({
        title: problem[0].toUpperCase() + problem.slice(1),
        x: { title: 'training' },
        y: { title: 'loss', scale: 'log', domain: [1e-3, 2] },
        width: 210,
        height: 150,
        marks: [
          { mark: 'line', name: 'training', x: curves.train.map((_, i) => i), y: curves.train },
          { mark: 'line', name: 'validation', x: curves.train.map((_, i) => i), y: curves.validation },
        ],
      })),
    })
    out.check(
      'what the curves tell',
      runs.map((r) => r.found),
      settings.map(([problem]) => problem),
    )
  },
}
