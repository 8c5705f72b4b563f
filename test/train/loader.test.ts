/** @file Training on loaders: the same as on arrays, exact when resumed, over streams of unknown length. */

import { beforeEach, describe, expect, it, test } from 'vitest'
import {
  arrayDataset,
  type ClassBatch,
  chain,
  DataLoader,
  flip,
  fromArrays,
  type Item,
  type LoaderOptions,
  label,
  mixup,
  Random,
  randomCrop,
  type StreamSource,
} from '../../src/data/index.ts'
import { manualSeed } from '../../src/index.ts'
import { crossEntropy, mse } from '../../src/loss/index.ts'
import { Dropout, Flatten, Linear, ReLU, Sequential } from '../../src/nn/index.ts'
import { Adam, SGD } from '../../src/optim/index.ts'
import { type Callback, evaluate, type FitOptions, fit, type TrainingState } from '../../src/train/index.ts'
import { barLine } from '../../src/train/progress.ts'
import { fromJson, toJson } from '../../src/train/state.ts'
import { classifier, corners, weightsOf } from './problems.ts'

interface Example {
  readonly x: Item
  readonly y: Item
}

const data = corners(50)
const stream: StreamSource<Example> = {
  async *stream() {
    const source = fromArrays(data)
    for (let i = 0; i < source.length; i++) yield source.get(i)
  },
}

/** Moves the points at random. */
const shaken = ({ x, y }: Example, random: Random): Example => ({
  x: { data: Float32Array.from(x.data, (v) => v + random.uniform(-0.2, 0.2)), shape: x.shape },
  y,
})

beforeEach(() => manualSeed(0))

const options = (model: Sequential): FitOptions => ({
  loss: crossEntropy,
  optimizer: new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 }),
})

