import { describe, expect, it } from 'vitest'
import { compile, createDeviceSync, Parameter, rand, setDefaultDevice, type Tensor } from '../../src/index.ts'

describe('stages', () => {
  setDefaultDevice(createDeviceSync('wasm', { threads: 1 }))

  /** Four products one after the other, and what is made of a weight added to the last. */
  const chain = (w: Parameter, x: Tensor, a: Tensor): Tensor => {
    let h = x
    for (let i = 0; i < 4; i++) h = h.matmul(a)
    return h.add(w.cumsum(0))
  }
  const make = (): [Parameter, Tensor, Tensor] => {
    return [new Parameter(rand([8, 16]), { name: 'w' }), rand([8, 16]).realise(), rand([16, 16]).realise()]
  }

  it('make what depends on weights alone just before it is needed', () => {
    const [w, x, a] = make()
    const step = compile((x: Tensor, a: Tensor) => chain(w, x, a).sum())
    const expected = chain(w, x, a).sum().itemSync()
    expect(step(x, a).itemSync()).toBeCloseTo(expected, 2)
    const lines = step.explain().split('\n')
    const products = lines.flatMap((line, i) => (line.includes('matmul') ? [i] : []))
    // Listed by stage: after the third of the products, before the sum.
    const at = lines.findIndex((line) => line.includes('cumsum'))
    expect(at).toBeGreaterThan(products[2])
    expect(products).toHaveLength(4)
    expect(at).toBeLessThan(lines.findIndex((line) => line.includes('reduceSum')))
  })

  it('make it before the weight changes', () => {
    const [w, x, a] = make()
    const step = compile((x: Tensor, a: Tensor) => {
      const out = chain(w, x, a)
      w.assign(w.mul(-3))
      return out
    })
    for (let i = 0; i < 2; i++) {
      const expected = chain(w, x, a).arraySync()
      expect(step(x, a).arraySync()).toEqual(expected)
    }
  })
})
