/** @file What `fit` can be told beyond the basics: parts of batches, limits, steps of one's own, pauses, stopping early. */

import { beforeEach, describe, expect, it } from 'vitest'
import { manualSeed, setDefaultDevice, type Tensor, tensor } from '../../src/index.ts'
import { bceWithLogits, crossEntropy, mse } from '../../src/loss/index.ts'
import { F1 } from '../../src/metrics/index.ts'
import { Linear, ReLU, Sequential } from '../../src/nn/index.ts'
import { Adam, EMA, ReduceOnPlateau, SGD } from '../../src/optim/index.ts'
import { InterpDevice } from '../../src/plan/interp.ts'
import {
  type BatchInfo,
  type BatchSource,
  type Callback,
  classWeights,
  combine,
  earlyStopping,
  evaluate,
  type FitOptions,
  findLearningRate,
  fit,
  type History,
  overEpoch,
  plateau,
  TrainControl,
} from '../../src/train/index.ts'
import { classifier, corners, line, weightsOf } from './problems.ts'

beforeEach(() => {
  setDefaultDevice(new InterpDevice())
  manualSeed(0)
})

async function train(
  options: Partial<FitOptions> = {},
  length = 50,
): Promise<{ history: History; weights: number[]; batches: BatchInfo[] }> {
  manualSeed(7)
  const model = classifier()
  const optimizer = new SGD(model.parameters(), { lr: 0.1 })
  const batches: BatchInfo[] = []
  const recorder: Callback = { onBatchEnd: (info) => void batches.push(info) }
  const { callbacks = [], ...rest } = options
  const history = await fit(model, corners(length), {
    loss: crossEntropy,
    optimizer,
    batchSize: 16,
    callbacks: [recorder, ...callbacks],
    ...rest,
  })
  return { history, weights: weightsOf(model), batches }
}

const close = (a: readonly number[], b: readonly number[]): void => {
  expect(a).toHaveLength(b.length)
  a.forEach((v, i) => {
    expect(v).toBeCloseTo(b[i], 5)
  })
}

describe('maxSteps', () => {
  it('ends within an epoch, which is measured; epochs follow from it', async () => {
    const { history, batches } = await train({ maxSteps: 6, validation: corners(9, 1) })
    expect(history).toMatchObject({ steps: 6, stopped: false })
    expect(history.epochs.map((e) => e.val !== undefined)).toEqual([true, true])
    expect(batches.map((b) => [b.epoch, b.step, b.total])).toEqual([
      [1, 1, 1],
      [1, 2, 2],
      [1, 3, 3],
      [1, 4, 4],
      [2, 1, 5],
      [2, 2, 6],
    ])
  })

  it('is what schedules reckon with, and may be more than the epochs give', async () => {
    const asked: number[] = []
    await train({ maxSteps: 3, schedule: (_, steps) => asked.push(steps) && 1 })
    expect(asked).toEqual([3, 3, 3])
    expect((await train({ maxSteps: 100, epochs: 2 })).history.steps).toBe(8)
  })
})

describe('validateEvery', () => {
  it('measures after every so many steps, and tells', async () => {
    const told: number[] = []
    const callback: Callback = { onValidation: ({ step }) => void told.push(step) }
    const { history } = await train({ epochs: 2, validation: corners(9, 1), validateEvery: 3, callbacks: [callback] })
    expect(told).toEqual([3, 6])
    expect(history.checks?.map((c) => [c.step, c.epoch])).toEqual([
      [3, 1],
      [6, 2],
    ])
    expect(history.checks?.[0].val.accuracy).toBeGreaterThan(0)
  })

  it('needs a validation set', async () => {
    await expect(train({ validateEvery: 3 })).rejects.toThrow(/validateEvery \(3\) needs a validation set/)
  })
})

describe('accumulate', () => {
  it.each([2, 3, 16])('computes in %i parts what is computed at once, ragged batches too', async (accumulate) => {
    const metrics = [overEpoch('f1', () => new F1(3))]
    const whole = await train({ epochs: 2, metrics })
    const parts = await train({ epochs: 2, accumulate, metrics })
    close(parts.weights, whole.weights)
    close(
      parts.batches.map((b) => b.batchLoss),
      whole.batches.map((b) => b.batchLoss),
    )
    expect(parts.history.epochs[1].train.f1).toBeCloseTo(whole.history.epochs[1].train.f1, 5)
  })

  it('is refused where it cannot be', async () => {
    await expect(train({ accumulate: 17 })).rejects.toThrow(/a batch of 16 cannot be divided into 17 parts/)
    const optimizer = { lr: 1, minimize: () => {} }
    await expect(train({ accumulate: 2, optimizer })).rejects.toThrow(/need optimizers with zeroGrad\(\) and step\(\)/)
  })
})

