/** @file `evaluate`, `predict` and metrics. */

import { beforeEach, describe, expect, it } from 'vitest'
import { arrayDataset } from '../../src/data/index.ts'
import { manualSeed, setDefaultDevice, tensor } from '../../src/index.ts'
import { crossEntropy, mse } from '../../src/loss/index.ts'
import { F1, RootMeanSquaredError } from '../../src/metrics/index.ts'
import { Dropout, Linear, Sequential } from '../../src/nn/index.ts'
import { SGD } from '../../src/optim/index.ts'
import { InterpDevice } from '../../src/plan/interp.ts'
import { accuracy, evaluate, fit, type Metric, overEpoch, predict } from '../../src/train/index.ts'
import { classifier, corners, line, weightsOf } from './problems.ts'

beforeEach(() => {
  setDefaultDevice(new InterpDevice())
  manualSeed(0)
})

describe('evaluate', () => {
  it('gives the means over all examples, whatever the batches', async () => {
    const model = classifier()
    const data = corners(23)
    const whole = await evaluate(model, data, { loss: crossEntropy, batchSize: 23 })
    for (const batchSize of [1, 5, 22, 100]) {
      const scores = await evaluate(model, data, { loss: crossEntropy, batchSize })
      expect(scores.loss).toBeCloseTo(whole.loss, 6)
      expect(scores.accuracy).toBeCloseTo(whole.accuracy, 6)
    }
    const plain = await evaluate(model, data, { loss: crossEntropy, compile: false })
    expect(plain.loss).toBeCloseTo(whole.loss, 6)
  })

  it('counts right answers', async () => {
    const model = new Sequential(new Linear(2, 2, { bias: false }))
    model.loadStateDict({ '0.weight': tensor([1, 0, 0, 1], { shape: [2, 2] }) })
    const x = Float32Array.of(2, 1, 1, 2, 3, 0, 0, 1)
    const data = arrayDataset({ x: { data: x, shape: [2] }, y: { data: Int32Array.of(0, 1, 1, 1), shape: [] } })
    const scores = await evaluate(model, data, { loss: crossEntropy, batchSize: 3 })
    expect(scores.accuracy).toBeCloseTo(3 / 4, 7)
  })

  it('takes metrics of any kind, and none for real targets', async () => {
    const worst: Metric = { name: 'worst', of: (output, y) => output.sub(y).abs().max() }
    const model = new Sequential(new Linear(1, 1))
    expect(Object.keys(await evaluate(model, line(4), { loss: mse, metrics: [worst] }))).toEqual(['loss', 'worst'])
    expect(Object.keys(await evaluate(model, line(4), { loss: mse }))).toEqual(['loss'])
  })

  it.each([true, false])('takes metrics that are no mean over batches (compiled: %s)', async (compiled) => {
    const model = new Sequential(new Linear(2, 2, { bias: false }))
    model.loadStateDict({ '0.weight': tensor([1, 0, 0, 1], { shape: [2, 2] }) })
    const x = Float32Array.of(2, 1, 1, 2, 3, 0, 0, 1)
    const data = arrayDataset({ x: { data: x, shape: [2] }, y: { data: Int32Array.of(0, 1, 1, 1), shape: [] } })
    const metrics = [overEpoch('f1', () => new F1(2, { average: 'binary' })), accuracy]
    const options = { loss: crossEntropy, metrics, batchSize: 3, compile: compiled }
    const { loss, ...scores } = await evaluate(model, data, options)
    expect(loss).toBeGreaterThan(0)
    expect(scores.accuracy).toBeCloseTo(3 / 4, 7)
    expect(scores.f1).toBeCloseTo(4 / 5, 7)
  })

  it('starts such metrics anew in every epoch of fit', async () => {
    const model = new Sequential(new Linear(1, 1))
    const [train, metrics] = [line(8), [overEpoch('rmse', () => new RootMeanSquaredError())]]
    const optimizer = new SGD(model.parameters(), { lr: 0.05 })
    const batches: string[] = []
    const callbacks = [{ onBatchEnd: (info: { metrics: object }) => void batches.push(...Object.keys(info.metrics)) }]
    const history = await fit(model, train, {
      ...{ loss: mse, optimizer, metrics, callbacks, epochs: 3, batchSize: 3, validation: train },
    })
    for (const { train: t, val } of history.epochs) {
      expect(t.rmse).toBeCloseTo(Math.sqrt(t.loss), 4)
      expect(val?.rmse).toBeCloseTo(Math.sqrt(val?.loss ?? 0), 4)
    }
    expect(history.epochs).toHaveLength(3)
    expect(batches).toEqual([])
  })

  it('drops nothing out, and leaves the mode alone', async () => {
    const model = new Sequential(new Linear(2, 3), new Dropout(0.9))
    const options = { loss: crossEntropy }
    const [a, b] = [await evaluate(model, corners(9), options), await evaluate(model, corners(9), options)]
    expect(b).toEqual(a)
    expect(model.training).toBe(true)
  })

  it('refuses empty data, senseless batches and a loss that is no single number', async () => {
    const model = classifier()
    const data = corners(6)
    await expect(evaluate(model, { ...data, length: 0 }, { loss: crossEntropy })).rejects.toThrow(/data set is empty/)
    await expect(evaluate(model, data, { loss: crossEntropy, batchSize: 0 })).rejects.toThrow(/batchSize/)
    await expect(evaluate(model, data, { loss: (o) => o, metrics: [] })).rejects.toThrow(
      /must be one number per batch; received shape \[6, 3\]/,
    )
  })

  it('stops when told so', async () => {
    const options = { loss: crossEntropy, signal: AbortSignal.abort(new Error('enough')) }
    await expect(evaluate(classifier(), corners(6), options)).rejects.toThrow('enough')
  })
})

