/** @file A training that is interrupted and resumed is the one that was not, bit by bit. */

import { beforeEach, describe, expect, it } from 'vitest'
import { createDeviceSync, manualSeed, randn, setDefaultDevice } from '../../src/index.ts'
import { crossEntropy } from '../../src/loss/index.ts'
import { BatchNorm1d, Dropout, Linear, ReLU, Sequential } from '../../src/nn/index.ts'
import { Adam, EMA, NAdam, ReduceOnPlateau, SGD, schedule } from '../../src/optim/index.ts'
import { InterpDevice } from '../../src/plan/interp.ts'
import {
  type Callback,
  earlyStopping,
  type FitOptions,
  fit,
  plateau,
  type TrainingState,
} from '../../src/train/index.ts'
import { fromJson, toJson } from '../../src/train/state.ts'
import { compiledTargets } from '../support/devices.ts'
import { corners, weightsOf } from './problems.ts'

const data = corners(50)
const validation = corners(20, 3)

interface Outcome {
  readonly losses: number[]
  readonly weights: number[]
  readonly lrs: number[]
  readonly states: TrainingState[]
  readonly epochs: unknown
  readonly checks: unknown
}

/** Trains with everything that has a state, from the beginning or from a state, keeping a state after every step. */
async function run(kind: 'adam' | 'sgd' | 'nadam', resume?: TrainingState): Promise<Outcome> {
  // A resumed run starts from other weights and draws, which must not matter.
  manualSeed(resume ? 99 : 7)
  const model = new Sequential(new Linear(2, 8), new BatchNorm1d(8), new ReLU(), new Dropout(0.3), new Linear(8, 3))
  const parameters = model.parameters()
  const make = {
    adam: () => new Adam(parameters, { lr: 0.02 }),
    nadam: () => new NAdam(parameters, { lr: 0.02 }),
    sgd: () => new SGD(parameters, { lr: 0.1, momentum: 0.9, nesterov: true }),
  }
  const optimizer = make[kind]()
  const [losses, lrs, states]: [number[], number[], TrainingState[]] = [[], [], []]
  let capture: (() => TrainingState) | undefined
  const recorder: Callback = {
    onTrainBegin: (info) => {
      capture = info.capture
    },
    onBatchEnd: ({ batchLoss, lr }) => {
      losses.push(batchLoss)
      lrs.push(lr)
      if (!resume && capture) states.push(capture())
    },
    onEpochEnd: () => {
      if (!resume && capture) states.push(capture())
    },
  }
  const byKind: Partial<FitOptions> =
    kind === 'sgd'
      ? { callbacks: [plateau(new ReduceOnPlateau(optimizer, { patience: 0, factor: 0.5 })), recorder] }
      : { schedule: schedule.oneCycle(12, { momentum: [0.85, 0.95] }), callbacks: [earlyStopping(model), recorder] }
  const history = await fit(model, data, {
    loss: crossEntropy,
    optimizer,
    validation,
    epochs: 3,
    batchSize: 16,
    validateEvery: 3,
    watch: 2,
    ema: new EMA(parameters, { decay: 0.9 }),
    augment: (x) => x.add(randn(x.shape, { device: x.device }).mul(0.1)),
    ...byKind,
    ...(resume ? { resume } : {}),
  })
  const epochs = history.epochs.map(({ epoch, train, val }) => ({ epoch, train, val }))
  return { losses, lrs, states, epochs, checks: history.checks, weights: weightsOf(model) }
}