describe('fit with a loader', () => {
  test('takes the steps that it takes with the arrays', async () => {
    const onArrays = classifier()
    const expected = await fit(onArrays, data, { ...options(onArrays), batchSize: 16, seed: 3, epochs: 2 })
    manualSeed(0)
    const model = classifier()
    const loader = new DataLoader(fromArrays(data), { batchSize: 16, shuffle: true, seed: 3 })
    const history = await fit(model, loader, { ...options(model), validation: data, epochs: 2 })
    expect(weightsOf(model)).toEqual(weightsOf(onArrays))
    expect(history.epochs.map((e) => e.train)).toEqual(expected.epochs.map((e) => e.train))
    expect(history).toMatchObject({ steps: 8, stopped: false })
    // The loader stands where it stood.
    expect(loader.state()).toEqual({ epoch: 1, position: 0, seed: 3 })
    const scores = await evaluate(model, new DataLoader(fromArrays(data), { batchSize: 9 }), { loss: crossEntropy })
    expect(scores.accuracy).toBeCloseTo(history.epochs[1].val?.accuracy ?? 0, 6)
    expect(scores.loss).toBeCloseTo(history.epochs[1].val?.loss ?? 0, 6)
  })

  test('measures a validation loader, whose random numbers are the same every time', async () => {
    const model = classifier()
    const loader = new DataLoader(fromArrays(data), { batchSize: 20, transform: shaken })
    const still = { loss: crossEntropy, optimizer: new SGD(model.parameters(), { lr: 0 }) }
    const history = await fit(model, loader, { ...still, validation: loader, epochs: 2, validateEvery: 2 })
    const [first, ...others] = [...(history.checks ?? []), ...history.epochs].map(({ val }) => val)
    expect(Object.keys(first ?? {})).toEqual(['loss', 'accuracy'])
    expect(others).toEqual([first, first, first, first])
    // In training, each epoch draws its own.
    expect(history.epochs[0].train.loss).not.toBe(history.epochs[1].train.loss)
  })

  test('crops, mirrors and mixes images in memory', async () => {
    const random = new Random(2)
    // Brighter in the first channel or in the second.
    const y = Uint8Array.from({ length: 64 }, (_, i) => i % 2)
    const channel = (i: number): number => Math.floor(i / 64) % 3
    const pixel = (i: number): number => random.below(64) + (channel(i) === y[Math.floor(i / 192)] ? 128 : 0)
    const images = arrayDataset({
      x: { data: Uint8Array.from({ length: 64 * 192 }, (_, i) => pixel(i)), shape: [3, 8, 8] },
      y: { data: y, shape: [] },
    })
    const loader = new DataLoader(fromArrays(images), {
      batchSize: 16,
      shuffle: true,
      transform: chain(randomCrop({ size: [8, 8], padding: 1 }), flip({})),
      batchTransform: mixup({ classes: 2 }),
    })
    const model = new Sequential(new Flatten(), new Linear(192, 2))
    const optimizer = new Adam(model.parameters(), { lr: 0.01 })
    const history = await fit(model, loader, { loss: crossEntropy, optimizer, validation: images, epochs: 8 })
    // Shares of classes have no accuracy; class numbers have.
    expect(Object.keys(history.epochs[0].train)).toEqual(['loss'])
    expect(history.epochs[7].val?.accuracy).toBe(1)
  })

  test('real targets have no accuracy', async () => {
    const line = arrayDataset({
      x: { data: new Float32Array(6), shape: [1] },
      y: { data: new Float32Array(6), shape: [1] },
    })
    const model = new Sequential(new Linear(1, 1))
    const optimizer = new SGD(model.parameters(), { lr: 0.1 })
    const history = await fit(model, new DataLoader(fromArrays(line), { batchSize: 3 }), { loss: mse, optimizer })
    expect(Object.keys(history.epochs[0].train)).toEqual(['loss'])
  })

  test('a stream of unknown length: steps are known once it is through', async () => {
    const model = classifier()
    const loader = new DataLoader(stream, { batchSize: 20, shuffle: true, buffer: 7 })
    const seen: unknown[] = []
    const lines: string[] = []
    const history = await fit(model, loader, {
      ...options(model),
      epochs: 2,
      callbacks: [
        {
          onTrainBegin: ({ steps, examples, epochs }) => void seen.push({ steps, examples, epochs }),
          onBatchEnd: (info) => {
            seen.push([info.step, info.steps, info.eta === undefined])
            lines.push(barLine(info, 200))
          },
        },
      ],
    })
    expect(seen).toEqual([
      { steps: undefined, examples: undefined, epochs: 2 },
      [1, undefined, true],
      [2, undefined, true],
      [3, undefined, true],
      [1, 3, false],
      [2, 3, false],
      [3, 3, false],
    ])
    expect(lines[1]).toMatch(/^Epoch 1\/2 {2}2 steps {2}[\d,]+\/s {2}loss/)
    expect(lines[4]).toMatch(/^Epoch 2\/2 ▕.* 66 %/)
    expect(history).toMatchObject({ steps: 6, stopped: false })
  })

  test('maxSteps ends in the middle of a stream, which goes on being read for as many passes as it takes', async () => {
    const model = classifier()
    const lines: string[] = []
    const history = await fit(model, new DataLoader(stream, { batchSize: 20 }), {
      ...options(model),
      maxSteps: 7,
      callbacks: [{ onBatchEnd: (info) => void lines.push(barLine(info, 200)) }],
    })
    expect(history).toMatchObject({ steps: 7, stopped: false })
    expect(history.epochs.length).toBe(3)
    expect(lines[0]).toMatch(/^Epoch 1 {2}1 steps/)
  })

  test('stepsPerEpoch cuts epochs out of arrays, too, and a resumed run goes on within one', async () => {
    const run = async (more: Partial<FitOptions>, resume?: TrainingState) => {
      manualSeed(4)
      const model = classifier()
      const states: TrainingState[] = []
      let capture: (() => TrainingState) | undefined
      const keep: Callback = {
        onTrainBegin: (info) => {
          capture = info.capture
        },
        onBatchEnd: () => {
          if (capture) states.push(capture())
        },
      }
      const own = { ...options(model), batchSize: 16, callbacks: [keep], ...more }
      await fit(model, data, { ...own, ...(resume ? { resume } : {}) })
      return { weights: weightsOf(model), states }
    }
    const plain = await run({ epochs: 3 })
    const cut = await run({ stepsPerEpoch: 6, epochs: 2 })
    expect(cut.weights).toEqual(plain.weights)
    for (const taken of [3, 4, 7, 9]) {
      expect((await run({ stepsPerEpoch: 6, epochs: 2 }, cut.states[taken - 1])).weights).toEqual(cut.weights)
    }
  })

  test('stepsPerEpoch cuts epochs out of data that goes on', async () => {
    const [cut, plain] = [classifier(), classifier()]
    plain.loadStateDict(cut.stateDict())
    let opened = 0
    const counted: StreamSource<Example> = {
      stream: (epoch) => {
        opened++
        return stream.stream(epoch)
      },
    }
    const loader = { batchSize: 20, transform: shaken }
    const epochs: (number | undefined)[] = []
    const history = await fit(cut, new DataLoader(counted, loader), {
      ...options(cut),
      stepsPerEpoch: 2,
      epochs: 6,
      schedule: (step, steps) => 1 - step / steps,
      callbacks: [{ onEpochBegin: ({ steps }) => void epochs.push(steps) }],
    })
    expect(history.epochs.length).toBe(6)
    expect(epochs).toEqual([2, 2, 2, 2, 2, 2])
    // Twelve batches are four passes over the stream's three.
    expect(opened).toBe(4)
    await fit(plain, new DataLoader(stream, loader), {
      ...options(plain),
      epochs: 4,
      schedule: (step) => 1 - step / 12,
    })
    expect(weightsOf(cut)).toEqual(weightsOf(plain))
  })

  test('an endless stream is closed in the end', async () => {
    let open = 0
    const endless: StreamSource<Example> = {
      async *stream() {
        open++
        try {
          for (;;) yield fromArrays(data).get(open)
        } finally {
          open--
        }
      },
    }
    const model = classifier()
    const history = await fit(model, new DataLoader(endless, { batchSize: 4 }), {
      ...options(model),
      stepsPerEpoch: 3,
      epochs: 2,
    })
    expect(history.steps).toBe(6)
    expect(open).toBe(0)
  })

  test('reads ahead while it trains, no further than asked', async () => {
    const source = fromArrays(data)
    let [read, used, ahead] = [0, 0, 0]
    const slow = {
      length: source.length,
      async get(i: number) {
        read++
        await new Promise((resolve) => setTimeout(resolve, 1))
        return source.get(i)
      },
    }
    const model = classifier()
    await fit(model, new DataLoader(slow, { batchSize: 5, prefetch: 2 }), {
      ...options(model),
      callbacks: [
        {
          onBatchEnd: () => {
            used += 5
            ahead = Math.max(ahead, read - used)
          },
        },
      ],
    })
    expect(ahead).toBe(10)
  })
})

