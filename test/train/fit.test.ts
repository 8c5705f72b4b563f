/** @file `fit`: what it computes, tells and refuses. */

import { beforeEach, describe, expect, it } from 'vitest'
import { manualSeed, setDefaultDevice, type Tensor } from '../../src/index.ts'
import { crossEntropy, mse } from '../../src/loss/index.ts'
import { BatchNorm2d, Dropout, Linear, Module, Sequential } from '../../src/nn/index.ts'
import { Adam, SGD, schedule } from '../../src/optim/index.ts'
import { InterpDevice } from '../../src/plan/interp.ts'
import { accuracy, type BatchInfo, type Callback, type FitOptions, fit, type History } from '../../src/train/index.ts'
import { classifier, corners, line, weightsOf } from './problems.ts'

beforeEach(() => {
  setDefaultDevice(new InterpDevice())
  manualSeed(0)
})

/** Trains a fresh classifier on the corners and returns its weights beside the history. */
async function train(options: Partial<FitOptions> = {}, length = 50): Promise<{ history: History; weights: number[] }> {
  manualSeed(7)
  const model = classifier()
  const optimizer = new SGD(model.parameters(), { lr: 0.1 })
  const history = await fit(model, corners(length), { loss: crossEntropy, optimizer, batchSize: 16, ...options })
  return { history, weights: weightsOf(model) }
}

/** Notes what every batch said. */
function recorder(): { callback: Callback; batches: BatchInfo[] } {
  const batches: BatchInfo[] = []
  return { batches, callback: { onBatchEnd: (info) => void batches.push(info) } }
}

