import { describe, expect, it } from 'vitest'
import { median, Results } from '../../bench/report.ts'

describe('median', () => {
  it('is the middle value, or the mean of the two in the middle', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(median([100, 9, 8])).toBe(9)
  })
})

describe('Results', () => {
  const results = new Results()
  for (const ms of [2, 1, 3]) results.add({ workload: 'a', peer: 'glia wasm', ms, flops: 6e6 })
  results.add({ workload: 'a', peer: 'glia avx2', ms: 0.5 })
  for (const ms of [10, 8]) results.add({ workload: 'a', peer: 'torch 1', ms })
  results.add({ workload: 'a', peer: 'jax', error: 'cannot' })
  results.add({ workload: 'b', peer: 'torch 1', ms: 7 })
  results.probe('torch 1', (2 * 2048 ** 3) / 60e6)
  results.probe('glia wasm', (2 * 2048 ** 3) / 30e6)

  it('divides the medians of peers by those of every target', () => {
    const common = { workload: 'a', peer: 'torch 1', peer_ms: 9 }
    expect(results.ratios()).toEqual([
      { ...common, target: 'wasm', glia_ms: 2, ratio: 4.5 },
      { ...common, target: 'avx2', glia_ms: 0.5, ratio: 18 },
    ])
  })

  it('prints a table with a column for each target and shares of the peak', () => {
    expect(results.table()).toBe(
      [
        '| workload | peer | ms | GFLOP/s | of peak | ÷ glia wasm | ÷ glia avx2 |',
        '|---|---|--:|--:|--:|--:|--:|',
        '| a | glia wasm | 2.000 | 3 | 5 % | 1.00 | 4.00 |',
        '| a | glia avx2 | 0.500 | 12 | 20 % | 0.25 | 1.00 |',
        '| a | torch 1 | 9.000 | 1 | 1 % | 4.50 | 18.00 |',
        '| b | torch 1 | 7.000 |  |  |  |  |',
        '',
        'Peak: 60 GFLOP/s, the fastest matmul_2048 (torch 1).',
      ].join('\n'),
    )
  })
})
