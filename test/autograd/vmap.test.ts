/** @file Functions of one example on whole batches. */
import { describe, expect, it } from 'vitest'
import {
  compile,
  grad,
  linalg,
  manualSeed,
  rand,
  scan,
  stack,
  type Tensor,
  tensor,
  valueAndGrad,
  vmap,
  zeros,
} from '../../src/index.ts'
import { crossEntropy } from '../../src/loss/index.ts'
import { BatchNorm1d, Dropout, Linear, Sequential, Tanh } from '../../src/nn/index.ts'
import { devices } from '../support/devices.ts'
import { filled } from '../support/torch.ts'

const close = (a: Tensor, b: Tensor): void => {
  expect(a.shape).toEqual(b.shape)
  expect(a.allclose(b, { rtol: 1e-4, atol: 1e-5 }).itemSync(), `${a} is not ${b}`).toBe(1)
}

describe.each(devices)('vmap on %s', (_, device) => {
  const x = filled([4, 3, 2], 0, device)

  it('counts examples along any axis, in and out', () => {
    const double = vmap((t: Tensor) => t.cumsum(0))
    close(double(x), stack(x.unbind().map((t) => t.cumsum(0))))
    const along = vmap((t: Tensor) => t.cumsum(0), { in: 1, out: -1 })
    close(
      along(x),
      stack(
        x.unbind(1).map((t) => t.cumsum(0)),
        -1,
      ),
    )
  })

  it('shares arguments without an axis and keeps the structure of the results', () => {
    const w = filled([2, 5], 1, device)
    const run = vmap((t: Tensor, m: Tensor) => ({ product: t.matmul(m), parts: [t.sum(), m.sum()] }), { in: [0, null] })
    const { product, parts } = run(x, w)
    close(product, x.matmul(w))
    close(parts[0], x.sum([1, 2]))
    close(parts[1], w.sum().expand([4]))
  })

  it('gives the gradient of every example', () => {
    const images = filled([5, 4], 2, device)
    const targets = tensor([0, 2, 1, 2, 0], { device, dtype: 'int32' })
    const model = new Sequential(new Linear(4, 6), new Tanh(), new Linear(6, 3)).to(device)
    const loss = (image: Tensor, target: Tensor): Tensor =>
      crossEntropy(model.forward(image.unsqueeze(0)), target.unsqueeze(0))
    const perSample = vmap((image: Tensor, target: Tensor) => grad(loss(image, target), [...model.parameters()]))
    const found = perSample(images, targets)
    const parameters = [...model.parameters()]
    found.forEach((g, k) => {
      expect(g.shape).toEqual([5, ...parameters[k].shape])
      for (let e = 0; e < 5; e++) {
        close(g.select(0, e), grad(loss(images.select(0, e), targets.select(0, e)), [parameters[k]])[0])
      }
    })
    const step = compile((i: Tensor, t: Tensor) => perSample(i, t))
    step(images, targets).forEach((g, k) => {
      close(g, found[k])
    })
  })

  it('lets gradients through, and second derivatives', () => {
    const w = filled([3, 2], 3, device)
    w.requiresGrad = true
    x.requiresGrad = true
    const y = vmap((t: Tensor) => t.mul(w).exp().sum(0))(x)
    const [gx, gw] = grad(y.square().sum(), [x, w])
    const [ex, ew] = grad(x.mul(w).exp().sum(1).square().sum(), [x, w])
    close(gx, ex)
    close(gw, ew)
    const diagonal = vmap((t: Tensor) => {
      const [first] = grad(t.pow(4).sum(), [t], { createGraph: true })
      return grad(first.sum(), [t])[0]
    })(x)
    close(diagonal, x.square().mul(12))
    x.requiresGrad = false
  })

  it('nests, and batches loops and linear algebra', () => {
    const a = filled([4, 3], 4, device)
    const b = filled([5, 3], 5, device)
    const products = vmap((p: Tensor) => vmap((q: Tensor) => linalg.dot(p, q))(b))(a)
    close(products, a.matmul(b.T))

    const decays = filled([4], 6, device)
    const loop = (xs: Tensor, d: Tensor): Tensor =>
      scan(([h], [s]) => ({ carry: [h.mul(d).add(s)], ys: [h] }), [zeros([3], { device })], [xs]).carry[0]
    const sequences = filled([4, 6, 3], 7, device)
    close(vmap(loop)(sequences, decays), stack(sequences.unbind().map((s, k) => loop(s, decays.select(0, k)))))

    const m = filled([4, 3, 3], 8, device).add(
      tensor(
        [
          [3, 0, 0],
          [0, 3, 0],
          [0, 0, 3],
        ],
        { device },
      ),
    )
    m.requiresGrad = true
    close(vmap((t: Tensor) => linalg.inv(t))(m), linalg.inv(m))
    const [g] = grad(
      vmap((t: Tensor) => linalg.det(t))(m)
        .square()
        .sum(),
      [m],
    )
    close(g, grad(linalg.det(m).square().sum(), [m])[0])
  })

  it('draws differently for every example, or the same for all', () => {
    manualSeed(3)
    const noise = vmap((t: Tensor) => t.mul(0).add(rand([2], { device })))(zeros([6], { device }))
    expect(noise.unique().values.size).toBe(12)
    const same = vmap((t: Tensor) => t.mul(0).add(rand([2], { device })), { randomness: 'same' })(
      zeros([6], { device }),
    )
    expect(same.unique().values.size).toBe(2)
    const dropout = new Dropout(0.5)
    const kept = vmap((t: Tensor) => dropout.forward(t))(zeros([8, 16], { device }).add(1))
    expect(kept.sum(1).unique().values.size).toBeGreaterThan(1)
    expect(kept.ne(0).mean().itemSync()).toBeCloseTo(0.5, 0)
  })

  it('says what a function of one example cannot do', () => {
    expect(() => vmap((t: Tensor) => t.mul(t.sum().itemSync()))(x)).toThrow(/a value was read in a function that vmap/)
    expect(() => vmap((t: Tensor) => t.maskedSelect(t.gt(0)))(x)).toThrow(/a value was read in a function that vmap/)
    const norm = new BatchNorm1d(3).to(device)
    expect(() => vmap((t: Tensor) => norm.forward(t.T))(x)).toThrow(/vmap runs cannot assign.*evaluation mode/s)
    norm.eval()
    expect(vmap((t: Tensor) => norm.forward(t.T))(x).shape).toEqual([4, 2, 3])
    expect(() => vmap((t: Tensor) => t, { in: null })(x)).toThrow(/no argument has an axis for the examples/)
    expect(() => vmap((t: Tensor) => t, { in: 3 })(x)).toThrow(/vmap \(argument 0\): axis 3 is out of range/)
    expect(() => vmap((t: Tensor, u: Tensor) => t.add(u))(x, x.narrow(0, 0, 2))).toThrow(/has 2 examples.*have 4/s)
    expect(() => vmap((t: Tensor) => t, { in: [0, 0] })(x)).toThrow(/in lists 2 axes, but the function received 1/)
    expect(() => vmap((_t: Tensor) => 3 as unknown as Tensor)(x)).toThrow(/returned number/)
  })

  it('follows what is recorded of gradients', () => {
    const w = tensor([2], { device, requiresGrad: true })
    const scaled = vmap((t: Tensor) => t.mul(w))
    expect(scaled(x).requiresGrad).toBe(true)
    expect(vmap((t: Tensor) => t.mul(2))(x).requiresGrad).toBe(false)
    const both = valueAndGrad((t: Tensor) => scaled(t).sum(), [w])(x)
    close(both.gradients[0], x.sum().reshape([1]))
  })
})