describe('fit', () => {
  it('learns, and says how it went', async () => {
    const { history } = await train({ epochs: 6, validation: corners(30, 1) })
    expect(history.epochs.map((e) => e.epoch)).toEqual([1, 2, 3, 4, 5, 6])
    expect(history.steps).toBe(24)
    expect(history.stopped).toBe(false)
    const [first, last] = [history.epochs[0], history.epochs[5]]
    expect(last.train.loss).toBeLessThan(first.train.loss)
    expect(last.val?.accuracy).toBeGreaterThan(0.85)
    expect(Object.keys(last.train)).toEqual(['loss', 'accuracy'])
    expect(last.lr).toBe(0.1)
    expect(last.rate).toBeGreaterThan(0)
    expect(last.seconds).toBeGreaterThan(0)
    expect(history.seconds).toBeGreaterThanOrEqual(last.seconds)
  })

  it('fits a line with real targets, without metrics of its own accord', async () => {
    const model = new Sequential(new Linear(1, 1))
    const optimizer = new Adam(model.parameters(), { lr: 0.1 })
    const history = await fit(model, line(64), { loss: mse, optimizer, epochs: 40, batchSize: 16 })
    expect(Object.keys(history.epochs[0].train)).toEqual(['loss'])
    const [weight, bias] = weightsOf(model)
    expect(weight).toBeCloseTo(3, 2)
    expect(bias).toBeCloseTo(-1, 2)
  })

  it('computes the same with and without compiling', async () => {
    const compiled = await train({ epochs: 2 })
    const plain = await train({ epochs: 2, compile: false })
    plain.weights.forEach((w, i) => {
      expect(compiled.weights[i]).toBeCloseTo(w, 5)
    })
    expect(compiled.history.epochs[1].train.loss).toBeCloseTo(plain.history.epochs[1].train.loss, 5)
  })

  it('counts every example of a ragged epoch once, by its weight', async () => {
    const { batches, callback } = recorder()
    const { history } = await train({ callbacks: [callback] })
    expect(batches.map((b) => [b.step, b.steps])).toEqual([
      [1, 4],
      [2, 4],
      [3, 4],
      [4, 4],
    ])
    const mean = batches.reduce((sum, b, i) => sum + b.batchLoss * (i < 3 ? 16 : 2), 0) / 50
    expect(history.epochs[0].train.loss).toBeCloseTo(mean, 10)
    expect(batches[3].loss).toBe(history.epochs[0].train.loss)
    expect(batches[3].eta).toBe(0)
  })

  it('leaves the ragged batch out with dropLast', async () => {
    const { history } = await train({ dropLast: true, epochs: 2 })
    expect(history.steps).toBe(6)
    expect(history.stopped).toBe(false)
  })

  it('gives the same bits for the same seed, and another order for another seed or epoch', async () => {
    const losses = async (options: Partial<FitOptions>): Promise<number[]> => {
      const { batches, callback } = recorder()
      await train({ epochs: 2, callbacks: [callback], ...options })
      return batches.map((b) => b.batchLoss)
    }
    const [a, b, c] = [await losses({ seed: 1 }), await losses({ seed: 1 }), await losses({ seed: 2 })]
    expect(b).toEqual(a)
    expect(c).not.toEqual(a)
    const still = { optimizer: { lr: 0, minimize: () => {} } }
    const shuffled = await losses(still)
    expect(shuffled.slice(4)).not.toEqual(shuffled.slice(0, 4))
    const ordered = await losses({ ...still, shuffle: false })
    expect(ordered.slice(4)).toEqual(ordered.slice(0, 4))
  })

  it('multiplies learning rates by the schedule, group by group, and puts them back', async () => {
    const model = new Sequential(new Linear(2, 4), new Linear(4, 3))
    const [first, second] = [...model].map((layer) => layer.parameters())
    const optimizer = new SGD([{ params: first, lr: 0.5 }, { params: second }], { lr: 0.25 })
    const { batches, callback } = recorder()
    const seen: number[][] = []
    const note: Callback = { onBatchEnd: () => void seen.push(optimizer.groups.map((g) => g.lr)) }
    await fit(model, corners(64), {
      loss: crossEntropy,
      optimizer,
      batchSize: 16,
      schedule: schedule.linearDecay(4),
      callbacks: [callback, note],
    })
    expect(batches.map((b) => b.lr)).toEqual([0.5, 0.375, 0.25, 0.125])
    expect(seen.map((s) => s[1])).toEqual([0.25, 0.1875, 0.125, 0.0625])
    expect(optimizer.groups.map((g) => g.lr)).toEqual([0.5, 0.25])
  })

  it('moves momentum with the schedule, and puts it back', async () => {
    const model = new Sequential(new Linear(2, 3))
    const optimizer = new SGD(model.parameters(), { lr: 0.5, momentum: 0.75 })
    const [group] = optimizer.groups
    const seen: (number | null)[] = []
    await fit(model, corners(64), {
      loss: crossEntropy,
      optimizer,
      batchSize: 16,
      schedule: schedule.cyclic({ peak: 2, up: 2, momentum: [0.25, 0.5] }),
      callbacks: [{ onBatchEnd: () => void seen.push(group.momentum) }],
    })
    expect(seen).toEqual([0.5, 0.375, 0.25, 0.375])
    expect([group.lr, group.momentum]).toEqual([0.5, 0.75])
  })

  it('minimises the objective and reports the loss', async () => {
    const away: Partial<FitOptions> = { objective: (o, y) => crossEntropy(o, y).neg(), epochs: 3 }
    const { history } = await train(away)
    const [first, , last] = history.epochs.map((e) => e.train.loss)
    expect(first).toBeGreaterThan(0)
    expect(last).toBeGreaterThan(first)
    expect(Object.keys(history.epochs[0].train)).toEqual(['loss', 'accuracy'])
  })

  it('tells a schedule how many steps there will be', async () => {
    const asked: number[][] = []
    const factor = (step: number, steps: number): number => asked.push([step, steps]) && 1
    await train({ epochs: 2, dropLast: true, schedule: factor })
    expect(asked).toEqual([0, 1, 2, 3, 4, 5].map((step) => [step, 6]))
  })
})

