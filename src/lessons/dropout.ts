/** @file Dropout: what it does to a layer of a thousand nodes, and against overfitting. */
import { compile, noGrad, ones, type Tensor } from '../index.ts'
import { crossEntropy } from '../loss/index.ts'
import { Dropout, Linear, ReLU, Sequential } from '../nn/index.ts'
import { Adam } from '../optim/index.ts'
import type { Lesson } from './lesson.ts'
import { hits } from './train.ts'
import { writtenDigits } from './written.ts'

const STEPS = 200
const EVERY = 10

export const dropout: Lesson = {
  name: 'dropout',
  title: 'Dropout: half of the nodes, at random, while training',
  course: 'Boudart, after Srivastava; de Mareuil',
  async run(out) {
    const layer = new Dropout(0.5)
    const nodes = ones([1000])
    const dropped = Array.from({ length: 20 }, () => layer.call(nodes).eq(0).float().sum().itemSync())
    out.print(`1000 nodes, p = 0.5; dropped in 20 passes: ${dropped.join(', ')}`)
    out.check('dropped on average: about 500', dropped.reduce((a, b) => a + b) / 20, 500, 15)
    out.check(
      'and each time about as many',
      dropped.every((n) => Math.abs(n - 500) < 80),
      true,
    )
    const kept = layer.call(nodes)
    out.check('what is kept is doubled, so that sums stay', kept.max().itemSync(), 2)
    layer.eval()
    out.check('dropped in evaluation', layer.call(nodes).eq(0).float().sum().itemSync(), 0)

    const { train, test } = await writtenDigits(100, 400)
    const run = (p: number): { train: number[]; test: number[]; accuracy: number } => {
      const net = new Sequential(
        new Dropout(p / 2),
        new Linear(784, 200),
        new ReLU(),
        new Dropout(p),
        new Linear(200, 200),
        new ReLU(),
        new Dropout(p),
        new Linear(200, 10),
      )
      const optimizer = new Adam(net.parameters(), { lr: 2e-3 })
      const update = compile((x: Tensor, y: Tensor) => {
        const loss = crossEntropy(net.call(x), y)
        optimizer.minimize(loss)
        return loss
      })
      const measure = compile((x: Tensor, y: Tensor) => noGrad(() => crossEntropy(net.call(x), y)))
      const losses: [number[], number[]] = [[], []]
      for (let i = 0; i <= STEPS; i++) {
        if (i % EVERY === 0) {
          net.eval()
          losses[0].push(measure(train.x, train.y).itemSync())
          losses[1].push(measure(test.x, test.y).itemSync())
          net.train()
        }
        update(train.x, train.y)
      }
      net.eval()
      return { train: losses[0], test: losses[1], accuracy: hits(net.call(test.x), test.y) }
    }
    const [without, with_] = [run(0), run(0.5)]
    const end = (v: readonly number[]): number => v[v.length - 1]
    out.table(
      ['network', 'loss on 100 training digits', 'on 400 others', 'accuracy on those'],
      [
        ['without dropout', end(without.train), end(without.test), without.accuracy],
        ['with dropout', end(with_.train), end(with_.test), with_.accuracy],
      ],
    )
    out.check(
      'without: loss on the others, end / least (it has turned)',
      end(without.test) / Math.min(...without.test),
      { above: 1.02 },
    )
    out.check(
      'gap between others and training, with / without',
      (end(with_.test) - end(with_.train)) / (end(without.test) - end(without.train)),
      { below: 1 },
    )
    out.check('loss on the others, with / without', end(with_.test) / end(without.test), { below: 0.97 })

    const at = without.train.map((_, i) => i * EVERY)
    out.plot('losses', {
      parts: [
        {
          title: 'A hundred digits are too few: with dropout, others are told better',
          x: { title: 'step' },
          y: { title: 'cross-entropy', domain: [0, 2.5] },
          marks: [
            { mark: 'line', name: 'without dropout: other digits', x: at, y: without.test },
            { mark: 'line', name: 'with dropout: other digits', x: at, y: with_.test },
            { mark: 'line', name: 'without dropout: training digits', x: at, y: without.train, dashed: true },
            { mark: 'line', name: 'with dropout: training digits', x: at, y: with_.train, dashed: true },
          ],
        },
      ],
    })
  },
}
