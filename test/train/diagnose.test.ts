/** @file Diagnoses of real trainings: those that provoke a case, those that go well, and nets in trouble. */

import { beforeEach, describe, expect, it } from 'vitest'
import { arrayDataset } from '../../src/data/index.ts'
import { createDeviceSync, setDefaultDevice } from '../../src/index.ts'
import { crossEntropy, mse } from '../../src/loss/index.ts'
import {
  baselineLoss,
  diagnose,
  diagnosisText,
  type EpochRecord,
  type Finding,
  type Loss,
} from '../../src/train/index.ts'
import { line } from './problems.ts'
import { healthy, type Provoked, provoking, troubled } from './provoked.ts'

beforeEach(() => {
  setDefaultDevice(createDeviceSync('wasm', { threads: 1 }))
})

async function findings(training: Promise<Provoked>): Promise<Finding[]> {
  const { history, loss, data } = await training
  const baseline = await baselineLoss(loss, data)
  return diagnose({ ...history, ...(baseline === null ? {} : { baseline }) })
}

const SEEDS = [1, 3]

describe('curves that show a case', () => {
  it.each(Object.keys(provoking))('%s', async (name) => {
    for (const seed of SEEDS) {
      const found = await findings(provoking[name](seed))
      expect(found.map((f) => f.case)[0]).toBe(name.split(':')[0])
      expect(found[0].evidence).toMatch(/\d.*\.$/)
      expect(found[0].advice.length).toBeGreaterThan(1)
    }
  })

  it('name the epoch from which on it holds', async () => {
    const { history } = await provoking['overfitting: wrong labels, learned by heart'](1)
    const [{ epoch = 0 }] = diagnose(history)
    const losses = history.epochs.map((e) => e.val?.loss ?? 0)
    expect(Math.abs(epoch - 2 - losses.indexOf(Math.min(...losses)))).toBeLessThan(3)
  })
})

describe('healthy curves', () => {
  it.each(Object.keys(healthy))('%s: nothing to object to', async (name) => {
    for (const seed of SEEDS) expect(await findings(healthy[name](seed))).toEqual([])
  })
})

describe('layers', () => {
  it.each(Object.keys(troubled))('%s', async (name) => {
    const found = await findings(troubled[name](1))
    expect(found.map((f) => f.case)).toContain(name)
  })
})

describe('short and odd histories', () => {
  const epochs = (train: number[], val?: number[]): EpochRecord[] =>
    train.map((loss, i) => ({
      epoch: i + 1,
      train: { loss },
      ...(val?.[i] === undefined ? {} : { val: { loss: val[i] } }),
      seconds: 1,
      rate: 1,
      lr: 1,
    }))

  it('nothing is said of what is not there', () => {
    expect(diagnose({ epochs: [] })).toEqual([])
    expect(diagnose({ epochs: epochs([0.4]), start: 2.3 })).toEqual([])
    expect(diagnose({ epochs: epochs([1, 0.5], [1.2, 0.9]), start: 2.3 })).toEqual([])
  })

  it('what early stopping has mended is still told, without the advice to stop', () => {
    const curves = epochs([2, 1.6, 1.2, 0.9, 0.7, 0.5, 0.4], [2, 1.5, 1.4, 1.5, 1.8, 2.1, 2.3])
    const [without] = diagnose({ epochs: curves, start: 2.3 })
    const [kept] = diagnose({ epochs: curves, start: 2.3, kept: 3 })
    expect([without.case, kept.case]).toEqual(['overfitting', 'overfitting'])
    expect(kept.evidence).toBe(`${without.evidence} The model has the weights of epoch 3, from before that.`)
    expect(kept.advice).toEqual(without.advice.slice(1))
  })

  it('one bad epoch makes no unrepresentative validation set, many do', () => {
    const train = Array.from({ length: 12 }, (_, i) => 0.02 + 0.1 * 0.6 ** i)
    const val = train.map((loss) => loss + 0.005)
    const one = val.with(6, val[6] + 0.04)
    const many = val.map((loss, i) => loss + 0.02 * ((i * i) % 5))
    expect(diagnose({ epochs: epochs(train, one), start: 0.2 })).toEqual([])
    expect(diagnose({ epochs: epochs(train, many), start: 0.2 }).map((f) => f.case)).toEqual([
      'unrepresentative validation set',
    ])
  })

  it('an interrupted run may lack its last validation', () => {
    const train = [2, 1.6, 1.2, 0.9, 0.7, 0.5, 0.4]
    const found = diagnose({ epochs: epochs(train, [2, 1.5, 1.4, 1.5, 1.8, 2.1]), start: 2.3 })
    expect(found.map((f) => f.case)).toEqual(['overfitting'])
  })
})

describe('baselineLoss', () => {
  it('is the entropy of classes, the variance of numbers', async () => {
    const x = { data: new Float32Array(4), shape: [1] }
    const classes = arrayDataset({ x, y: { data: Int32Array.of(0, 0, 0, 2), shape: [] } })
    const entropy = -(0.75 * Math.log(0.75) + 0.25 * Math.log(0.25))
    expect(await baselineLoss(crossEntropy, classes)).toBeCloseTo(entropy, 4)
    const numbers = arrayDataset({ x, y: { data: Float32Array.of(1, 3, 5, 7), shape: [1] } })
    expect(await baselineLoss(mse, numbers)).toBeCloseTo(5, 5)
  })

  it('is null where the loss takes something else', async () => {
    const strange: Loss = (output) => output.reshape([17]).sum()
    expect(await baselineLoss(strange, line(4))).toBeNull()
  })
})

describe('diagnosisText', () => {
  it('says what it is, how one can tell, and what to do', () => {
    const finding: Finding = {
      case: 'overfitting',
      epoch: 4,
      evidence: 'It rises.',
      advice: ['Stop sooner.', 'Or later.'],
    }
    expect(diagnosisText([finding])).toBe('Overfitting (from epoch 4)\n  It rises.\n  - Stop sooner.\n  - Or later.')
    expect(diagnosisText([])).toMatch(/^Nothing to object to/)
    const long = diagnosisText([{ ...finding, evidence: 'word '.repeat(60).trim() }], 40)
    expect(Math.max(...long.split('\n').map((l) => l.length))).toBeLessThanOrEqual(40)
  })
})