describe('modes', () => {
  class Watched extends Module {
    readonly inner = new Linear(2, 3)
    readonly drop = new Dropout(0.5)
    readonly norm = new BatchNorm2d(3)
    readonly seen: boolean[] = []
    forward(x: Tensor): Tensor {
      this.seen.push(this.training)
      return this.inner.call(x)
    }
  }

  it('trains in train mode, validates in eval mode, and restores every part', async () => {
    const model = new Watched()
    model.norm.eval()
    model.drop.eval()
    await fit(model, corners(8), {
      loss: crossEntropy,
      optimizer: new SGD(model.parameters(), { lr: 0.1 }),
      validation: corners(8),
      batchSize: 8,
    })
    expect(model.seen).toEqual([true, false])
    expect([model, model.inner, model.drop, model.norm].map((m) => m.training)).toEqual([true, true, false, false])
  })

  it('restores them after a failure too', async () => {
    const model = classifier().eval()
    const failing = fit(model, corners(8), {
      loss: () => {
        throw new Error('no loss today')
      },
      optimizer: new SGD(model.parameters(), { lr: 0.1 }),
    })
    await expect(failing).rejects.toThrow('no loss today')
    expect(model.modules().map((m) => m.training)).toEqual([false, false])
  })
})

describe('callbacks', () => {
  it('are told in order, and awaited', async () => {
    const log: string[] = []
    const slow = (text: string): Promise<void> =>
      new Promise((resolve) =>
        setTimeout(() => {
          log.push(text)
          resolve()
        }, 2),
      )
    const callback: Callback = {
      onTrainBegin: ({ epochs, steps, batchSize, examples }) =>
        slow(`begin ${epochs} ${steps} ${batchSize} ${examples}`),
      onEpochBegin: ({ epoch }) => slow(`epoch ${epoch}`),
      onBatchEnd: ({ epoch, step }) => slow(`batch ${epoch}.${step}`),
      onEpochEnd: ({ epoch, epochs }) => slow(`end of ${epoch}/${epochs}`),
      onTrainEnd: (history, error) => slow(`end ${history.steps} ${error}`),
    }
    await train({ epochs: 2, callbacks: [callback, {}] }, 32)
    expect(log).toEqual([
      'begin 2 2 16 32',
      'epoch 1',
      'batch 1.1',
      'batch 1.2',
      'end of 1/2',
      'epoch 2',
      'batch 2.1',
      'batch 2.2',
      'end of 2/2',
      'end 4 undefined',
    ])
  })

  it('can stop the training, after a step or after an epoch', async () => {
    const afterStep = await train({
      epochs: 9,
      callbacks: [{ onBatchEnd: (i) => i.step === 2 && i.stop() }] as Callback[],
    })
    expect(afterStep.history).toMatchObject({ steps: 2, stopped: true, epochs: [] })
    const afterEpoch = await train({
      epochs: 9,
      validation: corners(4),
      callbacks: [{ onEpochEnd: (i) => i.epoch === 2 && i.stop() }] as Callback[],
    })
    expect(afterEpoch.history).toMatchObject({ steps: 8, stopped: true })
    expect(afterEpoch.history.epochs.map((e) => e.val !== undefined)).toEqual([true, true])
  })
})

describe('the signal', () => {
  it('ends the training after the step at hand and keeps weights and history', async () => {
    const controller = new AbortController()
    const stop: Callback = {
      onBatchEnd: ({ epoch, step }) => epoch === 2 && step === 3 && controller.abort(),
    } as Callback
    const { history, weights } = await train({ epochs: 5, signal: controller.signal, callbacks: [stop] })
    expect(history.steps).toBe(7)
    expect(history.stopped).toBe(true)
    expect(history.epochs).toHaveLength(1)
    expect(weights).not.toEqual((await train({ epochs: 1 })).weights)
  })

  it('aborted before the start, nothing happens', async () => {
    const { history } = await train({ signal: AbortSignal.abort() })
    expect(history).toMatchObject({ steps: 0, stopped: true, epochs: [] })
  })

  it('ends a validation, whose epoch then has no figures of it', async () => {
    const controller = new AbortController()
    const last: Callback = { onBatchEnd: ({ step, steps }) => step === steps && controller.abort() } as Callback
    const options = { epochs: 2, validation: corners(9), signal: controller.signal, callbacks: [last] }
    const { history } = await train(options)
    expect(history.epochs).toHaveLength(1)
    expect(history.epochs[0].val).toBeUndefined()
  })

  it('arrives from a timer, because the event loop gets its turns', async () => {
    let ticks = 0
    const timer = setInterval(() => ticks++, 5)
    const { history } = await train({ epochs: 1e6, signal: AbortSignal.timeout(300), compile: false }, 200)
    clearInterval(timer)
    expect(history.stopped).toBe(true)
    expect(history.seconds).toBeLessThan(5)
    expect(ticks).toBeGreaterThan(2)
  })
})

