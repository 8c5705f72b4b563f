/** @file How gradients reach leaves: requiresGrad, noGrad, detach, accumulation, reuse, custom functions, checkpoints. */
import { beforeEach, describe, expect, it } from 'vitest'
import {
  checkpoint,
  compile,
  customFunction,
  grad,
  manualSeed,
  noGrad,
  ones,
  Parameter,
  setDefaultDevice,
  type Tensor,
  tensor,
  valueAndGrad,
} from '../../src/index.ts'
import { BatchNorm2d, Dropout, Linear } from '../../src/nn/index.ts'
import { SGD } from '../../src/optim/index.ts'
import { devices } from '../support/devices.ts'
import { expectClose, filled } from '../support/torch.ts'

describe.each(devices)('on %s', (_, device) => {
  beforeEach(() => setDefaultDevice(device))
  const leaf = (...values: number[]): Tensor => tensor(values, { device, requiresGrad: true })

  it('accumulates into leaves', () => {
    const x = leaf(1, 2)
    const loss = x.mul(x).sum()
    loss.backward()
    expect(x.grad?.arraySync()).toEqual([2, 4])
    x.mul(3).sum().backward()
    expect(x.grad?.arraySync()).toEqual([5, 7])
    expect(x.grad?.requiresGrad).toBe(false)
    x.mul(2).backward(tensor([1, 10], { device }))
    expect(x.grad?.arraySync()).toEqual([7, 27])
  })

  it('keeps the way back when values are read before backward', () => {
    const x = leaf(3)
    const y = x.mul(x)
    const z = y.mul(2)
    expect([y.itemSync(), z.itemSync(), y.detach().itemSync()]).toEqual([9, 18, 9])
    z.sum().backward()
    expect(x.grad?.itemSync()).toBe(12)
  })

  it('does not flow through detach, noGrad or integers', () => {
    const x = leaf(2)
    const held = noGrad(() => x.mul(5))
    expect([held.requiresGrad, x.argmax().requiresGrad, x.gt(0).requiresGrad]).toEqual([false, false, false])
    x.mul(held).add(x.mul(x.detach())).sum().backward()
    expect(x.grad?.itemSync()).toBe(12)
    expect(() => held.sum().backward()).toThrow(/does not depend on any tensor that requires a gradient/)
    expect(() => leaf(1, 2).mul(2).backward()).toThrow(/reduce it to one number/)
  })

  it('makes leaves of detached tensors', () => {
    const x = leaf(2)
    const y = x.mul(3)
    const z = y.detach()
    z.requiresGrad = true
    z.mul(z).add(y).sum().backward()
    expect([x.grad?.itemSync(), z.grad?.itemSync()]).toEqual([3, 12])
    expect(() => {
      y.requiresGrad = false
    }).toThrow(/only a leaf/)
    expect(() => tensor([1, 2], { dtype: 'int32', requiresGrad: true })).toThrow(/only float tensors/)
  })

  it('differentiates gradients', () => {
    const x = leaf(2)
    const y = x.pow(3).sum()
    const [first] = grad(y, [x], { createGraph: true })
    const [second] = grad(first.sum(), [x], { createGraph: true })
    const [third] = grad(second.sum(), [x])
    expect([first, second, third].map((t) => t.itemSync())).toEqual([12, 12, 6])
    expect(third.requiresGrad).toBe(false)
  })

  it('gives gradients of what lies between', () => {
    const x = leaf(1, 2, 3, 4)
    const middle = x.mul(2).reshape([2, 2])
    const [g, gx] = grad(middle.reshape([4]).square().sum(), [middle, x])
    expect([g.arraySync(), gx.arraySync()]).toEqual([
      [
        [4, 8],
        [12, 16],
      ],
      [8, 16, 24, 32],
    ])
    expect(() => grad(x.sum(), [leaf(1)])).toThrow(/does not depend on it/)
    expect(grad(x.sum(), [leaf(1)], { allowUnused: true })[0].arraySync()).toEqual([0])
    const fn = valueAndGrad((k: number) => x.mul(k).sum(), [x])
    expect(fn(3).gradients[0].arraySync()).toEqual([3, 3, 3, 3])
  })

  it('says so when a graph is used again after a step', () => {
    const w = new Parameter(tensor([1], { device }))
    const optimizer = new SGD([w], { lr: 0.1 })
    const shared = w.mul(2).sum()
    optimizer.minimize(shared)
    expect(shared.itemSync()).toBe(2)
    expect(() => shared.add(w.sum()).backward()).toThrow(/let go by an earlier backward/)
    const kept = w.mul(2).sum()
    kept.backward(undefined, { retainGraph: true })
    optimizer.step()
    kept.backward()
    expect(w.grad?.itemSync()).toBe(6)
  })

  it('takes gradients of the user’s own', () => {
    const calls: string[] = []
    const straight = customFunction({
      name: 'straightThrough',
      forward: (x) => {
        calls.push('forward')
        return x.round()
      },
      backward: (g) => {
        calls.push('backward')
        return [g.mul(10)]
      },
    })
    const x = leaf(0.4, 1.6)
    const y = straight(x)
    expect(y.arraySync()).toEqual([0, 2])
    y.mul(y).sum().backward()
    expect(x.grad?.arraySync()).toEqual([0, 40])
    expect(calls).toEqual(['forward', 'backward'])
    expect(straight(tensor([1.2], { device })).requiresGrad).toBe(false)
    const cube = customFunction({ forward: (v) => v.pow(3), backward: (g, [v]) => [g.mul(v.square()).mul(3)] })
    const z = leaf(2)
    const [first] = grad(cube(z).sum(), [z], { createGraph: true })
    expect(grad(first.sum(), [z])[0].itemSync(), 'its gradient can be differentiated').toBe(12)
    const wrong = customFunction({ forward: (v) => v.sum(), backward: (g) => [g] })
    expect(() => wrong(leaf(1, 2)).backward()).toThrow(/gradient of shape \[\] for input 0 of shape \[2\]/)
  })

  it('checkpoints: same values and gradients, same noise, statistics once', () => {
    const run = (wrap: boolean): { out: number[]; grads: number[][]; batches: number } => {
      manualSeed(4)
      const norm = new BatchNorm2d(2)
      const linear = new Linear(3, 3)
      const drop = new Dropout(0.5)
      const x = filled([2, 2, 2, 3], 0, device)
      x.requiresGrad = true
      const block = (v: Tensor): Tensor => drop.forward(linear.forward(norm.forward(v)).tanh())
      const y = wrap ? checkpoint(block, x) : block(x)
      y.mul(filled(y.shape, 5, device))
        .sum()
        .backward()
      const leaves = [x, ...linear.parameters(), ...norm.parameters()]
      return {
        out: [...y.dataSync()],
        grads: leaves.map((t) => [...(t.grad?.dataSync() ?? [])]),
        batches: norm.num_batches_tracked?.itemSync() ?? 0,
      }
    }
    const [plain, wrapped] = [run(false), run(true)]
    expectClose(wrapped.out, plain.out, 'output')
    plain.grads.forEach((g, k) => {
      expectClose(wrapped.grads[k], g, `gradient ${k}`)
    })
    expect(wrapped.batches).toBe(1)
  })

  it('works inside compiled functions, leaving no gradients behind', () => {
    const w = new Parameter(tensor([3], { device }))
    const step = compile((x: Tensor) => {
      w.grad = null
      w.mul(w).mul(x).sum().backward()
      const first = w.grad as Tensor | null
      w.mul(x).sum().backward()
      return { first: first?.add(0) ?? ones([1]), both: (w.grad as Tensor | null)?.add(0) ?? ones([1]) }
    })
    const { first, both } = step(tensor([2], { device }))
    expect([first.itemSync(), both.itemSync(), w.grad]).toEqual([12, 14, null])
    const inner = compile((x: Tensor) => {
      const y = x.detach()
      y.requiresGrad = true
      return grad(y.pow(2).sum(), [y])[0]
    })
    expect(inner(tensor([5], { device })).itemSync()).toBe(10)
  })
})
