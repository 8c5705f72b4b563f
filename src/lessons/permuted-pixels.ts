/** @file De Mareuil: to a multi-layer perceptron, shuffled pixels are all the same. To a convolution they are not. */
import { manualSeed, randperm, type Tensor } from '../index.ts'
import { crossEntropy } from '../loss/index.ts'
import { Conv2d, Flatten, type Layer, Linear, MaxPool2d, ReLU, Sequential, Unflatten } from '../nn/index.ts'
import { Adam } from '../optim/index.ts'
import type { Lesson } from './lesson.ts'
import { picture } from './scene.ts'
import { descend, hits } from './train.ts'
import { writtenDigits } from './written.ts'

const STEPS = 60

export const permutedPixels: Lesson = {
  name: 'permuted-pixels',
  title: 'Pixels permuted: the perceptron does not mind',
  course: 'de Mareuil',
  async run(out) {
    const { train, test } = await writtenDigits(500, 500)
    const order = randperm(784).int()
    const shuffle = (x: Tensor): Tensor => x.indexSelect(1, order)

    // The same function: permute the pixels, and the columns of the first weight with them.
    const hidden = new Linear(784, 64)
    const mlp = new Sequential(hidden, new ReLU(), new Linear(64, 10))
    const before = mlp.call(test.x).realise()
    hidden.weight.assign(shuffle(hidden.weight))
    const gap = mlp.call(shuffle(test.x)).sub(before).abs().max().itemSync()
    out.check('outputs before and after, greatest difference', gap, 0, 1e-5)

    const networks: Record<string, (pixels: (x: Tensor) => Tensor) => Layer> = {
      'perceptron (MLP)': (pixels) => {
        const first = new Linear(784, 64)
        first.weight.assign(pixels(first.weight)) // the same start, column by column
        return new Sequential(first, new ReLU(), new Linear(64, 10))
      },
      'convolutional network': () =>
        new Sequential(
          new Unflatten(1, [1, 28, 28]),
          new Conv2d(1, 8, 5),
          new ReLU(),
          new MaxPool2d(4),
          new Conv2d(8, 16, 3),
          new ReLU(),
          new Flatten(),
          new Linear(256, 10),
        ),
    }
    const accuracy = (make: (typeof networks)[string], pixels: (x: Tensor) => Tensor): number => {
      manualSeed(1)
      const model = make(pixels)
      descend(
        model,
        new Adam(model.parameters(), { lr: 5e-3 }),
        (z, y) => crossEntropy(z, y),
        pixels(train.x).realise(),
        train.y,
        STEPS,
      )
      return hits(model.call(pixels(test.x)), test.y)
    }
    const scores = Object.entries(networks).map(([name, make]) => ({
      name,
      plain: accuracy(make, (x) => x),
      shuffled: accuracy(make, shuffle),
    }))
    out.table(
      ['trained on 500 digits', 'accuracy', 'with pixels permuted'],
      scores.map((s) => [s.name, s.plain, s.shuffled]),
    )
    const [perceptron, convolution] = scores
    out.check('perceptron: accuracy lost to the permutation', perceptron.plain - perceptron.shuffled, 0, 0.01)
    out.check('convolutional network: accuracy lost', convolution.plain - convolution.shuffled, { above: 0.05 })

    const digit = (x: Tensor, k: number) => picture(x.select(0, k).reshape([28, 28]), 0, 1)
    out.picture('digits', {
      title: 'Four digits, and what the networks are given when pixels are permuted',
      columns: 4,
      scale: 5,
      panels: [test.x, shuffle(test.x)].flatMap((x, row) =>
        [0, 1, 2, 3].map((k) => ({
          caption: row === 0 ? `a ${test.y.dataSync()[k]}` : `the same, permuted`,
          picture: digit(x, k),
        })),
      ),
    })
    out.plot('accuracy', {
      parts: [
        {
          title: 'Accuracy on 500 other digits',
          x: { title: '' },
          y: { title: 'accuracy', domain: [0, 1] },
          marks: [
            {
              mark: 'bars',
              name: 'pixels in place',
              labels: scores.map((s) => s.name),
              values: scores.map((s) => s.plain),
            },
            {
              mark: 'bars',
              name: 'pixels permuted',
              labels: scores.map((s) => s.name),
              values: scores.map((s) => s.shuffled),
            },
          ],
        },
      ],
    })
  },
}
