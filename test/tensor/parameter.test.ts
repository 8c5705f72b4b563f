/** @file Tensors that change: what reading, assigning and failing do to parameters and buffers. */
import { beforeEach, describe, expect, it } from 'vitest'
import { Buffer, compile, noGrad, Parameter, rand, setDefaultDevice, tensor, zeros } from '../../src/index.ts'
import { BatchNorm2d, Embedding } from '../../src/nn/index.ts'
import { SGD } from '../../src/optim/index.ts'
import { InterpDevice } from '../../src/plan/interp.ts'
import { devices } from '../support/devices.ts'

describe.each(devices)('on %s', (_, device) => {
  beforeEach(() => setDefaultDevice(device))

  it('captures the value of the moment', () => {
    const w = new Parameter(tensor([1]))
    const before = w.mul(10)
    const saved = w.snapshot()
    w.set([2])
    expect([before.itemSync(), saved.itemSync(), w.mul(10).itemSync()]).toEqual([10, 1, 20])
    noGrad(() => w.assign(w.mul(3)))
    expect([w.itemSync(), w.requiresGrad]).toEqual([6, true])
    expect(() => w.assign(zeros([2]))).toThrow(/received shape \[2\], but it holds \[1\]/)
  })

  it('computes no initial value to tell a shape, nor to be given another value', () => {
    const w = new Parameter(rand([2, 3]))
    expect([w.shape, w.dtype, w.size]).toEqual([[2, 3], 'float32', 6])
    expect(w.cell.value.op).not.toBe('data')
    w.set([1, 2, 3, 4, 5, 6])
    expect(w.arraySync()).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ])
  })

  it('names the value that a compiled step has overwritten', () => {
    const w = new Parameter(tensor([1]), { name: 'w' })
    const step = compile(() => {
      noGrad(() => w.assign(w.add(1)))
      return w.add(0)
    })
    step()
    const stale = w.mul(10)
    const kept = w.snapshot()
    expect(step().itemSync()).toBe(3)
    // The oracle writes fresh storage at every step; the others update in place.
    if (device.name === 'interp') expect(stale.itemSync()).toBe(20)
    else expect(() => stale.itemSync()).toThrow(/w has been overwritten by a compiled step/)
    expect(kept.itemSync()).toBe(2)
    w.set([7])
    expect(step().itemSync()).toBe(8)
  })

  it('puts buffers back when a run fails', () => {
    const norm = new BatchNorm2d(1)
    const table = new Embedding(2, 4)
    const optimizer = new SGD([...norm.parameters(), ...table.parameters()], { lr: 1 })
    const run = (index: number): void => {
      const x = table.forward(tensor([[index, 0]], { dtype: 'int32' })).unsqueeze(1)
      optimizer.minimize(norm.forward(x).square().sum())
    }
    run(1)
    const [mean, weight] = [norm.running_mean?.itemSync(), norm.weight?.itemSync()]
    expect(() => run(5)).toThrow(/embedding/)
    expect([norm.running_mean?.itemSync(), norm.weight?.itemSync(), norm.num_batches_tracked?.itemSync()]).toEqual([
      mean,
      weight,
      1,
    ])
    run(1)
    expect(norm.num_batches_tracked?.itemSync()).toBe(2)
  })

  it('moves between devices', () => {
    const other = new InterpDevice()
    const w = new Parameter(tensor([1, 2]))
    w.moveTo(other)
    expect(w.add(tensor([1, 1], { device: other })).arraySync()).toEqual([2, 3])
    expect(() => w.add(tensor([1, 1], { device }))).toThrow(/two devices/)
  })

  it('changes buffers only where that makes sense', () => {
    const b = new Buffer(zeros([2]))
    b.assign(b.add(1))
    b.assign(b.add(1))
    expect([b.arraySync(), b.requiresGrad]).toEqual([[2, 2], false])
    expect(() => new Parameter(tensor([1], { dtype: 'int32' }))).toThrow(/only float tensors/)
  })
})
