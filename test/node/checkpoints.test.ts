/** @file Checkpoints on disk: which are kept, and what happens when writing or reading fails. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { manualSeed, setDefaultDevice } from '../../src/index.ts'
import { crossEntropy } from '../../src/loss/index.ts'
import { type CheckpointOptions, checkpoints, readCheckpoint } from '../../src/node/checkpoints.ts'
import { writeFileAtomic } from '../../src/node/files.ts'
import { SGD } from '../../src/optim/index.ts'
import { InterpDevice } from '../../src/plan/interp.ts'
import { crc32c } from '../../src/train/crc32c.ts'
import { type FitOptions, fit, type History } from '../../src/train/index.ts'
import { decodeState, encodeState } from '../../src/train/state-file.ts'
import { classifier, corners, weightsOf } from '../train/problems.ts'

let directory = ''

beforeEach(() => {
  setDefaultDevice(new InterpDevice())
  directory = mkdtempSync(join(tmpdir(), 'glia-checkpoints-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

async function train(
  options: CheckpointOptions = {},
  more: Partial<FitOptions> = {},
): Promise<{ history: History; weights: number[] }> {
  manualSeed(3)
  const model = classifier()
  const optimizer = new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 })
  const history = await fit(model, corners(40), {
    loss: crossEntropy,
    optimizer,
    batchSize: 10,
    epochs: 5,
    validation: corners(20, 2),
    callbacks: [checkpoints(directory, options)],
    ...more,
  })
  return { history, weights: weightsOf(model) }
}

const files = (): string[] => readdirSync(directory).sort()
const step = (n: number): string => `step-${String(n).padStart(10, '0')}.safetensors`

describe('checkpoints', () => {
  it('keeps the last ones and the best', async () => {
    const { history } = await train({ keep: 2, monitor: 'val.loss', mode: 'max' })
    const losses = history.epochs.map((e) => e.val?.loss ?? 0)
    const best = 4 * (losses.indexOf(Math.max(...losses)) + 1)
    expect(best).toBeLessThan(16)
    expect(files()).toEqual(['best.json', step(best), step(16), step(20)])
    const state = await readCheckpoint(directory, { which: 'best' })
    expect(state?.progress.steps).toBe(best)
    expect((await readCheckpoint(directory))?.progress.steps).toBe(20)
  })

  it('are written every so many steps too', async () => {
    await train({ everySteps: 3, everyEpochs: 5, keep: 100, monitor: 'train.loss', mode: 'max' }, { epochs: 2 })
    // The first epoch is the best so far; the last is always saved.
    expect(files()).toEqual(['best.json', step(3), step(4), step(6), step(8)])
  })

  it('of another run in the same directory are removed', async () => {
    await train({ keep: 9 })
    writeFileSync(join(directory, `.${step(7)}.0123.tmp`), 'half')
    await train({ keep: 9 }, { epochs: 1 })
    expect(files()).toEqual(['best.json', step(4)])
  })

  it('a run goes on from them, and prunes as one that was not interrupted', async () => {
    const whole = await train()
    const kept = files()
    await train({}, { epochs: 3 })
    const resume = await readCheckpoint(directory)
    const rest = await train({}, resume ? { resume } : {})
    expect(rest.weights).toEqual(whole.weights)
    expect(files()).toEqual(kept)
  })

  it('nothing there is no state', async () => {
    expect(await readCheckpoint(directory)).toBeNull()
    expect(await readCheckpoint(join(directory, 'none'))).toBeNull()
  })
})

describe('a full disk', () => {
  const full = (from: number, until: number): Pick<CheckpointOptions, 'write'> => {
    let count = 0
    return {
      write: async (path, bytes) => {
        if (!path.endsWith('.safetensors')) return writeFileAtomic(path, bytes)
        count++
        if (count < from || count >= until) return writeFileAtomic(path, bytes)
        throw Object.assign(new Error(`${path} cannot be written: no space is left on the device.`), { code: 'ENOSPC' })
      },
    }
  }

  it('is reported; training goes on, and the last good checkpoint stays', async () => {
    const reports: string[] = []
    const { history } = await train({ ...full(3, 99), keep: 1, report: (m) => void reports.push(m) })
    expect(history.steps).toBe(20)
    expect(reports).toHaveLength(3)
    expect(reports[0]).toMatch(
      /^The checkpoint of step 12 was not saved: .*no space is left on the device\. Training goes on; the last checkpoint is that of step 8\.$/,
    )
    expect((await readCheckpoint(directory))?.progress.steps).toBe(8)
  })

  it('that has room again is used again', async () => {
    const reports: string[] = []
    await train({ ...full(1, 3), report: (m) => void reports.push(m) })
    expect(reports[0]).toContain('there is no checkpoint so far')
    expect(reports).toHaveLength(2)
    expect((await readCheckpoint(directory))?.progress.steps).toBe(20)
  })
})

describe('a damaged checkpoint', () => {
  it.each([
    ['cut short', (b: Buffer) => b.subarray(0, b.length - 9)],
    ['with a bit flipped in the weights', (b: Buffer) => b.fill(b[b.length - 1] ^ 1, b.length - 1)],
    ['empty', () => Buffer.alloc(0)],
  ])('%s is passed over for the one before', async (_, damage) => {
    await train()
    const path = join(directory, step(20))
    writeFileSync(path, damage(readFileSync(path)))
    const reports: string[] = []
    const state = await readCheckpoint(directory, { report: (m) => void reports.push(m) })
    expect(state?.progress.steps).toBe(16)
    expect(reports).toHaveLength(1)
    expect(reports[0]).toContain(`${step(20)} cannot be used`)
  })

  it('that is the only one is an error', async () => {
    writeFileSync(join(directory, step(4)), 'something else')
    await expect(readCheckpoint(directory)).rejects.toThrow(/There is no checkpoint to go on from: .*cannot be used/)
  })
})

describe('encodeState', () => {
  it('comes back bit by bit, and refuses other files', async () => {
    await train()
    const bytes = readFileSync(join(directory, step(20)))
    const state = decodeState(bytes)
    expect(Buffer.from(encodeState(state)).equals(bytes)).toBe(true)
    const later = { ...state, progress: { ...state.progress, format: 9 } }
    expect(() => decodeState(encodeState(later))).toThrow(/later version of Glia \(format 9/)
  })
})

describe('crc32c', () => {
  it('gives the check values of RFC 3720', () => {
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283)
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa)
    expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43)
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e)
    const all = Uint8Array.from({ length: 37 }, (_, i) => 7 * i)
    expect(crc32c(all.subarray(5), crc32c(all.subarray(0, 5)))).toBe(crc32c(all))
  })
})
