import { describe, expect, it } from 'vitest'
import type { Node } from '../../src/graph/node.ts'
import { ops as o } from '../../src/graph/ops.ts'
import { createDeviceSync } from '../../src/plan/create.ts'

const device = createDeviceSync('wasm', { threads: 1 })

function values(nodes: readonly Node[]): number[][] {
  device.realise(nodes)
  return nodes.map((n) => Array.from(n.as('data').values))
}

const padding = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 0, 0.1]
const row = (): Node => o.data(Float32Array.of(1), [1])

describe('what differs in its attributes alone stays apart', () => {
  it('within a graph', () => {
    const x = row()
    const padded = values(padding.map((v) => o.pad(x, [1], [0], [0], v)))
    expect(padded).toEqual(padding.map((v) => [Math.fround(v), 1]))
  })

  it('from run to run', () => {
    for (const v of padding) expect(values([o.pad(row(), [1], [0], [0], v)])).toEqual([[Math.fround(v), 1]])
  })

  it('host functions of one name', () => {
    for (const k of [2, 3]) {
      const fn = {
        name: 'times',
        run: ([x]: readonly { data: ArrayLike<number> }[], [y]: readonly { data: { set(v: number[]): void } }[]) =>
          y.data.set(Array.from(x.data, (v) => v * k)),
      }
      expect(values(o.hostCall([row()], { fn, outputs: [{ shape: [1], dtype: 'float32' }] }))).toEqual([[k]])
    }
  })
})

it('calls a host function as often as the graph does', () => {
  let calls = 0
  const fn = { name: 'count', run: () => void calls++ }
  const x = row()
  const outputs = [{ shape: [1], dtype: 'float32' as const }]
  values([...o.hostCall([x], { fn, outputs }), ...o.hostCall([x], { fn, outputs })])
  expect(calls).toBe(2)
})