describe('predict', () => {
  it('puts the batches together in order', async () => {
    const model = classifier()
    const data = corners(11)
    const x = tensor(data.x.data, { shape: [11, 2] })
    const whole = await (await predict(model, x)).data()
    for (const input of [x, data.x, data]) {
      const outputs = await predict(model, input, { batchSize: 4 })
      expect(outputs.shape).toEqual([11, 3])
      expect(await outputs.data()).toEqual(whole)
    }
  })

  it('follows the weights, in eval mode', async () => {
    const model = new Sequential(new Linear(1, 1, { bias: false }), new Dropout(0.9))
    const x = tensor([[1], [2]])
    for (const weight of [2, 3]) {
      model.loadStateDict({ '0.weight': tensor([[weight]]) })
      expect([...(await (await predict(model, x)).data())]).toEqual([weight, 2 * weight])
    }
    expect(model.training).toBe(true)
  })

  it('takes integer outputs', async () => {
    const { Identity } = await import('../../src/nn/index.ts')
    const x = tensor(Int32Array.of(1, 2, 3, 4, 5, 6), { shape: [3, 2] })
    const outputs = await predict(new Sequential(new Identity()), x, { batchSize: 2 })
    expect(outputs.dtype).toBe('int32')
    expect([...(await outputs.data())]).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('refuses nothing to predict, and inputs that do not fit', async () => {
    const model = classifier()
    await expect(predict(model, tensor(new Float32Array(0), { shape: [0, 2] }))).rejects.toThrow(/N of at least 1/)
    await expect(predict(model, { data: new Float32Array(0), shape: [2] })).rejects.toThrow(/is empty/)
    await expect(predict(model, tensor([[1, 2, 3]]))).rejects.toThrow(/last axis has 2 entries/)
    await expect(predict(model, tensor([[1, 2]]), { batchSize: 1.5 })).rejects.toThrow(/batchSize/)
  })
})

describe('bytes', () => {
  const bytes = Uint8Array.of(0, 255, 51, 102, 7, 200, 33, 90)
  const stored = arrayDataset({ x: { data: bytes, shape: [2] }, y: { data: Uint8Array.of(0, 1, 2, 1), shape: [] } })
  const x = Float32Array.from(bytes, (b) => b / 255)
  const plain = arrayDataset({ x: { data: x, shape: [2] }, y: { data: Int32Array.of(0, 1, 2, 1), shape: [] } })

  it('are pixels from 0 to 1 as inputs, and class numbers as targets', async () => {
    const model = classifier()
    expect(await evaluate(model, stored, { loss: crossEntropy })).toEqual(
      await evaluate(model, plain, { loss: crossEntropy }),
    )
    expect(await (await predict(model, stored)).data()).toEqual(await (await predict(model, plain)).data())
  })

  it('train the same weights', async () => {
    const trained = async (data: typeof stored): Promise<number[]> => {
      manualSeed(3)
      const model = classifier()
      await fit(model, data, {
        loss: crossEntropy,
        optimizer: new SGD(model.parameters(), { lr: 0.5 }),
        epochs: 3,
        batchSize: 3,
      })
      return weightsOf(model)
    }
    expect(await trained(stored)).toEqual(await trained(plain))
  })

  it('stay what they are in tensors of one’s own', async () => {
    const { Identity } = await import('../../src/nn/index.ts')
    const outputs = await predict(new Sequential(new Identity()), tensor(bytes, { shape: [4, 2] }))
    expect([...(await outputs.data())]).toEqual([...bytes])
  })
})

describe('accuracy', () => {
  it('works with a class for each position', () => {
    const logits = tensor([0, 1, 5, 0, 1, 0, 0, 5], { shape: [1, 2, 4] }) // classes per position: 1, 0, 0, 1
    const classes = tensor(Int32Array.of(1, 0, 1, 1), { shape: [1, 4] })
    expect(accuracy.of(logits, classes).itemSync()).toBe(0.75)
  })
})
