/** @file What tensors are to their users: making, reading, printing, dtypes, errors. */
import { describe, expect, it, vi } from 'vitest'
import {
  arange,
  cat,
  eye,
  full,
  linspace,
  oneHot,
  ones,
  stack,
  type Tensor,
  tensor,
  where,
  zeros,
  zerosLike,
} from '../../src/index.ts'
import { InterpDevice } from '../../src/plan/interp.ts'
import { devices } from '../support/devices.ts'

describe.each(devices)('on %s', (_, device) => {
  const make = (values: Parameters<typeof tensor>[0], dtype?: Tensor['dtype']): Tensor =>
    tensor(values, { device, ...(dtype ? { dtype } : {}) })

  it('is made from nested and typed arrays', async () => {
    const t = make([
      [1, 2, 3],
      [4, 5, 6],
    ])
    expect([t.shape, t.dtype, t.rank, t.size]).toEqual([[2, 3], 'float32', 2, 6])
    expect(await t.array()).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ])
    expect(make(Int32Array.of(1, 2)).dtype).toBe('int32')
    expect(make([true, false]).dtype).toBe('bool')
    expect(tensor(Float64Array.of(0.5)).dtype).toBe('float32')
    expect(await make(7).item()).toBe(7)
    expect(make([]).shape).toEqual([0])
    expect(() => make([[1, 2], [3]])).toThrow(/rectangular/)
    expect(() => tensor([1, 2, 3], { shape: [2, 2] })).toThrow(/3 values do not fill shape \[2, 2\]/)
  })

  it('copies values in and out', () => {
    const source = Float32Array.of(1, 2)
    const t = make(source)
    source[0] = 9
    t.dataSync()[0] = 9
    expect([...t.dataSync()]).toEqual([1, 2])
  })

  it('has the usual factories', () => {
    const on = { device }
    expect(arange(1, 7, 2, on).arraySync()).toEqual([1, 3, 5])
    expect(arange(3, undefined, 1, on).dtype).toBe('int32')
    expect(arange(0, 1, 0.25, on).arraySync()).toEqual([0, 0.25, 0.5, 0.75])
    expect(linspace(0, 1, 3, on).arraySync()).toEqual([0, 0.5, 1])
    expect(eye(2, 3, on).arraySync()).toEqual([
      [1, 0, 0],
      [0, 1, 0],
    ])
    expect(full([2], 3, { ...on, dtype: 'int32' }).arraySync()).toEqual([3, 3])
    expect(zerosLike(ones([1, 2], { ...on, dtype: 'uint8' })).dtype).toBe('uint8')
    expect(oneHot(make([2, 0], 'int32'), 3).arraySync()).toEqual([
      [0, 0, 1],
      [1, 0, 0],
    ])
  })

  it('promotes dtypes as PyTorch does', () => {
    const i = make([3, -3], 'int32')
    const b = make([true, true])
    expect([i.add(1).dtype, i.add(0.5).dtype, i.div(2).dtype, b.add(b).dtype, b.sum().dtype]).toEqual([
      'int32',
      'float32',
      'float32',
      'int32',
      'int32',
    ])
    expect(i.div(2).arraySync()).toEqual([1.5, -1.5])
    expect(i.floorDiv(2).arraySync()).toEqual([1, -2])
    expect(i.mod(2).arraySync()).toEqual([1, 1])
    expect(b.sum().itemSync()).toBe(2)
    expect(i.lt(0.5).arraySync()).toEqual([0, 1])
    expect(i.mean().itemSync()).toBe(0)
    expect(where(b, i, 0.5).dtype).toBe('float32')
    expect(make([1.9, -1.9]).int().arraySync()).toEqual([1, -1])
  })

  it('treats NaN as PyTorch does', () => {
    const t = make([1, NaN, 3])
    expect(t.max().itemSync()).toBeNaN()
    expect(t.min().itemSync()).toBeNaN()
    expect(t.argmax().itemSync()).toBe(1)
    expect(t.relu().arraySync()).toEqual([1, NaN, 3])
    expect(t.clamp(2, 2.5).arraySync()).toEqual([2, NaN, 2.5])
    expect(t.sort().indices.arraySync()).toEqual([0, 2, 1])
    expect(t.isnan().arraySync()).toEqual([0, 1, 0])
    expect(make([-Infinity, -Infinity]).logsumexp().itemSync()).toBe(-Infinity)
    expect(make([1000, 1000]).softmax().arraySync()).toEqual([0.5, 0.5])
  })

  it('reduces to positions and truths', () => {
    const t = make([
      [1, 5, 2],
      [7, 0, 7],
    ])
    expect(t.argmax().itemSync()).toBe(3)
    expect(t.argmax(1).arraySync()).toEqual([1, 0])
    expect(t.argmin(0, { keepdim: true }).arraySync()).toEqual([[0, 1, 0]])
    expect(t.gt(0).all(1).arraySync()).toEqual([1, 0])
    expect(t.gt(6).any().itemSync()).toBe(1)
    expect(zeros([0], { device }).eq(1).all().itemSync()).toBe(1)
    expect(() => zeros([0], { device }).max()).toThrow(/no max of no elements/)
    expect(zeros([0], { device }).sum().itemSync()).toBe(0)
  })

  it('indexes like Python', () => {
    const t = arange(12, undefined, 1, { device }).reshape([3, 4])
    expect(t.index(-1).arraySync()).toEqual([8, 9, 10, 11])
    expect(t.index(null, 1).arraySync()).toEqual([1, 5, 9])
    expect(t.index([1, null], [null, null, -2]).arraySync()).toEqual([
      [7, 5],
      [11, 9],
    ])
    expect(t.index([5, 9]).shape).toEqual([0, 4])
    expect(t.slice(-2).arraySync()).toEqual([
      [4, 5, 6, 7],
      [8, 9, 10, 11],
    ])
    expect(t.T.index(0).arraySync()).toEqual([0, 4, 8])
    expect(() => t.index(3)).toThrow(/3 is out of range for axis 0, which has 3 entries/)
    expect(() => t.indexSelect(0, make([3], 'int32')).dataSync()).toThrow(/indexSelect/)
    expect(t.indexSelect(0, make([-1], 'int32')).arraySync()).toEqual([[8, 9, 10, 11]])
  })

  it('joins and splits', () => {
    const t = arange(6, undefined, 1, { device })
    expect(t.split(4).map((p) => p.shape[0])).toEqual([4, 2])
    expect(cat(t.chunk(4)).arraySync()).toEqual([0, 1, 2, 3, 4, 5])
    expect(stack([t, t], 1).shape).toEqual([6, 2])
    expect(cat([t, make([0.5])]).dtype).toBe('float32')
    expect(() => t.reshape([4, -1])).toThrow(/6 elements, which do not fill \[4, -1\]/)
  })

  it('prints like NumPy', () => {
    expect(
      String(
        make([
          [1, -2],
          [3, 40],
        ]),
      ),
    ).toBe('tensor([[ 1, -2],\n        [ 3, 40]])')
    expect(String(make([0.5, 1e-3]))).toBe('tensor([0.5000, 0.0010])')
    expect(String(make([1e-9, 1]))).toBe('tensor([1.0000e-9, 1.0000e+0])')
    expect(String(make(3, 'int32'))).toBe('tensor(3, int32)')
    expect(String(make([true, false]))).toBe('tensor([ true, false])')
    expect(String(zeros([0, 2], { device }))).toBe('tensor([], shape [0, 2])')
    const long = String(arange(2000, undefined, 1, { device }))
    expect(long).toBe('tensor([   0,    1,    2, …, 1997, 1998, 1999], int32, shape [2000])')
  })

  it('does not mix devices', () => {
    const other = new InterpDevice()
    expect(() => make([1]).add(tensor([1], { device: other }))).toThrow(/two devices/)
    expect(
      make([1])
        .to(other)
        .add(tensor([1], { device: other }))
        .arraySync(),
    ).toEqual([2])
  })

  it('needs one element for item', () => {
    expect(() => make([1, 2]).itemSync()).toThrow(/shape \[2\] has 2 elements/)
  })

  it('can be used with using', () => {
    using t = make([1])
    expect(t[Symbol.dispose]()).toBeUndefined()
  })
})

describe('growth', () => {
  it('warns once of a graph that nobody realises', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const device = new InterpDevice()
    for (let round = 0; round < 2; round++) {
      let t = tensor([0], { device })
      const one = tensor([1], { device })
      for (let i = 0; i < 50_001; i++) t = t.add(one)
      expect(t.itemSync()).toBe(50_001)
    }
    expect(warn).toHaveBeenCalledTimes(1)
    expect(warn.mock.calls[0][0]).toMatch(/grows from step to step.*50001 × add/)
    warn.mockRestore()
  })
})
