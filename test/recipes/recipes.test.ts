/** @file Recipes: their models are what the books say, and they learn. */

import { beforeEach, describe, expect, it } from 'vitest'
import { arrayDataset } from '../../src/data/index.ts'
import { createDevice, manualSeed, setDefaultDevice, tensor } from '../../src/index.ts'
import { summary } from '../../src/nn/index.ts'
import { InterpDevice } from '../../src/plan/interp.ts'
import { cifarCnn, type Recipe, recipes, Standardize } from '../../src/recipes/index.ts'
import { evaluate, fit } from '../../src/train/index.ts'

beforeEach(() => {
  setDefaultDevice(new InterpDevice())
  manualSeed(0)
})

const table = (recipe: Recipe): string => String(summary(recipe.build(), recipe.inputShape))

describe('summaries', () => {
  it('mlp has 101,770 parameters, none in its first layer, 100,480 and 1,290 in the others', () => {
    expect(table(recipes.mlp)).toBe(
      `
Layer (type)              Output Shape        Param #
==========================================================
flatten (Flatten)         (None, 784)         0
hidden (Linear)           (None, 128)         100480
relu (ReLU)               (None, 128)         0
output (Linear)           (None, 10)          1290
==========================================================
Total params: 101,770
Trainable params: 101,770
Non-trainable params: 0`.trim(),
    )
  })

  it('lenet5 has 61,706 parameters and the shapes of the paper', () => {
    expect(table(recipes.lenet5)).toBe(
      `
Layer (type)              Output Shape        Param #
==========================================================
input (Standardize)       (None, 1, 28, 28)   0
c1 (Conv2d)               (None, 6, 28, 28)   156
tanh1 (Tanh)              (None, 6, 28, 28)   0
s2 (AvgPool2d)            (None, 6, 14, 14)   0
c3 (Conv2d)               (None, 16, 10, 10)  2416
tanh3 (Tanh)              (None, 16, 10, 10)  0
s4 (AvgPool2d)            (None, 16, 5, 5)    0
flatten (Flatten)         (None, 400)         0
c5 (Linear)               (None, 120)         48120
tanh5 (Tanh)              (None, 120)         0
f6 (Linear)               (None, 84)          10164
tanh6 (Tanh)              (None, 84)          0
output (Linear)           (None, 10)          850
==========================================================
Total params: 61,706
Trainable params: 61,706
Non-trainable params: 0`.trim(),
    )
  })

  it('cifar10 has 591,274 parameters, most in its hidden layer', () => {
    expect(table(recipes.cifar10)).toBe(
      `
Layer (type)              Output Shape        Param #
==========================================================
input (Standardize)       (None, 3, 32, 32)   0
conv1 (Conv2d)            (None, 32, 32, 32)  896
relu1 (ReLU)              (None, 32, 32, 32)  0
conv2 (Conv2d)            (None, 32, 32, 32)  9248
relu2 (ReLU)              (None, 32, 32, 32)  0
pool2 (MaxPool2d)         (None, 32, 16, 16)  0
conv3 (Conv2d)            (None, 64, 16, 16)  18496
relu3 (ReLU)              (None, 64, 16, 16)  0
conv4 (Conv2d)            (None, 64, 16, 16)  36928
relu4 (ReLU)              (None, 64, 16, 16)  0
pool4 (MaxPool2d)         (None, 64, 8, 8)    0
flatten (Flatten)         (None, 4096)        0
hidden (Linear)           (None, 128)         524416
relu5 (ReLU)              (None, 128)         0
output (Linear)           (None, 10)          1290
==========================================================
Total params: 591,274
Trainable params: 591,274
Non-trainable params: 0`.trim(),
    )
    expect(cifarCnn().parameterCount()).toBe(591_274)
  })

  it('mnist-cnn halves its pictures twice, and its convolutions leave the bias to the normalisation', () => {
    const text = table(recipes['mnist-cnn'])
    expect(text).toContain('pool2 (MaxPool2d)         (None, 16, 14, 14)  0')
    expect(text).toContain('flatten (Flatten)         (None, 1568)        0')
    // 9 (1·16 + 16·16 + 16·32 + 32·32) + 1568·128 + 2 (16 + 16 + 32 + 32 + 128) + 1290
    expect(recipes['mnist-cnn'].build().parameterCount()).toBe(218_714)
  })
})

