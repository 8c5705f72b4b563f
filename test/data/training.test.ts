/** @file Data from its source to trained weights: files and generated sets through loaders, encoders and `fit`. */

import { beforeEach, describe, expect, test } from 'vitest'
import {
  BpeTokenizer,
  blobs,
  type Collated,
  collate,
  DataLoader,
  fromArrays,
  type Item,
  kFold,
  label,
  mapped,
  padding,
  parseCsv,
  Random,
  sentiment,
  splits,
  TableEncoder,
  tableRows,
  tokenItem,
} from '../../src/data/index.ts'
import { manualSeed, setDefaultDevice, tensor } from '../../src/index.ts'
import { crossEntropy, mse } from '../../src/loss/index.ts'
import { Linear, type Module, Sequential, Tanh } from '../../src/nn/index.ts'
import { Adam, SGD } from '../../src/optim/index.ts'
import { InterpDevice } from '../../src/plan/interp.ts'
import { evaluate, fit } from '../../src/train/index.ts'

beforeEach(() => {
  setDefaultDevice(new InterpDevice())
  manualSeed(0)
})

const weights = (model: Module): number[] => model.parameters().flatMap((p) => [...p.dataSync()])

describe('from data to weights', () => {
  test('an interrupted training goes on bit for bit', async () => {
    const source = fromArrays(blobs({ count: 60, seed: 2 }))
    type Example = { x: Item; y: Item }
    const loader = () =>
      new DataLoader<Example, Example, Collated<Example>>(source, {
        batchSize: 16,
        shuffle: true,
        seed: 5,
        transform: ({ x, y }, random) => ({
          x: { ...x, data: Float32Array.from(x.data, (v) => v + 0.05 * random.bell()) },
          y,
        }),
      })
    const start = () => {
      manualSeed(3)
      const model = new Linear(2, 3)
      return { model, optimizer: new SGD(model.parameters(), { lr: 0.2 }) }
    }
    const step = ({ model, optimizer }: ReturnType<typeof start>, { x, y }: Collated<Example>): void =>
      optimizer.minimize(
        crossEntropy(model.forward(tensor(x.data, { shape: x.shape })), tensor(y.data, { shape: y.shape })),
      )
    const whole = start()
    const all = loader()
    for (let epoch = 0; epoch < 2; epoch++) for await (const batch of all) step(whole, batch)

    const parts = start()
    const first = loader()
    let steps = 0
    for await (const batch of first) {
      step(parts, batch)
      if (++steps === 2) break
    }
    const second = loader()
    second.restore(first.state())
    for (let epoch = 0; epoch < 2; epoch++) for await (const batch of second) step(parts, batch)
    expect(weights(parts.model)).toEqual(weights(whole.model))
  })

  test('a table with gaps and categories', async () => {
    const random = new Random(1)
    const lines = Array.from({ length: 160 }, (_, i) => {
      const [size, kind] = [random.uniform(20, 120), random.below(2)]
      return `${i % 9 === 0 ? '' : size.toFixed(1)},${kind ? 'house' : 'flat'},${(3 * size + 80 * kind + 5 * random.bell()).toFixed(1)}`
    })
    const table = await parseCsv(`size,kind,price\n${lines.join('\n')}`)
    const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)
    const [train, test] = [tableRows(table, range(0, 120)), tableRows(table, range(120, 160))]
    const encoder = TableEncoder.fit(train, { target: 'price', scaleTarget: true, indicators: true })
    const model = new Sequential(new Linear(encoder.features.length, 1))
    const flat = (data: ReturnType<typeof encoder.dataset>) => ({ ...data, y: { ...data.y, shape: [1] } })
    const optimizer = new Adam(model.parameters(), { lr: 0.05 })
    await fit(model, flat(encoder.dataset(train)), { loss: mse, optimizer, epochs: 15 })
    const { loss } = await evaluate(model, flat(encoder.dataset(test)), { loss: mse })
    // Of the variance of 1, what gaps hide remains: about a ninth.
    expect(loss).toBeLessThan(0.35)
  })

  test('cross-validation of a classifier', async () => {
    const data = blobs({ count: 90, classes: 3, seed: 6, noise: 0.1 })
    for (const { train, validation } of kFold(data, 3, { seed: 1, stratify: true })) {
      const model = new Sequential(new Linear(2, 8), new Tanh(), new Linear(8, 3))
      const optimizer = new Adam(model.parameters(), { lr: 0.05 })
      const { epochs } = await fit(model, train, {
        loss: crossEntropy,
        optimizer,
        epochs: 15,
        batchSize: 15,
        validation,
      })
      expect(epochs.at(-1)?.val?.accuracy).toBeGreaterThan(0.8)
    }
    expect(splits(data, { seed: 1 }).test.length).toBe(9)
  })

  test('sentences of different lengths to padded batches', async () => {
    const opinions = sentiment({ count: 50 })
    const tokenizer = BpeTokenizer.train(
      opinions.map(({ text }) => text),
      { size: 300 },
    )
    const source = mapped({ length: 50, get: (i: number) => opinions[i] }, ({ text, label: kind }) => ({
      x: tokenItem(tokenizer, text),
      y: label(kind),
    }))
    const pad = padding({ x: { value: 0, multipleOf: 8 } })
    for await (const { x, y, xLengths } of new DataLoader(source, { batchSize: 25, collate: pad })) {
      if (!('shape' in x && 'shape' in y && 'shape' in xLengths)) throw new Error('not stacked')
      expect([x.shape[0], x.shape[1] % 8, y.shape[0]]).toEqual([25, 0, 25])
      const [length] = xLengths.data
      expect(tokenizer.decode(x.data.subarray(0, length))).toMatch(/the \w+ is /)
    }
    expect(collate([{ a: 1 }]).a.shape).toEqual([1])
  })
})