describe('what fit refuses', () => {
  const data = corners(12)
  const cases: [what: string, options: Partial<FitOptions>, message: RegExp][] = [
    ['batchSize 0', { batchSize: 0 }, /batchSize must be a whole number of at least 1; received 0/],
    ['a negative batchSize', { batchSize: -4 }, /batchSize .* received -4/],
    ['half a batch', { batchSize: 2.5 }, /batchSize .* received 2.5/],
    ['no epochs', { epochs: 0 }, /epochs must be a whole number of at least 1; received 0/],
    ['a NaN seed', { seed: NaN }, /seed must be a whole number; received NaN/],
    ['a NaN learning rate', { optimizer: { lr: NaN, minimize: () => {} } }, /learning rate .* received NaN/],
    ['an infinite learning rate', { optimizer: { lr: Infinity, minimize: () => {} } }, /learning rate .* Infinity/],
    ['no batch at all', { dropLast: true, batchSize: 16 }, /12 examples make no batch of 16/],
    ['an empty validation set', { validation: { ...data, length: 0 } }, /the validation set is empty/],
    [
      'another kind of validation set',
      { validation: line(3) },
      /x has examples of shape \[2\], the validation set's \[1\]/,
    ],
    ['a loss per example', { loss: (o) => o.mean(1) }, /backward: the result has shape \[12\]/],
  ]
  for (const [what, options, message] of cases) {
    it(what, async () => {
      await expect(train(options, 12)).rejects.toThrow(message)
    })
  }

  it('an empty data set, and one whose columns are too short', async () => {
    const model = classifier()
    const options = { loss: crossEntropy, optimizer: new SGD(model.parameters(), { lr: 0.1 }) }
    const empty = { length: 0, x: { data: new Float32Array(0), shape: [2] }, y: { data: new Int32Array(0), shape: [] } }
    await expect(fit(model, empty, options)).rejects.toThrow(/training set is empty/)
    await expect(fit(model, { ...data, length: 13 }, options)).rejects.toThrow(
      /x holds 24 values, but 13 examples of shape \[2\] need 26/,
    )
  })

  it('data that do not fit the model', async () => {
    const model = new Sequential(new Linear(5, 3))
    const options = { loss: crossEntropy, optimizer: new SGD(model.parameters(), { lr: 0.1 }) }
    await expect(fit(model, data, options)).rejects.toThrow(/linear: expects an input whose last axis has 5 entries/)
  })

  it('targets that do not fit the loss', async () => {
    const model = new Sequential(new Linear(1, 2))
    const options = { loss: mse, optimizer: new SGD(model.parameters(), { lr: 0.1 }) }
    await expect(fit(model, line(4), options)).rejects.toThrow(/prediction \[4, 2\] and target \[4, 1\]/)
  })

  it('accuracy of what are no classes', async () => {
    const model = new Sequential(new Linear(1, 1))
    const options = { loss: mse, optimizer: new SGD(model.parameters(), { lr: 0.1 }), metrics: [accuracy] }
    await expect(fit(model, line(4), options)).rejects.toThrow(/accuracy: needs logits \[B, C, …\] and class numbers/)
  })

  it('an objective that is no longer finite', async () => {
    await expect(train({ objective: (o) => o.sum().mul(Infinity) })).rejects.toThrow(/the loss became -?(Infinity|NaN)/)
  })

  it('a loss that is no longer finite, naming the place; callbacks hear of it', async () => {
    const model = new Sequential(new Linear(1, 1))
    const optimizer = new SGD(model.parameters(), { lr: 1e19 })
    const heard: unknown[] = []
    const failing = fit(model, line(8), {
      loss: mse,
      optimizer,
      batchSize: 2,
      callbacks: [{ onTrainEnd: (_, error) => void heard.push(error) }],
    })
    await expect(failing).rejects.toThrow(
      /the loss became (NaN|Infinity) in epoch 1, step [23] of 4, at a learning rate of 10{19}\./,
    )
    expect(String(heard[0])).toMatch(/the loss became/)
  })
})
