/** @file What people see of a training. */

import { describe, expect, it } from 'vitest'
import type { BatchInfo, EpochInfo } from '../../src/train/index.ts'
import { progressBar } from '../../src/train/index.ts'
import { barLine, duration, epochLine, scores } from '../../src/train/progress.ts'

const batch: BatchInfo = {
  epoch: 2,
  epochs: 10,
  step: 156,
  total: 469,
  steps: 313,
  loss: 0.12345,
  metrics: { accuracy: 0.98765 },
  batchLoss: 0.2,
  lr: 0.001,
  rate: 12_345.6,
  seconds: 0.4,
  eta: 0.41,
  stop: () => {},
}
const epoch: EpochInfo = {
  epoch: 2,
  epochs: 10,
  train: { loss: 0.5, accuracy: 0.75 },
  val: { loss: 0.25, accuracy: 0.875 },
  seconds: 61,
  rate: 1000,
  lr: 0.001,
  stop: () => {},
}

describe('lines', () => {
  it('show the epoch, a bar, the share, the time left, the rate, metrics and loss', () => {
    const line = barLine(batch, 100)
    expect(line).toMatch(
      /^Epoch {2}2\/10 ▕█+[▏▎▍▌▋▊▉]? *▏ {2}49 % {2}0\.4 s left {2}12,346\/s {2}loss 0\.1235 {2}accuracy 98\.77 %$/,
    )
  })

  it('stay within the width', () => {
    for (const width of [10, 40, 79, 80, 120, 300]) expect(barLine(batch, width).length).toBeLessThanOrEqual(width)
    expect(barLine({ ...batch, step: 313 }, 120)).toContain('100 %')
  })

  it('sum an epoch up', () => {
    expect(epochLine(epoch)).toBe(
      'Epoch  2/10   1:01    1,000/s  loss 0.5000  accuracy 75.00 %  ·  validation loss 0.2500  accuracy 87.50 %',
    )
    const { val: _, ...without } = epoch
    expect(epochLine(without)).not.toContain('validation')
  })

  it('tell durations as people do', () => {
    expect([0, 0.04, 9.94, 9.96, 59.4, 59.6, 125, 3725, Infinity].map(duration)).toEqual([
      '0.0 s',
      '0.0 s',
      '9.9 s',
      '10 s',
      '59 s',
      '1:00',
      '2:05',
      '1:02:05',
      '?',
    ])
  })

  it('give shares in percent and the rest as numbers', () => {
    expect(scores({ loss: 1, 'top-5 accuracy': 0.5, perplexity: 12.3456 })).toBe(
      'loss 1.0000  top-5 accuracy 50.00 %  perplexity 12.35',
    )
  })
})

describe('progressBar', () => {
  function show(live: boolean): string {
    const out: string[] = []
    const bar = progressBar({ write: (text) => void out.push(text), live, columns: () => 90 })
    bar.onBatchEnd?.(batch)
    bar.onBatchEnd?.({ ...batch, step: 157 })
    bar.onBatchEnd?.({ ...batch, step: 313 })
    bar.onEpochEnd?.(epoch)
    bar.onTrainEnd?.({ epochs: [], steps: 1, stopped: true, seconds: 1 })
    return out.join('')
  }

  it('draws over itself in a terminal, not at every step', () => {
    const text = show(true)
    expect(text.match(/49 %/g)).toHaveLength(1)
    expect(text).toContain('\r\x1b[KEpoch  2/10   1:01')
    expect(text.split('\n')).toHaveLength(2)
  })

  it('writes plain lines elsewhere', () => {
    expect(show(false)).toBe(`${epochLine(epoch)}\n`)
  })
})
