/** @file Batches of one, some, all; and why the batch size and the learning rate belong together. */
import { compile, manualSeed, randn, type Tensor, tensor } from '../index.ts'
import { mse } from '../loss/index.ts'
import { Linear, Sequential, Tanh } from '../nn/index.ts'
import { SGD } from '../optim/index.ts'
import type { Chart } from './figure.ts'
import type { Lesson } from './lesson.ts'
import { mean } from './support.ts'

const EXAMPLES = 256
const EPOCHS = 10

export const batchSize: Lesson = {
  name: 'batch-size',
  title: 'Batch size and learning rate are adapted together',
  course: 'Boudart; AFI',
  run(out) {
    const x = randn([EXAMPLES, 4]).realise()
    const y = x
      .select(1, 0)
      .mul(x.select(1, 1))
      .add(x.select(1, 2).sin())
      .add(randn([EXAMPLES]).mul(0.2))
      .unsqueeze(1)
      .realise()

    /** Loss of every batch through the epochs, and on all the data at the end. */
    const run = (size: number, lr: number): { losses: number[]; end: number } => {
      manualSeed(3)
      const net = new Sequential(new Linear(4, 32), new Tanh(), new Linear(32, 1))
      const optimizer = new SGD(net.parameters(), { lr })
      const update = compile((x: Tensor, y: Tensor) => {
        const loss = mse(net.call(x), y)
        optimizer.minimize(loss)
        return loss
      })
      const batches = Array.from({ length: EXAMPLES / size }, (_, i) => {
        const part = (t: Tensor): Tensor => {
          const width = t.shape[1]
          return tensor(t.dataSync().slice(i * size * width, (i + 1) * size * width), { shape: [size, width] })
        }
        return [part(x), part(y)] as const
      })
      const losses = Array.from({ length: EPOCHS }, () => batches.map(([bx, by]) => update(bx, by).itemSync())).flat()
      return { losses, end: mse(net.call(x), y).itemSync() }
    }
    const sizes = [1, 8, 64, 256]
    // With the square root of the batch, as far as steps stay stable.
    const rate = (size: number): number => Math.min(0.02 * Math.sqrt(size), 0.2)
    const identical = sizes.map((size) => run(size, 0.02))
    const adapted = sizes.map((size) => run(size, rate(size)))
    out.table(
      ['batch', 'updates', 'loss, rate 0.02', 'rate adapted', 'loss then'],
      sizes.map((size, i) => [size, (EXAMPLES / size) * EPOCHS, identical[i].end, rate(size), adapted[i].end]),
    )
    out.check(
      'one rate for all: larger batches seem worse',
      identical.every((r, i) => i < 2 || r.end > identical[i - 1].end),
      true,
    )
    out.check('batch 64, its loss with the rate adapted / at the rate of batch 1', adapted[2].end / identical[2].end, {
      below: 0.7,
    })
    out.check('whole data set, adapted / not', adapted[3].end / identical[3].end, { below: 0.9 })
    // At one and the same weights: how far the costs of batches lie apart.
    const untrained = new Linear(4, 1)
    const costs = Array.from(untrained.call(x).sub(y).square().dataSync())
    const spread = (size: number): number => {
      const means = Array.from({ length: EXAMPLES / size }, (_, i) => mean(costs.slice(i * size, (i + 1) * size)))
      return Math.sqrt(mean(means.map((m) => (m - mean(means)) ** 2)))
    }
    out.check('spread of the estimated cost, batches of 16 / of 1: about 1/√16', spread(16) / spread(1), 0.25, 0.1)

    const part = (title: string, runs: typeof identical): Chart => ({
      title,
      x: { title: 'epoch' },
      y: { title: 'mean squared error over the epoch', domain: [0, 1.5] },
      width: 340,
      marks: runs.map(({ losses }, i) => {
        const per = losses.length / EPOCHS
        const epochs = Array.from({ length: EPOCHS }, (_, e) => mean(losses.slice(e * per, (e + 1) * per)))
        return { mark: 'line', name: `batches of ${sizes[i]}`, x: epochs.map((_, e) => e + 1), y: epochs }
      }),
    })
    out.plot('losses', {
      parts: [part('The same learning rate, 0.02', identical), part('Learning rate adapted to the batch', adapted)],
    })
  },
}
