/** @file Layers that draw random numbers: what they do on average, and that evaluation and seeds take chance out. */
import { describe, expect, it } from 'vitest'
import { compile, manualSeed, ones, randn, type Tensor, tensor } from '../../src/index.ts'
import {
  AlphaDropout,
  Dropout,
  Dropout1d,
  Dropout2d,
  Dropout3d,
  FeatureAlphaDropout,
  FractionalMaxPool2d,
  StochasticPool1d,
} from '../../src/nn/index.ts'
import { devices } from '../support/devices.ts'

const share = (t: Tensor, value: number): number => {
  const values = t.dataSync()
  return values.filter((v) => v === value).length / values.length
}

/** Values per channel of `[B, C, …]`, each once. */
const distinct = (t: Tensor): number[][] => {
  const [batch, channels] = t.shape
  const rows = t.reshape([batch * channels, -1]).arraySync() as number[][]
  return rows.map((row) => [...new Set(row)])
}

describe.each(devices)('on %s', (_, device) => {
  it('Dropout drops p of the elements and scales the others by 1 / (1 − p)', () => {
    manualSeed(1)
    const y = new Dropout(0.3).forward(ones([100, 100], { device }))
    expect(share(y, 0)).toBeCloseTo(0.3, 1)
    expect(share(y, 0) + share(y, Math.fround(1 / 0.7))).toBe(1)
    expect(y.mean().itemSync()).toBeCloseTo(1, 1)
  })

  it.each([
    ['Dropout1d', new Dropout1d(0.5), [40, 30, 4]],
    ['Dropout2d', new Dropout2d(0.5), [40, 30, 2, 3]],
    ['Dropout3d', new Dropout3d(0.5), [40, 30, 2, 1, 2]],
  ] as const)('%s drops whole channels', (_, layer, shape) => {
    manualSeed(2)
    const y = layer.forward(ones(shape, { device }))
    expect(distinct(y).every((values) => values.length === 1)).toBe(true)
    expect(share(y, 0)).toBeCloseTo(0.5, 1)
    expect(share(y, 0) + share(y, 2)).toBe(1)
  })

  it.each([0.1, 0.5])('AlphaDropout with p = %s keeps mean 0 and variance 1', (p) => {
    manualSeed(3)
    const y = new AlphaDropout(p).forward(randn([300, 300], { device }))
    expect(y.mean().itemSync()).toBeCloseTo(0, 1)
    expect(y.var().itemSync()).toBeCloseTo(1, 1)
  })

  it('FeatureAlphaDropout drops whole channels to one value', () => {
    manualSeed(4)
    const p = 0.25
    const x = randn([40, 50, 3], { device })
    const y = new FeatureAlphaDropout(p).forward(x)
    const a = 1 / Math.sqrt((1 - p) * (1 + p * 1.7580993408473766 ** 2))
    const limit = a * -1.7580993408473766 * (1 - p)
    const constant = distinct(y).filter((values) => values.length === 1)
    expect(constant.length / 2000).toBeCloseTo(p, 1)
    expect(constant[0][0]).toBeCloseTo(limit, 5)
  })

  it('a compiled step draws anew each time, and again the same from the same seed', () => {
    const layer = new Dropout(0.5)
    const step = compile((x: Tensor) => layer.forward(x))
    const x = ones([64], { device })
    const run = (): string => step(x).dataSync().join()
    manualSeed(5)
    const [a, b] = [run(), run()]
    expect(a).not.toBe(b)
    manualSeed(5)
    expect(run()).toBe(a)
  })

  it('a gradient passes where nothing was dropped', () => {
    manualSeed(6)
    const x = ones([50], { device })
    x.requiresGrad = true
    const y = new Dropout(0.5).forward(x)
    y.sum().backward()
    expect(x.grad?.dataSync()).toEqual(y.dataSync())
  })

  it('StochasticPool draws elements in proportion to their values', () => {
    manualSeed(7)
    const x = tensor([1, 3, 0, 4], { shape: [1, 1, 4], device }).expand([2000, 1, 4])
    const y = new StochasticPool1d(4).forward(x)
    expect(share(y, 1)).toBeCloseTo(1 / 8, 1)
    expect(share(y, 3)).toBeCloseTo(3 / 8, 1)
    expect(share(y, 4)).toBeCloseTo(4 / 8, 1)
    expect(share(y, 0)).toBe(0)
    const zeros = new StochasticPool1d(2).forward(tensor([[[0, 0, 0, 5]]], { device }))
    expect(zeros.arraySync()).toEqual([[[0, 5]]])
  })

  it('FractionalMaxPool takes windows of its extent, in order, the last one at the end', () => {
    manualSeed(8)
    const x = tensor(
      Float32Array.from({ length: 100 }, (_, i) => i),
      { shape: [1, 1, 10, 10], device },
    )
    const rows = new Set<string>()
    for (let k = 0; k < 5; k++) {
      const { values, indices } = new FractionalMaxPool2d(2, { outputSize: 7 }).withIndices(x)
      expect(indices.dataSync()).toEqual(Int32Array.from(values.dataSync()))
      const y = (values.arraySync() as number[][][][])[0][0]
      const columns = y[0].map((v) => v % 10)
      expect(columns.at(-1)).toBe(9)
      columns.slice(1).forEach((c, i) => {
        expect([1, 2]).toContain(c - columns[i])
      })
      rows.add(columns.join())
    }
    expect(rows.size).toBeGreaterThan(1)
  })
})

it('without chance in evaluation', () => {
  const x = ones([2, 3, 4])
  for (const layer of [new Dropout(), new Dropout1d(), new AlphaDropout(), new FeatureAlphaDropout()]) {
    expect(layer.eval().forward(x)).toBe(x)
  }
})
