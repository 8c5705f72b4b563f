/** @file First values of what a compiled step keeps in the device's memory. */
import { describe, expect, it } from 'vitest'
import {
  compile,
  createDeviceSync,
  full,
  manualSeed,
  Parameter,
  randn,
  setDefaultDevice,
  type Tensor,
  tensor,
} from '../../src/index.ts'
import { Linear } from '../../src/nn/index.ts'
import { Adam } from '../../src/optim/index.ts'
import { uniformValue } from '../../src/plan/residents.ts'

describe('cells of a compiled step', () => {
  const device = createDeviceSync('wasm', { threads: 2 })
  setDefaultDevice(device)
  const bytesOf = (name: string): number | undefined => device.memory().cells.find((c) => c.name === name)?.bytes

  it('are computed where they live: nothing of their first values is on the host', () => {
    manualSeed(4)
    const x = randn([3, 30]).realise()
    const init = randn([30, 20])
    const [w, other] = [new Parameter(init, { name: 'own' }), new Parameter(init, { name: 'twin' })]
    const step = compile((x: Tensor) => {
      const y = x.matmul(w).add(other.sum())
      w.assign(w.mul(2))
      return y
    })
    const first = step(x).arraySync()
    expect(init.node.op).not.toBe('data')
    expect(bytesOf('own')).toBe(2400)
    expect(bytesOf('twin')).toBe(2400)
    // Whoever holds the expression computes it once more, with the same numbers.
    expect(x.matmul(init).add(init.sum()).arraySync()).toEqual(first)
    expect(other.arraySync()).toEqual(init.arraySync())
    expect(w.arraySync()).toEqual(init.mul(2).arraySync())
  })

  it('are filled there where all their numbers are equal', () => {
    const cells = [0, -0, 1.5, Number.NaN].map((value, i) => new Parameter(full([5, 7], value), { name: `full ${i}` }))
    const step = compile(() => cells.map((c) => c.mul(1)))
    for (const cell of cells) expect(uniformValue(cell.cell.value)).not.toBe(null)
    const results = step().map((t) => Array.from(t.dataSync()))
    expect(results).toEqual([0, -0, 1.5, Number.NaN].map((value) => new Array(35).fill(value)))
    expect(bytesOf('full 3')).toBe(140)
  })

  it('keep what depends on another cell, whose value they must not lose', () => {
    const w = new Parameter(tensor([1, 2, 3]), { name: 'source' })
    compile((x: Tensor) => {
      w.assign(w.add(x))
      return null
    })(1)
    const copy = w.mul(10)
    const kept = new Parameter(copy, { name: 'copy' })
    const step = compile((x: Tensor) => {
      w.assign(w.add(x))
      return kept.sum()
    })
    expect(step(1).itemSync()).toBe(90)
    expect(copy.arraySync()).toEqual([20, 30, 40])
  })

  it('start anew after a first run that failed', () => {
    const w = new Parameter(tensor([[1], [2]]).indexSelect(0, tensor([0, 5], { dtype: 'int32' })), { name: 'broken' })
    const step = compile((x: Tensor) => w.add(x))
    const before = device.memory().cells.length
    expect(() => step(1)).toThrow(/index 5 is out of range/)
    expect(device.memory().cells).toHaveLength(before)
    w.assign(tensor([[5], [6]]))
    expect(step(1).arraySync()).toEqual([[6], [7]])
  })

  it('include states that an optimizer makes while the step is recorded', () => {
    manualSeed(8)
    const layer = new Linear(12, 5)
    const optimizer = new Adam(layer.parameters(), { lr: 0.1 })
    const step = compile((x: Tensor) => {
      const loss = layer.call(x).square().sum()
      optimizer.minimize(loss)
      return loss
    })
    const x = randn([4, 12]).realise()
    step(x)
    expect(device.memory().cells.filter(({ bytes }) => bytes === 240).length).toBeGreaterThanOrEqual(3)
    const state = optimizer.stateDict()
    expect(state['0.exp_avg'].shape).toEqual([5, 12])
    expect(state['0.exp_avg'].abs().sum().itemSync()).toBeGreaterThan(0)
  })
})
