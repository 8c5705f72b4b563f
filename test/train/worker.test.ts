/** @file Trainings in workers: what comes back is what the same training in this thread gives. */

import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDeviceSync, manualSeed, setDefaultDevice } from '../../src/index.ts'
import {
  type BatchInfo,
  type Callback,
  fit,
  fitInWorker,
  type History,
  NotFiniteError,
  TrainControl,
  type TrainInfo,
} from '../../src/train/index.ts'
import { weightsOf } from './problems.ts'
import { type Input, make, makeModel } from './workers/corners.ts'

const root = join(import.meta.dirname, '../..')
// Within the project, where the programs find what they import.
const home = mkdtempSync(join(root, 'node_modules', '.glia-workers-'))
const program = (name: string): URL => pathToFileURL(join(home, `${name}.mjs`))
const corners = program('corners')

beforeAll(async () => {
  setDefaultDevice(createDeviceSync('wasm', { threads: 1 }))
  await build({
    entryPoints: ['corners', 'silent', 'late'].map((name) => join(import.meta.dirname, 'workers', `${name}.ts`)),
    outdir: home,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'error',
  })
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

const device = { target: 'wasm', threads: 1 } as const
const input: Input = { examples: 30, epochs: 3 }

function fresh(): ReturnType<typeof makeModel> {
  manualSeed(5)
  return makeModel()
}

/** What takes another time at each run. */
function timeless({ seconds: _, epochs, ...rest }: History): object {
  return { ...rest, epochs: epochs.map(({ seconds: _, rate: __, ...epoch }) => epoch) }
}

describe('fitInWorker', () => {
  it('gives the weights and the history of fit, to the bit', async () => {
    const here = fresh()
    const { data, options, model } = await make(input)
    // As fitInWorker does: the caller's weights, and random numbers from where the caller's model left them.
    manualSeed(5)
    makeModel()
    for (const [i, p] of model.parameters().entries()) p.set(here.parameters()[i].dataSync())
    const known = await fit(model, data, options)

    const caller = fresh()
    const history = await fitInWorker(corners, { model: caller, input, ...device })
    expect(weightsOf(caller)).toEqual(weightsOf(model))
    expect(timeless(history)).toEqual(timeless(known))
    expect(weightsOf(fresh())).not.toEqual(weightsOf(caller))
  })

  it('leaves the event loop free, and tells callbacks in order', async () => {
    const told: string[] = []
    const infos: { begin?: TrainInfo; last?: BatchInfo } = {}
    let lengths: number[] = []
    const watcher: Callback = {
      onTrainBegin: (info) => {
        infos.begin = info
        told.push('begin')
      },
      onEpochBegin: ({ epoch }) => void told.push(`epoch ${epoch}`),
      onBatchEnd: (info) => {
        infos.last = info
        told.push(`step ${info.total}`)
      },
      onEpochEnd: async ({ epoch }) => {
        lengths = [...lengths, infos.begin?.history().epochs.length ?? -1]
        told.push(`end ${epoch}`)
      },
      onTrainEnd: ({ steps }) => void told.push(`done ${steps}`),
    }
    let ticks = 0
    const timer = setInterval(() => ticks++, 5)
    const history = await fitInWorker(corners, {
      model: fresh(),
      input: { examples: 8, epochs: 2 },
      callbacks: [watcher],
      ...device,
    })
    clearInterval(timer)
    expect(told).toEqual('begin,epoch 1,step 1,step 2,end 1,epoch 2,step 3,step 4,end 2,done 4'.split(','))
    expect(lengths).toEqual([1, 2])
    expect(infos.last).toMatchObject({ steps: 2, epochs: 2, batchLoss: expect.any(Number) })
    expect(infos.begin).toMatchObject({ examples: 8, done: 0 })
    expect(() => infos.begin?.capture()).toThrow('weights and optimizer are in the worker')
    expect(history.epochs[1].val?.accuracy).toBeGreaterThan(0)
    expect(ticks).toBeGreaterThan(1)
  })

  it('stops where a callback says so', async () => {
    const stopAt = (epoch: number): Callback => ({ onEpochEnd: (info) => void (info.epoch === epoch && info.stop()) })
    const options = { input: { examples: 12, epochs: 50 }, callbacks: [stopAt(2)], ...device }
    const history = await fitInWorker(corners, { model: fresh(), ...options })
    expect([history.steps, history.stopped]).toEqual([6, true])
  })

  it('ends when aborted, paused or not, and keeps what was learned', async () => {
    const [abort, control, model] = [new AbortController(), new TrainControl(), fresh()]
    const before = weightsOf(model)
    const seen: number[] = []
    const callbacks: Callback[] = [
      {
        onBatchEnd: ({ total }) => {
          seen.push(total)
          if (total === 3) control.pause()
        },
      },
    ]
    const training = fitInWorker(corners, {
      model,
      input: { examples: 12, epochs: 1e6 },
      callbacks,
      control,
      signal: abort.signal,
      ...device,
    })
    // Paused: at some time, no more steps come.
    let last = -1
    while (seen.length < 3 || last !== seen.length) {
      last = seen.length
      await new Promise((resolve) => setTimeout(resolve, 300))
    }
    control.resume()
    while (seen.length === last) await new Promise((resolve) => setTimeout(resolve, 20))
    control.pause()
    abort.abort()
    const history = await training
    expect(history.stopped).toBe(true)
    expect(history.steps).toBeGreaterThan(last)
    expect(weightsOf(model)).not.toEqual(before)
  })

  it('takes no step if it was aborted before', async () => {
    const model = fresh()
    const history = await fitInWorker(corners, { model, input, signal: AbortSignal.abort(), ...device })
    expect([history.steps, weightsOf(model)]).toEqual([0, weightsOf(fresh())])
  })

  it('trains again in a worker of the caller, one training at a time', async () => {
    const worker = new Worker(corners)
    try {
      const [a, b] = [fresh(), fresh()]
      await fitInWorker(worker, { model: a, input, ...device })
      const options = { model: b, input, ...device }
      const under = fitInWorker(worker, options)
      await expect(fitInWorker(worker, options)).rejects.toThrow('the worker is training already')
      await under
      expect(weightsOf(b)).toEqual(weightsOf(a))
    } finally {
      await worker.terminate()
    }
  })

  it('finds a program that waits before it calls trainingWorker', async () => {
    const model = fresh()
    await fitInWorker(program('late'), { model, input, ...device })
    expect(weightsOf(model)).not.toEqual(weightsOf(fresh()))
  })
})

describe('fitInWorker that fails', () => {
  const failing = (fault: Input['fault'], callbacks: Callback[] = []): Promise<History> =>
    fitInWorker(corners, { model: fresh(), input: { ...input, fault }, callbacks, ...device })

  it('throws what the program throws', async () => {
    await expect(failing('throws')).rejects.toThrow(new RangeError('no such file'))
    await expect(failing('odd')).rejects.toThrow('odd')
  })

  it('throws a NotFiniteError with what it found, and tells callbacks of it', async () => {
    const told: unknown[] = []
    const error = await failing('not finite', [{ onTrainEnd: (_, why) => void told.push(why) }]).catch((e) => e)
    expect(error).toBeInstanceOf(NotFiniteError)
    expect(error.seen.step).toBe(4)
    expect(error.message).toMatch(/^fit: the loss became NaN in epoch 1, step 4 of 8/)
    expect(told).toEqual([error])
  })

  it('throws what a callback throws', async () => {
    const [mistake, told]: [Error, unknown[]] = [new Error('mistake'), []]
    const onTrainEnd: Callback['onTrainEnd'] = (_, why) => void told.push(why)
    for (const event of ['onEpochEnd', 'onBatchEnd', 'onTrainBegin'] as const) {
      const throws = { [event]: () => Promise.reject(mistake), onTrainEnd } as Callback
      const long = { examples: 30, epochs: 1e6 }
      await expect(fitInWorker(corners, { model: fresh(), input: long, callbacks: [throws], ...device })).rejects.toBe(
        mistake,
      )
    }
    expect(told).toEqual([mistake, mistake, mistake])
  })

  it('says why there is no worker, or no training', async () => {
    const model = fresh()
    await expect(failing('exits')).rejects.toThrow(
      'fitInWorker: the worker ended (exit code 7) before its training did',
    )
    await expect(failing('another model')).rejects.toThrow(
      'fitInWorker: the model of the caller does not fit that of the worker: 0.weight has the shape [8, 2] instead of [9, 2].',
    )
    await expect(fitInWorker(program('silent'), { model, input })).rejects.toThrow('must call trainingWorker')
    await expect(fitInWorker(program('missing'), { model, input })).rejects.toThrow(/the worker failed: .*missing\.mjs/)
    const odd = { ...input, fn: () => 1 }
    await expect(fitInWorker(corners, { model, input: odd })).rejects.toThrow('the input cannot be sent to the worker')
  })

  it('does nothing where a training program is imported on the main thread', async () => {
    const { default: same } = await import('./workers/corners.ts')
    expect(same).toBe(make)
  })
})
