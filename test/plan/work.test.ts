/** @file What kernels have to do, as profiles tell it. */
import { describe, expect, it } from 'vitest'
import { compile, createDeviceSync, type KernelTime, rand, scan, type Tensor, tensor } from '../../src/index.ts'
import { functional } from '../../src/nn/index.ts'
import { compiledTargets } from '../support/devices.ts'

describe.each(compiledTargets)('%s', (target) => {
  const device = createDeviceSync(target, { threads: 1 })
  const profile = (f: (...x: Tensor[]) => Tensor, ...x: Tensor[]): readonly KernelTime[] => compile(f).profile(x, 1)
  const float = (shape: readonly number[]): Tensor => rand([...shape], { device })

  it('a product: operands once, two operations for each term', () => {
    const [kernel, ...none] = profile((a, b) => a.matmul(b).relu(), float([20, 30]), float([30, 40]))
    expect(none).toEqual([])
    expect(kernel).toMatchObject({ flops: 2 * 20 * 30 * 40, bytes: 4 * (20 * 30 + 30 * 40 + 20 * 40) })
  })

  it('a convolution reads each element of its input once', () => {
    const [kernel] = profile((x, w) => functional.conv(x, w), float([2, 3, 12, 12]), float([5, 3, 3, 3]))
    expect(kernel.flops).toBe(2 * 2 * 5 * 3 * 9 * 100)
    expect(kernel.bytes).toBe(4 * (2 * 3 * 144 + 5 * 3 * 9 + 2 * 5 * 100))
  })

  it('an elementwise kernel: what is broadcast or sliced away is not read', () => {
    const [kernel] = profile(
      (a, b) =>
        a
          .narrow(0, 0, 10)
          .add(b)
          .mul(a.narrow(0, 0, 10)),
      float([100, 8]),
      float([8]),
    )
    expect(kernel).toMatchObject({ flops: 0, bytes: 4 * (80 + 8 + 80) })
  })

  it('a softmax reads its input and writes exponentials and results; what it reads of those again is not counted', () => {
    const [kernel] = profile((a) => a.softmax(-1), float([16, 50]))
    expect(kernel.bytes).toBe(4 * 3 * 16 * 50)
  })

  it('rows that are gathered, not the table', () => {
    const rows = tensor([3, 5, 900], { dtype: 'int32', device })
    const [kernel] = profile((table, at) => functional.embedding(at, table), float([1000, 16]), rows)
    expect(kernel.bytes).toBe(4 * (2 * 3 * 16 + 3))
  })

  it('a loop: all its iterations', () => {
    const kernels = profile(
      (x, h0, w) => scan(([h], [row]) => ({ carry: [h.matmul(w).add(row)] }), [h0], [x]).carry[0],
      float([7, 4, 16]),
      float([4, 16]),
      float([16, 16]),
    )
    const [loop] = kernels.filter((k) => k.operations.includes('loop'))
    expect(loop.flops).toBe(7 * 2 * 4 * 16 * 16)
    expect(loop.ms).toBeGreaterThan(0)
  })
})
