/** @file De Mareuil's first network: 784–128–10 on handwritten digits, its table and its training. */
import { digits } from '../data/index.ts'
import { crossEntropy } from '../loss/index.ts'
import { Flatten, Linear, ReLU, Sequential, summary } from '../nn/index.ts'
import { Adam } from '../optim/index.ts'
import { accuracy, fit } from '../train/index.ts'
import type { Lesson } from './lesson.ts'

export const digitsMlp: Lesson = {
  name: 'digits-mlp',
  title: 'Handwritten digits with one hidden layer of 128 neurons',
  course: 'de Mareuil',
  async run(out) {
    const model = new Sequential({
      flatten_1: new Flatten(),
      dense_1: new Linear(784, 128),
      relu: new ReLU(),
      dense_2: new Linear(128, 10),
    })
    const table = summary(model, [1, 28, 28])
    out.print(String(table))
    // In the printed table the activation is part of its layer.
    const rows = table.rows
      .filter((r) => r.name !== 'relu')
      .map((r) => [r.name, `(${r.outputShape.map((d) => d ?? 'None').join(', ')})`, r.parameters])
    out.check('the table as printed', rows, [
      ['flatten_1', '(None, 784)', 0],
      ['dense_1', '(None, 128)', 100_480],
      ['dense_2', '(None, 10)', 1290],
    ])
    out.check(
      'total, trainable, non-trainable',
      [table.total, table.trainable, table.nonTrainable],
      [101_770, 101_770, 0],
    )

    // Batches of 32, eight times through the data: here 1,500 digits written by Glia instead of 60,000 scanned ones.
    const { train, test } = await digits({ train: 1500, test: 500 })
    const history = await fit(model, train, {
      loss: crossEntropy,
      optimizer: new Adam(model.parameters(), { lr: 1e-3 }),
      metrics: [accuracy],
      validation: test,
      epochs: 8,
      batchSize: 32,
    })
    const epochs = history.epochs.map((e) => e.epoch)
    const trained = history.epochs.map((e) => e.train.loss)
    const tested = history.epochs.map((e) => e.val?.loss ?? 0)
    const right = history.epochs.map((e) => e.val?.accuracy ?? 0)
    out.table(
      ['epoch', 'loss', 'loss on other digits', 'accuracy there'],
      epochs.map((e, i) => [e, trained[i], tested[i], right[i]]),
    )
    out.check('epochs', epochs.length, 8)
    out.check('the loss falls: last / first epoch', trained[7] / trained[0], { below: 0.5 })
    out.check('accuracy on other digits after 8 epochs', right[7], { above: 0.75 })

    out.plot('curves', {
      parts: [
        {
          title: 'Loss',
          x: { title: 'epoch' },
          y: { title: 'cross-entropy' },
          width: 300,
          marks: [
            { mark: 'line', name: 'training digits', x: epochs, y: trained },
            { mark: 'line', name: 'other digits', x: epochs, y: tested },
          ],
        },
        {
          title: 'Accuracy on other digits',
          x: { title: 'epoch' },
          y: { title: 'accuracy', domain: [0, 1] },
          width: 300,
          marks: [{ mark: 'line', name: 'other digits', x: epochs, y: right }],
        },
      ],
    })
  },
}
