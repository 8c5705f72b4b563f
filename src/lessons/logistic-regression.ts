/** @file AFI's logistic regression: linear boundaries, boundaries made of squares, one-vs-all and softmax. */
import { cat, randn, type Tensor, tensor } from '../index.ts'
import { bceWithLogits, crossEntropy } from '../loss/index.ts'
import { Lambda, type Layer, Linear, Sequential } from '../nn/index.ts'
import { Adam } from '../optim/index.ts'
import type { Chart, Heat, Points } from './figure.ts'
import type { Lesson } from './lesson.ts'
import { gridOf, type Interval, numbers, pick, rowsOf } from './support.ts'
import { descend, hits } from './train.ts'

const AREA: Interval = [-3, 3]
const CELLS = 48

/** x₁, x₂ and besides x₁x₂, x₁², x₂². */
function withSquares(x: Tensor): Tensor {
  const [x1, x2] = x.split(1, 1)
  return cat([x, x1.mul(x2), x1.square(), x2.square()], 1)
}

/** x₁, …, xₙ, their products two by two and their squares. */
const featureCount = (n: number): number => n + (n * (n + 1)) / 2

export const logisticRegression: Lesson = {
  name: 'logistic-regression',
  title: 'Logistic regression draws a line, or with squares as features a curve',
  course: 'AFI',
  run(out) {
    // A disc inside a ring: no line separates them.
    const directions = randn([200, 2])
    const labels = tensor(Array.from({ length: 200 }, (_, i) => i % 2))
    const radius = labels
      .mul(1.3)
      .add(0.7)
      .add(randn([200]).mul(0.2))
      .unsqueeze(1)
    const x = directions.div(directions.norm(2, 1, { keepdim: true })).mul(radius)

    const classify = (model: Layer): number => {
      descend(
        model,
        new Adam(model.parameters(), { lr: 0.1 }),
        (z, y) => bceWithLogits(z.squeeze(1), y),
        x,
        labels,
        300,
      )
      return model.call(x).squeeze(1).gt(0).eq(labels.gt(0.5)).float().mean().itemSync()
    }
    const plain = new Linear(2, 1)
    const squares = new Sequential(new Lambda(withSquares), new Linear(5, 1))
    out.check('accuracy with x₁, x₂', classify(plain), { below: 0.7 })
    out.check('accuracy with x₁x₂, x₁², x₂² too', classify(squares), { above: 0.98 })
    out.print('What happens with n = 50 features? All products of two, counted:')
    out.table(
      ['n', 'features'],
      [2, 50, 784].map((n) => [n, featureCount(n)]),
    )
    out.check('features made of 2', featureCount(2), 5)
    out.check('features made of 50', featureCount(50), 1325)
    out.check('features made of the 784 pixels of a small image', featureCount(784), 308_504)

    // Three classes: K neurons in the output layer, each for one class against all others; or a softmax over the three.
    const kinds = Array.from({ length: 240 }, (_, i) => i % 3)
    const centres = tensor(
      kinds.map((k) => [1.6 * Math.cos((2 * Math.PI * k) / 3), 1.6 * Math.sin((2 * Math.PI * k) / 3)]),
    )
    const points = centres.add(randn([240, 2]).mul(0.6))
    const classes = tensor(Int32Array.from(kinds))
    const wanted = tensor(kinds.map((k) => [0, 1, 2].map((c) => Number(c === k)))) // (1 0 0), (0 1 0), (0 0 1)
    const oneVsAll = new Linear(2, 3)
    descend(oneVsAll, new Adam(oneVsAll.parameters(), { lr: 0.1 }), bceWithLogits, points, wanted, 200)
    const softmax = new Linear(2, 3)
    descend(softmax, new Adam(softmax.parameters(), { lr: 0.1 }), (z, y) => crossEntropy(z, y), points, classes, 200)
    out.check('three classes, one-vs-all: accuracy', hits(oneVsAll.call(points), classes), { above: 0.95 })
    out.check('three classes, softmax: accuracy', hits(softmax.call(points), classes), { above: 0.95 })

    const area = gridOf(AREA, AREA, CELLS)
    const axes = { x: { title: 'x₁' }, y: { title: 'x₂' }, width: 260, height: 260 }
    const dots = (at: Tensor, of: readonly number[], kinds: readonly number[]): Points[] =>
      kinds.map((k) => {
        const own = pick(at.arraySync() as number[][], of, k)
        return {
          mark: 'points',
          name: `class ${k}`,
          x: own.map((p) => p[0]),
          y: own.map((p) => p[1]),
          size: 26,
        }
      })
    const heat = (rows: Heat['rows'], middle: number, legend?: string): Heat => ({
      mark: 'heat',
      x: AREA,
      y: AREA,
      rows,
      colours: 'diverging',
      middle,
      ...(legend ? { legend } : {}),
    })
    const probability = (title: string, model: Layer): Chart => ({
      title,
      ...axes,
      marks: [
        heat(rowsOf(model.call(area).sigmoid(), CELLS), 0.5, 'probability of class 1'),
        ...dots(x, numbers(labels), [0, 1]),
      ],
    })
    const regions = (title: string, model: Layer): Chart => ({
      title,
      ...axes,
      marks: [heat(rowsOf(model.call(area).argmax(1), CELLS), 1), ...dots(points, kinds, [0, 2, 1])],
    })
    out.plot('boundaries', {
      parts: [probability('Features x₁, x₂', plain), probability('And x₁x₂, x₁², x₂²', squares)],
    })
    out.plot('classes', { parts: [regions('One-vs-all', oneVsAll), regions('Softmax', softmax)] })
  },
}
