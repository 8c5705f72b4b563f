/** @file What the cases of `test/conformance` do not reach: names, models, mistakes, and distributions far out. */
import { expect, it } from 'vitest'
import { Generator, Parameter, zeros } from '../../src/index.ts'
import { init, initialise, Linear, Module } from '../../src/nn/index.ts'

it('names mistakes', () => {
  const wrong: readonly (readonly [() => unknown, RegExp])[] = [
    [() => init.fans([3]), /at least two axes; received \[3\]/],
    [() => init.glorotUniform([3]), /at least two axes/],
    [() => init.normal(-1), /std must be at least 0; received -1/],
    [() => init.uniform(2, 1), /high must be at least 2; received 1/],
    [() => init.uniform(Number.NaN), /low must be a finite number; received NaN/],
    [() => init.truncatedNormal(0), /std must be positive; received 0/],
    [() => init.truncatedNormal(1, 0, 2, 2), /high must be above 2; received 2/],
    [() => init.varianceScaling({ scale: 0 }), /scale must be positive/],
    [() => init.varianceScaling({ distribution: 'cauchy' as never })([2, 2]), /received cauchy/],
    [() => init.kaimingNormal({ mode: 'fan_in' as never })([2, 2]), /received fan_in/],
    [() => init.gain('relu6' as never), /knows linear, .*; received relu6/],
    [() => init.orthogonal([3]), /orthogonal: needs a weight of at least two axes/],
    [() => init.identity([2, 2, 2]), /identity: needs a weight \[out, in\]/],
    [() => init.dirac(2)([3, 2, 3]), /groups must divide the outputs; received 2/],
    [() => init.sparse(1.5), /sparsity must be at least 0, at most 1; received 1.5/],
    [() => init.sparse(0.5)([2]), /sparse: needs a weight \[out, in\]/],
    [() => new Linear(2, 3, { init: 'glorot' as never }), /init: knows .*glorotUniform.*; received glorot/],
  ]
  for (const [make, message] of wrong) expect(make).toThrow(message)
})

it('gives a model’s weights new values, and its biases zeros', () => {
  class Net extends Module {
    readonly first = new Linear(4, 4)
    readonly bias = new Parameter(zeros([2]).add(3))
    readonly scale = new Parameter(zeros([2]).add(3))
    forward(): never {
      throw new Error('not called')
    }
  }
  const net = new Net()
  initialise(net as never, 'identity')
  expect(net.first.weight.arraySync()).toEqual([0, 1, 2, 3].map((i) => [0, 1, 2, 3].map((j) => Number(i === j))))
  expect(net.first.bias?.arraySync()).toEqual([0, 0, 0, 0])
  expect([net.bias.arraySync(), net.scale.arraySync()]).toEqual([
    [0, 0],
    [3, 3],
  ])
})

it.each([
  ['a far tail', 6, 30, 6.16, 0.16],
  ['the other tail', -30, -6, -6.16, 0.16],
  ['a narrow window', 0.9, 1, 0.949, 0.029],
  ['a window around the middle', -0.5, 0.5, 0, 0.284],
])('cuts a normal distribution to %s', (_, low, high, mean, std) => {
  const drawn = init.truncatedNormal(1, 0, low, high)([4000], { generator: new Generator(5) })
  const values = Float64Array.from(drawn.dataSync())
  const m = values.reduce((a, b) => a + b, 0) / values.length
  const s = Math.sqrt(values.reduce((a, b) => a + (b - m) ** 2, 0) / values.length)
  expect(values.every((v) => v >= low && v <= high)).toBe(true)
  expect(Math.abs(m - mean)).toBeLessThan(0.1 * std)
  expect(Math.abs(s - std)).toBeLessThan(0.1 * std)
})

it('repeats itself with the same generator', () => {
  const draw = (): unknown =>
    init
      .truncatedNormal(1)([20], { generator: new Generator(1) })
      .arraySync()
  expect(draw()).toEqual(draw())
})