describe.each(Object.entries(recipes))('%s', (name, recipe) => {
  it('is described', () => {
    expect(recipe.name).toBe(name)
    for (const text of [recipe.description, recipe.paper]) expect(text).not.toBe('')
    expect(recipe.schedule?.(100)(0) ?? 1).toBe(1)
  })

  it('starts from the same weights for the same seed', () => {
    const weights = (seed: number): number[] => {
      manualSeed(seed)
      return [...recipe.build().parameters()[0].dataSync()]
    }
    expect(weights(1)).toEqual(weights(1))
    expect(weights(2)).not.toEqual(weights(1))
  })

  it('learns from the data of its own', async () => {
    setDefaultDevice(await createDevice())
    // A hundred steps of the larger network rather than 250: it knows the colours by then, not yet the shapes.
    const [count, least] = recipe.files === 'cifar' ? [400, 0.4] : [1000, 0.8]
    const { train, test } = await recipe.data({ train: count, test: 200 })
    expect([train.length, test.length]).toEqual([count, 200])
    expect(new Set<number>(train.y.data).size).toBe(train.classes?.length)
    const model = recipe.build(train)
    const [epochs, batchSize] = [4, 16]
    const steps = Math.ceil(train.length / batchSize) * epochs
    const history = await fit(model, train, {
      loss: recipe.loss,
      ...(recipe.objective ? { objective: recipe.objective } : {}),
      ...(recipe.augment ? { augment: recipe.augment } : {}),
      ...(recipe.schedule ? { schedule: recipe.schedule(steps) } : {}),
      optimizer: recipe.optimizer(model.parameters(), recipe.defaults.lr),
      metrics: recipe.metrics,
      validation: test,
      epochs,
      batchSize,
      seed: 1,
    })
    expect(history.epochs[3].train.loss).toBeLessThan(history.epochs[0].train.loss / 2)
    expect(history.epochs[3].val?.accuracy).toBeGreaterThan(least)
    const again = await evaluate(model, test, { loss: recipe.loss, batchSize: 50 })
    expect(again.accuracy).toBeCloseTo(history.epochs[3].val?.accuracy as number, 6)
  }, 120_000)
})

describe('Standardize', () => {
  it('takes the statistics of every channel, bytes as 0 … 1, and keeps them as buffers', async () => {
    const x = { data: Uint8Array.of(0, 255, 51, 51, 255, 0, 51, 51), shape: [2, 2] }
    const { x: column } = arrayDataset({ x, y: { data: Uint8Array.of(0, 1), shape: [] } })
    const layer = new Standardize([2, 2], column)
    expect(layer.namedBuffers().map(([name, b]) => [name, b.shape])).toEqual([
      ['mean', [2, 1]],
      ['std', [2, 1]],
    ])
    const values = [...layer.mean.dataSync(), ...layer.std.dataSync()]
    // The second channel never changes: it is moved to 0 and not divided by nothing.
    ;[0.5, 0.2, 0.5, 1].forEach((v, i) => {
      expect(values[i]).toBeCloseTo(v, 6)
    })
    const y = await layer.call(tensor([0, 1, 0.2, 0.2], { shape: [1, 2, 2] })).data()
    ;[-1, 1, 0, 0].forEach((v, i) => {
      expect(y[i]).toBeCloseTo(v, 6)
    })
    expect(layer.parameters()).toEqual([])
  })

  it('changes nothing without a training set, and refuses one of another shape', () => {
    const x = tensor([1, 2], { shape: [1, 1, 2] })
    expect([...new Standardize([1, 2]).call(x).dataSync()]).toEqual([1, 2])
    expect(() => new Standardize([1, 2], { data: new Float32Array(3), shape: [3] })).toThrow(
      /inputs of shape \[1, 2\] were expected; the training set has \[3\]/,
    )
  })
})