describe('clip', () => {
  const stepOf = async (clip?: FitOptions['clip']): Promise<number[]> => {
    const before = await train({ optimizer: { lr: 0, minimize: () => {} }, maxSteps: 1 })
    const after = await train({ maxSteps: 1, ...(clip ? { clip } : {}) })
    return after.weights.map((w, i) => (w - before.weights[i]) / -0.1)
  }

  it('bounds the common norm, and does nothing below it', async () => {
    const free = await stepOf()
    expect(Math.hypot(...free)).toBeGreaterThan(0.1)
    const bounded = await stepOf({ norm: 0.05 })
    expect(Math.hypot(...bounded)).toBeCloseTo(0.05, 5)
    close(await stepOf({ norm: 1000 }), free)
  })

  it('bounds every element', async () => {
    const free = await stepOf()
    close(
      await stepOf({ value: 0.1 }),
      free.map((g) => Math.max(-0.1, Math.min(0.1, g))),
    )
  })

  it('refuses bounds that are none', async () => {
    await expect(train({ clip: { norm: 0 } })).rejects.toThrow(/clip\.norm/)
  })
})

describe("a step of one's own", () => {
  /** A generator that learns the mean of the data, and a discriminator, in turn. */
  async function adversaries(): Promise<{ mean: number; history: History }> {
    const generator = new Sequential(new Linear(1, 1))
    const critic = new Sequential(new Linear(1, 8), new ReLU(), new Linear(8, 1))
    const g = new Adam(generator.parameters(), { lr: 0.05, betas: [0.5, 0.9] })
    const d = new Adam(critic.parameters(), { lr: 0.02, betas: [0.5, 0.9] })
    const history = await fit(generator, line(64), {
      loss: mse,
      optimizer: [g, d],
      epochs: 25,
      batchSize: 16,
      step: (x, y) => {
        const ones = y.mul(0).add(1)
        const fake = generator.call(x)
        const judged = bceWithLogits(critic.call(y), ones).add(bceWithLogits(critic.call(fake.detach()), ones.mul(0)))
        d.minimize(judged)
        const fooled = bceWithLogits(critic.call(fake), ones)
        g.minimize(fooled)
        return { loss: judged, fooled }
      },
    })
    const [w, b] = weightsOf(generator)
    return { mean: b + w * 0, history }
  }

  it('trains adversaries in turn, and reports what it returns', async () => {
    const { history, mean } = await adversaries()
    expect(Object.keys(history.epochs[0].train)).toEqual(['loss', 'fooled'])
    expect(history.steps).toBe(100)
    // The data's mean is −1.
    expect(Math.abs(mean + 1)).toBeLessThan(0.7)
  })

  it('must return a loss, and leaves no use for some options', async () => {
    const none = () => ({}) as { loss: Tensor }
    await expect(train({ step: none })).rejects.toThrow(/must return \{ loss, … \}/)
    await expect(train({ step: none, clip: { norm: 1 }, accumulate: 2 })).rejects.toThrow(
      /no use for accumulate and clip; do that within the step/,
    )
  })
})

describe('control', () => {
  it('pauses after the step at hand and goes on', async () => {
    const control = new TrainControl()
    let steps = 0
    const callback: Callback = {
      onBatchEnd: ({ total }) => {
        steps = total
        if (total === 2) control.pause()
      },
    }
    const training = train({ control, callbacks: [callback] })
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect([control.paused, steps]).toEqual([true, 2])
    control.resume()
    expect((await training).history).toMatchObject({ steps: 4, stopped: false })
  })

  it('an abort ends a paused training', async () => {
    const control = new TrainControl()
    control.pause()
    const { history } = await train({ control, signal: AbortSignal.timeout(30) })
    expect(history).toMatchObject({ steps: 1, stopped: true })
  })
})

describe('ema', () => {
  it('averages after every step; validation measures the averages', async () => {
    manualSeed(1)
    const model = classifier()
    const ema = new EMA(model.parameters(), { decay: 0.9 })
    const optimizer = new SGD(model.parameters(), { lr: 0.5 })
    const validation = corners(30, 2)
    const options = { loss: crossEntropy, optimizer, validation, ema, batchSize: 10 }
    const history = await fit(model, corners(60), options)
    const trained = weightsOf(model)
    ema.swap()
    expect(weightsOf(model)).not.toEqual(trained)
    const averaged = await evaluate(model, validation, { loss: crossEntropy, batchSize: 10 })
    expect(history.epochs[0].val).toEqual(averaged)
  })
})

describe('earlyStopping', () => {
  /** Four examples to learn by heart: the validation set, labelled otherwise, only gets worse. */
  async function overfit(options: Parameters<typeof earlyStopping>[1]) {
    const model = classifier()
    const data = corners(30)
    const wrong = { ...data, y: { ...data.y, data: data.y.data.map((c) => (c + 1) % 3) } }
    const kept: number[][] = []
    const note: Callback = { onEpochEnd: () => void kept.push(weightsOf(model)) }
    const history = await fit(model, data, {
      loss: crossEntropy,
      optimizer: new SGD(model.parameters(), { lr: 0.1 }),
      validation: wrong,
      epochs: 30,
      callbacks: [note, earlyStopping(model, options)],
    })
    return { history, model, kept }
  }

  it('ends the training after its patience, and restores the best weights', async () => {
    const { history, model, kept } = await overfit({ patience: 2 })
    const losses = history.epochs.map((e) => e.val?.loss ?? 0)
    const best = losses.indexOf(Math.min(...losses))
    expect(history.stopped).toBe(true)
    expect(history.epochs).toHaveLength(best + 1 + 3)
    expect(weightsOf(model)).toEqual(kept[best])
  })

  it('watches what it is told, and says what there is', async () => {
    const { history } = await overfit({ monitor: 'train.accuracy', patience: 30, restoreBest: false })
    expect(history.epochs).toHaveLength(30)
    await expect(overfit({ monitor: 'val.f1' })).rejects.toThrow(
      /no figure "val\.f1" to watch; there are train\.loss, train\.accuracy, val\.loss, val\.accuracy/,
    )
  })
})

