/** @file Where a loss that is no number began: the operation, the layer, the step, the cause. */

import { beforeEach, describe, expect, it } from 'vitest'
import { createDeviceSync, manualSeed, setDefaultDevice, type Tensor, tensor } from '../../src/index.ts'
import { crossEntropy, mse } from '../../src/loss/index.ts'
import { Linear, Module, ReLU, Sequential } from '../../src/nn/index.ts'
import { Adam, SGD } from '../../src/optim/index.ts'
import { InterpDevice } from '../../src/plan/interp.ts'
import { type FitOptions, fit, type Model, NotFiniteError } from '../../src/train/index.ts'
import { corners, line, weightsOf } from './problems.ts'

/** A layer that applies a function. */
class Apply extends Module {
  readonly #fn: (x: Tensor) => Tensor

  constructor(fn: (x: Tensor) => Tensor) {
    super()
    this.#fn = fn
  }

  forward(x: Tensor): Tensor {
    return this.#fn(x)
  }
}

function net(fn: (x: Tensor) => Tensor): Sequential {
  return new Sequential({ first: new Linear(2, 8), act: new ReLU(), odd: new Apply(fn), last: new Linear(8, 3) })
}

async function failure(model: Model, options: Partial<FitOptions> = {}, data = corners(60)): Promise<NotFiniteError> {
  const optimizer = new SGD(model.parameters(), { lr: 0.1 })
  const error = await fit(model, data, { loss: crossEntropy, optimizer, epochs: 20, batchSize: 10, ...options }).then(
    () => null,
    (e: unknown) => e,
  )
  if (error instanceof NotFiniteError) return error
  throw new Error(`expected a NotFiniteError, received ${String(error)}`)
}

describe.each(['interp', 'wasm'] as const)('on %s', (target) => {
  beforeEach(() => {
    setDefaultDevice(target === 'interp' ? new InterpDevice() : createDeviceSync('wasm', { threads: 1 }))
    manualSeed(0)
  })

  it('a logarithm of 0 in a layer', async () => {
    const { origin, message } = await failure(net((x) => x.log()))
    expect(origin).toMatchObject({ phase: 'forward', operation: 'log', layer: 'odd', position: { epoch: 1, done: 0 } })
    expect(message).toMatch(
      /the operation log of layer odd gave infinity, from values from 0 to .*A logarithm of 0 or less/,
    )
  })

  it('a gradient without bound: the norm of zeros', async () => {
    const { origin, message } = await failure(net((x) => x.add(x.square().mul(0).sum(1, { keepdim: true }).sqrt())))
    expect(origin).toMatchObject({ phase: 'backward', position: { epoch: 1, done: 0 } })
    expect(message).toMatch(/in step 1 of epoch 1: the operation \w+ of layer odd in the gradient for first\.\w+ gave/)
    expect(message).toContain('add a small number within')
  })

  it('too large a learning rate, in the step where values first overflow', async () => {
    const model = new Sequential(new Linear(1, 8), new ReLU(), new Linear(8, 1))
    const optimizer = new SGD(model.parameters(), { lr: 1e3 })
    const { origin, message, seen } = await failure(model, { loss: mse, optimizer }, line(60))
    expect(origin).not.toBeNull()
    expect(seen.step).toBeGreaterThan(1)
    expect(origin?.position.steps).toBeLessThanOrEqual(seen.step - 1)
    expect(message).toMatch(
      /weights that grow from step to step: make the learning rate \(1000\) or the momentum smaller/,
    )
    // The model is as it was before.
    expect(weightsOf(model).every(Number.isFinite)).toBe(true)
  })

  it('a value in the data, naming the example', async () => {
    const data = corners(60)
    const x = Float32Array.from(data.x.data)
    x[2 * 37] = Number.NaN
    const optimizer = (model: Model) => new Adam(model.parameters(), { lr: 0.01 })
    const model = net((v) => v)
    const { origin, message } = await failure(
      model,
      { optimizer: optimizer(model) },
      { ...data, x: { ...data.x, data: x } },
    )
    expect(origin).toMatchObject({ phase: 'data', operation: 'x' })
    expect(message).toContain('the inputs of example 37 hold NaN')
  })

  it('not the −∞ of a mask', async () => {
    const masked = (x: Tensor): Tensor => {
      const noise = x.add(tensor([0, 1, 2, 3, 4, 5, 6, 7]).mul(1e-3))
      const least = noise.le(noise.min(1, { keepdim: true }))
      return noise.maskedFill(least, Number.NEGATIVE_INFINITY).softmax(1).sub(0.2).log()
    }
    const { origin } = await failure(net(masked))
    expect(origin).toMatchObject({ operation: 'log', layer: 'odd' })
  })
})

describe('without a replay', () => {
  beforeEach(() => {
    setDefaultDevice(new InterpDevice())
    manualSeed(0)
  })

  it('still says where the loss was seen', async () => {
    const { origin, message } = await failure(
      net((x) => x.log()),
      { locate: false },
    )
    expect(origin).toBeNull()
    expect(message).toMatch(
      /the loss became \S+ in epoch 1, step 1 of 6, at a learning rate of 0\.1\. Make the learning/,
    )
  })

  it('weights that a callback spoils', async () => {
    const model = net((x) => x)
    const spoil = ({ total }: { total: number }): void => {
      if (total === 4) model.parameters()[0].set(new Float32Array(16).fill(Number.NaN))
    }
    const { origin } = await failure(model, { callbacks: [{ onBatchEnd: spoil }] })
    expect(origin).toBeNull()
  })
})