describe('a resumed run goes on bit by bit', () => {
  const kinds: Record<
    string,
    { readonly source: StreamSource<Example> | ReturnType<typeof fromArrays>; readonly fit: Partial<FitOptions> }
  > = {
    'a source read by number': { source: fromArrays(data), fit: { epochs: 2 } },
    'a stream': { source: stream, fit: { epochs: 2 } },
    'epochs cut out of a stream': { source: stream, fit: { epochs: 3, stepsPerEpoch: 5 } },
    'a source with damaged examples': {
      source: {
        length: data.length,
        get: (i) => (i % 7 === 3 ? label(-0.5) : fromArrays(data).get(i)) as Example,
      },
      fit: { epochs: 2 },
    },
  }

  it.each(Object.keys(kinds))('%s', async (kind) => {
    const loading: LoaderOptions<Example, Example, ClassBatch> = {
      batchSize: 8,
      shuffle: true,
      seed: 5,
      buffer: 11,
      prefetch: 1,
      transform: shaken,
      batchTransform: mixup({ classes: 3 }),
      onError: 'skip',
    }
    const run = async (resume?: TrainingState) => {
      // A resumed run starts from other weights and draws, which must not matter.
      manualSeed(resume ? 99 : 7)
      const model = new Sequential(new Linear(2, 8), new ReLU(), new Dropout(0.3), new Linear(8, 3))
      const [losses, states]: [number[], TrainingState[]] = [[], []]
      let capture: (() => TrainingState) | undefined
      const loader = new DataLoader<Example, Example, ClassBatch>(kinds[kind].source, loading)
      const history = await fit(model, loader, {
        ...options(model),
        ...kinds[kind].fit,
        callbacks: [
          {
            onTrainBegin: (info) => {
              capture = info.capture
            },
            onBatchEnd: ({ batchLoss }) => {
              losses.push(batchLoss)
              if (capture) states.push(capture())
            },
          },
        ],
        ...(resume ? { resume } : {}),
      })
      return { losses, states, epochs: history.epochs.map((e) => e.train), weights: weightsOf(model) }
    }
    const whole = await run()
    for (const [taken, state] of whole.states.entries()) {
      if (taken % 4 !== 2) continue
      const kept = { ...state, progress: fromJson(toJson(state.progress)) as TrainingState['progress'] }
      const rest = await run(kept)
      expect(rest.losses).toEqual(whole.losses.slice(taken + 1))
      expect(rest.weights).toEqual(whole.weights)
      expect(rest.epochs).toEqual(whole.epochs)
    }
  })

  test('only with the loader that it had', async () => {
    const model = classifier()
    let state: TrainingState | undefined
    const keep: Callback = {
      onTrainBegin: ({ capture }) => {
        state = capture()
      },
    }
    await fit(model, new DataLoader(stream, { batchSize: 8, buffer: 5 }), { ...options(model), callbacks: [keep] })
    const other = new DataLoader(stream, { batchSize: 8, buffer: 6 })
    await expect(fit(model, other, { ...options(model), ...(state ? { resume: state } : {}) })).rejects.toThrow(
      'buffer was 5 and is 6',
    )
  })
})