describe.each(['interp', ...compiledTargets] as const)('on %s', (target) => {
  beforeEach(() => {
    setDefaultDevice(target === 'interp' ? new InterpDevice() : createDeviceSync(target, { threads: 1 }))
  })

  it.each(['adam', 'nadam', 'sgd'] as const)(
    '%s goes on from any step, and from the end of any epoch',
    async (kind) => {
      const whole = await run(kind)
      expect(whole.losses).toHaveLength(12)
      expect(whole.states).toHaveLength(15)
      // Compiling takes its time.
      const some = target === 'interp' ? whole.states : [1, 4, 11].map((i) => whole.states[i])
      for (const state of some) {
        const stored = { tensors: state.tensors, progress: fromJson(toJson(state.progress)) } as TrainingState
        const rest = await run(kind, stored)
        expect(rest.losses).toEqual(whole.losses.slice(state.progress.steps))
        expect(rest.lrs).toEqual(whole.lrs.slice(state.progress.steps))
        expect(rest.weights).toEqual(whole.weights)
        expect(rest.epochs).toEqual(whole.epochs)
        expect(rest.checks).toEqual(whole.checks)
      }
    },
  )
})

describe('a run that early stopping ended', () => {
  /** Validation that never improves after the first epoch, since nothing is learned. */
  async function stopped(resume?: TrainingState): Promise<{ steps: number; weights: number[]; last?: TrainingState }> {
    manualSeed(resume ? 5 : 4)
    const model = new Sequential(new Linear(2, 3))
    const optimizer = new SGD(model.parameters(), { lr: 0 })
    let capture: (() => TrainingState) | undefined
    const states: TrainingState[] = []
    const recorder: Callback = {
      onTrainBegin: (info) => {
        capture = info.capture
      },
      onEpochEnd: () => {
        if (capture) states.push(capture())
      },
    }
    const callbacks = [earlyStopping(model, { patience: 2 }), recorder]
    const options = { loss: crossEntropy, optimizer, validation, epochs: 9, batchSize: 25, callbacks }
    const { steps } = await fit(model, data, { ...options, ...(resume ? { resume } : {}) })
    return { steps, weights: weightsOf(model), ...(states.length > 0 ? { last: states[states.length - 1] } : {}) }
  }

  it('stays ended, with its best weights', async () => {
    const { steps, weights, last } = await stopped()
    // The first epoch is the best, and three more bring nothing.
    expect(steps).toBe(8)
    expect(await stopped(last)).toEqual({ steps: 8, weights })
  })
})

describe('resuming refuses', () => {
  const train = (options: Partial<FitOptions>, width = 3): Promise<unknown> => {
    const model = new Sequential(new Linear(2, width))
    const optimizer = new SGD(model.parameters(), { lr: 0.1 })
    return fit(model, data, { loss: crossEntropy, optimizer, batchSize: 25, ...options })
  }
  async function state(): Promise<TrainingState> {
    const taken: TrainingState[] = []
    const callback: Callback = { onTrainBegin: ({ capture }) => void taken.push(capture()) }
    await train({ callbacks: [callback] })
    return taken[0]
  }

  it('another batch size, seed or order', async () => {
    const resume = await state()
    await expect(train({ resume, batchSize: 10 })).rejects.toThrow(/steps was 2 and is 5, batchSize was 25 and is 10/)
    await expect(train({ resume, seed: 3 })).rejects.toThrow(/seed was 0 and is 3\. Use the options it had/)
    await expect(train({ resume, shuffle: false })).rejects.toThrow(/shuffle was true and is false/)
  })

  it('another model', async () => {
    const resume = await state()
    await expect(train({ resume }, 4)).rejects.toThrow(
      /of another model: 0\.weight has \[3, 2\] instead of \[4, 2\]; 0\.bias/,
    )
  })

  it('a state of a later version', async () => {
    const { progress, tensors } = await state()
    const resume = { tensors, progress: { ...progress, format: 2 } }
    await expect(train({ resume })).rejects.toThrow(/has format 2; this version of Glia reads 1/)
  })
})

describe('toJson and fromJson', () => {
  it('keep every number', () => {
    const value = { a: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.1 + 0.2, 5e-324], b: 'NaN' }
    expect(fromJson(toJson(value))).toEqual(value)
  })
})
