/** @file Logs of a run: JSON lines, and TensorBoard's event files, read back record by record. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BinaryReader } from '@bufbuild/protobuf/wire'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { manualSeed, setDefaultDevice } from '../../src/index.ts'
import { crossEntropy } from '../../src/loss/index.ts'
import { Linear, ReLU, Sequential } from '../../src/nn/index.ts'
import { type RunLogOptions, runLog } from '../../src/node/run-log.ts'
import { SGD } from '../../src/optim/index.ts'
import { InterpDevice } from '../../src/plan/interp.ts'
import { crc32c } from '../../src/train/crc32c.ts'
import { type Callback, type FitOptions, fit, type History, type TrainingState } from '../../src/train/index.ts'
import { corners } from '../train/problems.ts'

let directory = ''

beforeEach(() => {
  setDefaultDevice(new InterpDevice())
  manualSeed(0)
  directory = mkdtempSync(join(tmpdir(), 'glia-log-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

async function train(more: Partial<FitOptions> = {}, log: RunLogOptions = {}, extra: Callback = {}): Promise<History> {
  const model = new Sequential(new Linear(2, 4), new ReLU(), new Linear(4, 3))
  return fit(model, corners(40), {
    loss: crossEntropy,
    optimizer: new SGD(model.parameters(), { lr: 0.1 }),
    batchSize: 10,
    epochs: 2,
    validation: corners(20, 2),
    validateEvery: 3,
    watch: 4,
    callbacks: [runLog(directory, log), extra],
    ...more,
  })
}

type Line = { step: number; loss?: number; train?: unknown; val?: unknown; layers?: unknown }
const lines = (): Line[] =>
  readFileSync(join(directory, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((l) => JSON.parse(l))

describe('metrics.jsonl', () => {
  it('tells steps, validations, epochs and layers', async () => {
    const history = await train()
    const all = lines()
    expect(all.filter((l) => l.loss !== undefined).map((l) => l.step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(all.filter((l) => l.train).map((l) => l.train)).toEqual(history.epochs.map((e) => e.train))
    expect(all.filter((l) => l.val && !l.train).map((l) => l.step)).toEqual([3, 6])
    expect(all.filter((l) => l.layers).map((l) => l.step)).toEqual([4, 8])
  })

  it('tells each step once when a run is resumed', async () => {
    const whole = await train()
    const all = lines().map(({ loss, step }) => ({ loss, step }))
    manualSeed(0)
    let capture: () => TrainingState = () => {
      throw new Error('not begun')
    }
    let state: TrainingState | undefined
    const keep: Callback = {
      onTrainBegin: (info) => {
        capture = info.capture
      },
      onBatchEnd: ({ total }) => {
        if (total === 5) state = capture()
      },
    }
    await train({}, {}, keep)
    expect(state?.progress.steps).toBe(5)
    const again = await train(state ? { resume: state } : {})
    expect(again.epochs[1].train).toEqual(whole.epochs[1].train)
    expect(lines().map(({ loss, step }) => ({ loss, step }))).toEqual(all)
  })

  it('a disk without room is reported once, and training goes on', async () => {
    const reports: string[] = []
    const append = (): void => {
      throw new Error('ENOSPC: no space left on device')
    }
    const history = await train({}, { append, report: (m) => void reports.push(m) })
    expect(history.steps).toBe(8)
    expect(reports).toHaveLength(1)
    expect(reports[0]).toMatch(/metrics\.jsonl cannot be written: ENOSPC: .*\. Training goes on\.$/)
  })
})

interface Event {
  time: number
  step: number
  version?: string
  session?: number
  values: Record<string, number>
}

/** Reads one message of the event protocol. */
function event(bytes: Uint8Array): Event {
  const out: Event = { time: 0, step: 0, values: {} }
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    if (field === 1) out.time = reader.double()
    else if (field === 2) out.step = Number(reader.int64())
    else if (field === 3) out.version = reader.string()
    else if (field === 5) Object.assign(out.values, summary(reader.bytes()))
    else if (field === 7) {
      const session = new BinaryReader(reader.bytes())
      expect(session.tag()[0]).toBe(1)
      out.session = session.int32()
    } else reader.skip(type)
  }
  return out
}

function summary(bytes: Uint8Array): Record<string, number> {
  const values: Record<string, number> = {}
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    expect(reader.tag()[0]).toBe(1)
    const value = new BinaryReader(reader.bytes())
    expect(value.tag()[0]).toBe(1)
    const tag = value.string()
    expect(value.tag()[0]).toBe(2)
    values[tag] = value.float()
  }
  return values
}

function events(): Event[] {
  const [name] = readdirSync(directory).filter((n) => n.startsWith('events.out.tfevents.'))
  const bytes = new Uint8Array(readFileSync(join(directory, name)))
  const view = new DataView(bytes.buffer)
  const unmask = (masked: number): number => {
    const rotated = (masked - 0xa282ead8) >>> 0
    return ((rotated >>> 17) | (rotated << 15)) >>> 0
  }
  const all: Event[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = Number(view.getBigUint64(at, true))
    expect(unmask(view.getUint32(at + 8, true))).toBe(crc32c(bytes.subarray(at, at + 8)))
    const content = bytes.subarray(at + 12, at + 12 + length)
    expect(unmask(view.getUint32(at + 12 + length, true))).toBe(crc32c(content))
    all.push(event(content))
    at += 16 + length
  }
  return all
}

describe("TensorBoard's events", () => {
  it('hold the version, the start, and every number by tag and step', async () => {
    const history = await train()
    const [version, session, ...rest] = events()
    expect(version.version).toBe('brain.Event:2')
    expect([session.session, session.step]).toEqual([1, 1])
    const of = (tag: string): [number, number][] =>
      rest.flatMap((e): [number, number][] => (tag in e.values ? [[e.step, e.values[tag]]] : []))
    expect(of('train/batch_loss').map(([step]) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
    expect(of('train/loss')).toEqual([
      [4, Math.fround(history.epochs[0].train.loss)],
      [8, Math.fround(history.epochs[1].train.loss)],
    ])
    expect(of('validation/accuracy').map(([step]) => step)).toEqual([3, 4, 6, 8])
    expect(of('gradient/0.weight').map(([step]) => step)).toEqual([4, 8])
    expect(of('silent/1')).toHaveLength(2)
    expect(Math.abs(rest[0].time - Date.now() / 1000)).toBeLessThan(120)
  })
})