describe('errors', () => {
  const train = (loader: unknown, more: Partial<FitOptions> = {}) => {
    const model = classifier()
    return expect(fit(model, loader as DataLoader<Example>, { ...options(model), ...more })).rejects
  }
  const of = (length: number, get: (i: number) => Record<string, unknown>) => ({ length, get })
  const point = (n = 2): Item => ({ data: new Float32Array(n), shape: [n] })

  test('batches without x and y, or with other things in them', async () => {
    await train(new DataLoader(of(3, () => ({ x: point(), label: label(1) })))).toThrow(
      'fit: a batch must have x and y, but one has only x, label. Name the fields x and y in transform, or with collate.',
    )
    await train(new DataLoader(of(3, () => ({ x: point(), y: 'cat' })))).toThrow(
      'y of a batch must be numbers with a shape; received a list of 3 (first: string)',
    )
    const sizes = { collate: () => ({ x: { data: new Float32Array(4), shape: [2, 2] }, y: point(3) }) }
    await train(
      new DataLoader(
        of(3, () => ({ x: point() })),
        sizes,
      ),
    ).toThrow('x and y of a batch must be [B, …] with the same B of at least 1; received x [2, 2] and y [3]')
    const short = { collate: () => ({ x: { data: new Float32Array(3), shape: [2, 2] }, y: point(2) }) }
    await train(
      new DataLoader(
        of(3, () => ({ x: point() })),
        short,
      ),
    ).toThrow('x of a batch holds 3 values, but its shape is [2, 2]')
  })

  test('examples of different shapes', async () => {
    await train(new DataLoader(of(3, (i) => ({ x: point(i + 1), y: label(0) })))).toThrow(
      'collate: x is float32 [1] in example 0 of the batch and float32 [2] in example 1',
    )
  })

  test('streams that give nothing, at once or when read again', async () => {
    await train(new DataLoader({ stream: () => [] })).toThrow('fit: the data gave no batch in pass 1.')
    await train(
      new DataLoader({ stream: () => [{ x: point(), y: label(0) }] }, { batchSize: 2, dropLast: true }),
    ).toThrow('with dropLast as many as the batch size')
    const once = stream.stream(1)
    const spent = new DataLoader({ stream: () => once }, { batchSize: 25 })
    await train(spent, { epochs: 2 }).toThrow('in pass 2. A stream must begin anew whenever stream() is called.')
    const spentToo = stream.stream(1)
    await train(new DataLoader({ stream: () => spentToo }, { batchSize: 25 }), { stepsPerEpoch: 1, epochs: 3 }).toThrow(
      'in pass 2.',
    )
    await expect(
      evaluate(classifier(), new DataLoader<Example>({ stream: () => [] }), { loss: crossEntropy }),
    ).rejects.toThrow('evaluate: the data gave no batch')
  })

  test('options that are the loader’s, schedules without an end', async () => {
    const loader = new DataLoader(stream, { batchSize: 8 })
    await train(loader, { batchSize: 8, seed: 1 }).toThrow('received batchSize, seed beside a DataLoader')
    await train(loader, { schedule: (step, steps) => step / steps }).toThrow('the number of steps, which is unknown')
    await train(loader, { stepsPerEpoch: 0 }).toThrow('stepsPerEpoch must be a whole number of at least 1')
  })

  test('a loss that is no number names the examples', async () => {
    const bad = 17
    const source = fromArrays(data)
    const poisoned = {
      length: source.length,
      get: async (i: number): Promise<Example> =>
        i === bad
          ? { ...(await source.get(i)), x: { data: Float32Array.of(Number.NaN, 1), shape: [2] } }
          : source.get(i),
    }
    await train(new DataLoader(poisoned, { batchSize: 8, shuffle: true })).toThrow(`example ${bad}`)
    await train(new DataLoader(poisoned, { batchSize: 8 }), { stepsPerEpoch: 2, epochs: 3 }).toThrow(`example ${bad}`)
    const streamed: StreamSource<Example> = {
      async *stream() {
        for (let i = 0; i < poisoned.length; i++) yield poisoned.get(i)
      },
    }
    // Nobody numbers the examples of a stream.
    await train(new DataLoader(streamed, { batchSize: 8 })).toThrow(
      'in step 3 of epoch 1, the inputs of example 1 of the batch',
    )
  })
})
