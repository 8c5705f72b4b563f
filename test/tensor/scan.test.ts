import { describe, expect, it } from 'vitest'
import { compile, grad, noGrad, ones, scan, stack, type Tensor, tensor, zeros } from '../../src/index.ts'
import { devices } from '../support/devices.ts'
import { expectClose, filled } from '../support/torch.ts'

describe.each(devices)('on %s', (_, device) => {
  it('carries and stacks', () => {
    const x = tensor([1, 2, 3, 4], { device })
    const { carry, ys } = scan(
      ([c], [v]) => ({ carry: [c.add(v)], ys: [c.add(v), v.mul(v)] }),
      [zeros([], { device })],
      [x],
    )
    expect(carry[0].itemSync()).toBe(10)
    expect(ys.map((y) => y.arraySync())).toEqual([
      [1, 3, 6, 10],
      [1, 4, 9, 16],
    ])
    const back = scan(([c], [v]) => ({ carry: [c.add(v)], ys: [c.add(v)] }), [zeros([], { device })], [x], {
      reverse: true,
    })
    expect(back.ys[0].arraySync()).toEqual([10, 9, 7, 4])
    expect(scan(([c]) => ({ carry: [c.mul(2)] }), [ones([], { device })], [], { length: 5 }).carry[0].itemSync()).toBe(
      32,
    )
  })

  it('differentiates as the unrolled loop does, with respect to everything it touches', () => {
    const leaf = (shape: number[], seed: number): Tensor => {
      const t = filled(shape, seed, device, 0.5)
      t.requiresGrad = true
      return t
    }
    const [w, b, h0, xs] = [leaf([3, 3], 0), leaf([3], 1), leaf([2, 3], 2), leaf([4, 2, 3], 3)]
    const scale = b.exp()
    const cell = (h: Tensor, x: Tensor): Tensor => x.add(h.matmul(w.T)).mul(scale).softmax().add(b.detach())
    const looped = scan(([h], [x]) => ({ carry: [cell(h, x)], ys: [cell(h, x).square()] }), [h0], [xs])
    const loss = looped.ys[0]
      .mul(filled([4, 2, 3], 9, device))
      .sum()
      .add(looped.carry[0].sum())
    const found = grad(loss, [w, b, h0, xs])

    let h: Tensor = h0
    const ys: Tensor[] = []
    for (let t = 0; t < 4; t++) {
      h = cell(h, xs.index(t))
      ys.push(h.square())
    }
    const plain = stack(ys)
      .mul(filled([4, 2, 3], 9, device))
      .sum()
      .add(h.sum())
    const expected = grad(plain, [w, b, h0, xs])
    expectClose(loss.dataSync(), [plain.itemSync()], 'loss')
    expected.forEach((g, k) => {
      expectClose(found[k].dataSync(), [...g.dataSync()], `gradient ${k}`, 1e-4, 1e-6)
    })
  })

  it('can be differentiated twice', () => {
    const x = tensor([1, 2, 3], { device, requiresGrad: true })
    const product = scan(([c], [v]) => ({ carry: [c.mul(v)] }), [ones([], { device })], [x]).carry[0]
    const [first] = grad(product, [x], { createGraph: true })
    expect(first.arraySync()).toEqual([6, 3, 2])
    expect(grad(first.sum(), [x])[0].arraySync()).toEqual([5, 4, 3])
  })

  it('nests, and runs in compiled functions', () => {
    const table = tensor(
      [
        [1, 2],
        [3, 4],
      ],
      { device, requiresGrad: true },
    )
    const run = compile((t: Tensor) => {
      const rows = scan(
        ([c], [row]) => {
          const inner = scan(([d], [v]) => ({ carry: [d.add(v.mul(v))] }), [c], [row])
          return { carry: [inner.carry[0]], ys: [inner.carry[0]] }
        },
        [zeros([], { device })],
        [t],
      )
      return rows.ys[0]
    })
    expect(run(table).arraySync()).toEqual([5, 30])
  })

  it('keeps the rules of noGrad', () => {
    const w = tensor([2], { device, requiresGrad: true })
    const run = (): Tensor =>
      scan(([c]) => ({ carry: [c.mul(w)] }), [ones([1], { device })], [], { length: 3 }).carry[0]
    expect(noGrad(run).requiresGrad).toBe(false)
    const out = run()
    expect(out.requiresGrad).toBe(true)
    expect(grad(out.sum(), [w])[0].arraySync()).toEqual([12])
  })

  it('says what is wrong', () => {
    const one = ones([2], { device })
    expect(() => scan(([c]) => ({ carry: [c.sum()] }), [one], [], { length: 2 })).toThrow(
      /carry 0 went in as float32 \[2\] and came out as float32 \[\]/,
    )
    expect(() => scan(() => ({ carry: [] }), [one], [], { length: 2 })).toThrow(/handed on 0 tensors/)
    expect(() => scan(([c]) => ({ carry: [c] }), [one], [ones([3], { device }), one])).toThrow(/3 entries along axis 0/)
  })
})