describe('plateau', () => {
  it('reduces the learning rate when the loss stays', async () => {
    const model = classifier()
    const optimizer = new SGD(model.parameters(), { lr: 0.5 })
    const rates: number[] = []
    await fit(model, corners(30), {
      loss: (o) => o.sum().mul(0),
      optimizer,
      epochs: 4,
      callbacks: [
        { onBatchEnd: ({ lr }) => void rates.push(lr) },
        plateau(new ReduceOnPlateau(optimizer, { patience: 0, factor: 0.5 }), { monitor: 'train.loss' }),
      ],
    })
    expect(rates).toEqual([0.5, 0.5, 0.25, 0.125])
  })
})

describe('findLearningRate', () => {
  it('finds a rate that trains well, and leaves everything as it was', async () => {
    const model = classifier()
    const optimizer = new Adam(model.parameters(), { lr: 0.123 })
    const before = weightsOf(model)
    const found = await findLearningRate(model, corners(200), { loss: crossEntropy, optimizer, batchSize: 20 })
    expect(weightsOf(model)).toEqual(before)
    expect(optimizer.lr).toBeCloseTo(0.123, 6)
    expect(optimizer.steps).toBe(0)
    expect(found.rates[0]).toBeCloseTo(1e-7, 12)
    expect(found.losses).toHaveLength(found.rates.length)
    expect(found.steepest).toBeGreaterThan(1e-3)
    expect(found.steepest).toBeLessThan(found.least)
    const trained = await fit(model, corners(200), {
      loss: crossEntropy,
      optimizer: new Adam(model.parameters(), { lr: found.steepest }),
      epochs: 8,
    })
    expect(trained.epochs[7].train.accuracy).toBeGreaterThan(0.85)
  })

  it('ends when the loss is no number any more', async () => {
    const model = new Sequential(new Linear(1, 1))
    const optimizer = new SGD(model.parameters(), { lr: 1 })
    const { rates } = await findLearningRate(model, line(64), { loss: mse, optimizer, from: 1e-3, to: 1e20, steps: 40 })
    expect(rates.length).toBeLessThan(40)
    await expect(findLearningRate(model, line(8), { loss: mse, optimizer, from: 2, to: 1 })).rejects.toThrow(/to/)
  })
})

describe('losses', () => {
  it('combine adds them by weight and reports each', async () => {
    const { loss, metrics } = combine([
      { name: 'ce', of: crossEntropy },
      { name: 'size', of: (o) => o.square().mean(), weight: 0.5 },
    ])
    const { history } = await train({ loss, metrics })
    const { loss: sum, ce, size } = history.epochs[0].train
    expect(sum).toBeCloseTo(ce + 0.5 * size, 5)
  })

  it('classWeights make every class count as much', () => {
    const y = { data: Int32Array.of(0, 0, 0, 1, 1, 2), shape: [] }
    const x = { data: new Float32Array(6), shape: [1] }
    expect([...classWeights({ length: 6, x, y }).dataSync()]).toEqual([6 / 9, 1, 2].map(Math.fround))
    expect(() => classWeights({ length: 6, x, y }, 4)).toThrow(/no example is of class 3/)
    expect(() => classWeights(line(4))).toThrow(/no class numbers/)
  })
})

describe('a source of batches', () => {
  const source = (asynchronous: boolean): BatchSource => {
    const batch = (i: number) => {
      const [x, y] = [tensor([[i], [i + 1]]), tensor([[3 * i - 1], [3 * i + 2]])]
      return { x: x.div(10), y: y.div(10), size: 2 }
    }
    return {
      steps: 5,
      examples: 10,
      epoch: (_, skip) => {
        const rest = [0, 1, 2, 3, 4].slice(skip).map(batch)
        if (!asynchronous) return rest
        return (async function* () {
          for (const b of rest) yield b
        })()
      },
    }
  }

  it.each([false, true])('is gone through epoch by epoch (asynchronous: %s)', async (asynchronous) => {
    const model = new Sequential(new Linear(1, 1))
    const optimizer = new Adam(model.parameters(), { lr: 0.1 })
    const history = await fit(model, source(asynchronous), { loss: mse, optimizer, epochs: 60 })
    expect(history.steps).toBe(300)
    const [w, b] = weightsOf(model)
    expect(w).toBeCloseTo(3, 1)
    expect(b).toBeCloseTo(-0.1, 1)
  })
})
