/** @file Layers that join others, and the mistakes that small layers catch. */
import { beforeEach, describe, expect, it } from 'vitest'
import { arange, compile, manualSeed, ones, setDefaultDevice, type Tensor, tensor } from '../../src/index.ts'
import {
  activation,
  Bilinear,
  CELU,
  Concat,
  Embedding,
  EmbeddingBag,
  functional as f,
  GELU,
  GLU,
  Hardtanh,
  Identity,
  Lambda,
  LeakyReLU,
  Linear,
  Maxout,
  Module,
  PReLU,
  ReLU,
  Residual,
  RReLU,
  Sequential,
  Softmax,
  Softplus,
  Softshrink,
  Tanh,
  Threshold,
  Unflatten,
} from '../../src/nn/index.ts'
import { InterpDevice } from '../../src/plan/interp.ts'

beforeEach(() => {
  setDefaultDevice(new InterpDevice())
  manualSeed(0)
})

describe('joining layers', () => {
  it('Residual adds the input, or what the shortcut makes of it', () => {
    const x = ones([2, 3])
    const plain = new Residual(new Lambda((t) => t.mul(4)))
    expect(plain.call(x).arraySync()).toEqual([
      [5, 5, 5],
      [5, 5, 5],
    ])
    const wider = new Residual(new Linear(3, 4), new Linear(3, 4, { bias: false }))
    expect(Object.keys(wider.stateDict())).toEqual(['body.weight', 'body.bias', 'shortcut.weight'])
    expect(wider.call(x).shape).toEqual([2, 4])
    expect(() => new Residual(new Linear(3, 1)).call(x)).toThrow(/body puts out \[2, 1\], but the input is \[2, 3\]/)
    expect(() => new Residual(((t: Tensor) => t) as never)).toThrow(/Wrap a function in Lambda/)
  })

  it('Concat puts branches side by side', () => {
    const x = arange(4).float().reshape([1, 2, 2])
    const both = new Concat([new Identity(), new Lambda((t) => t.neg())])
    expect(both.call(x).arraySync()).toEqual([
      [
        [0, 1],
        [2, 3],
        [-0, -1],
        [-2, -3],
      ],
    ])
    const named = new Concat({ wide: new Linear(2, 3), narrow: new Linear(2, 1) }, -1)
    expect(named.call(ones([5, 2])).shape).toEqual([5, 4])
    expect(Object.keys(named.stateDict())).toContain('narrow.weight')
    expect(() => new Concat([])).toThrow(/at least one branch/)
  })

  it('Sequential finds, slices and refuses', () => {
    const net = new Sequential({ first: new Linear(2, 3), act: new Tanh(), last: new Linear(3, 1) })
    expect(net.get('act')).toBeInstanceOf(Tanh)
    expect(net.get('none')).toBeUndefined()
    const head = net.slice(0, -1)
    expect(head.length).toBe(2)
    expect(head.at(0)).toBe(net.at(0))
    expect(Object.keys(head.stateDict())).toEqual(['first.weight', 'first.bias'])
    expect([...net].map((l) => l.constructor.name)).toEqual(['Linear', 'Tanh', 'Linear'])
    expect(() => new Sequential(new Tanh(), ReLU as never)).toThrow(/'1' is a function; wrap it in Lambda/)
    expect(() => new Sequential({ a: 3 as never })).toThrow(/'a' is 3/)
  })

  it('arrays and objects of modules need no container', () => {
    class Net extends Module {
      readonly layers = [new Linear(2, 2), new Linear(2, 2)]
      readonly heads = { a: new Linear(2, 1), b: new Linear(2, 1) }
      forward(x: Tensor): Tensor {
        return this.heads.a.call(this.layers.reduce((y, l) => l.call(y), x))
      }
    }
    expect(new Net().namedModules().map(([path]) => path)).toEqual(['', 'layers.0', 'layers.1', 'heads.a', 'heads.b'])
  })
})

describe('activations', () => {
  it('are rows: a class, a function and their arguments from one formula', () => {
    class Cube extends activation('cube', (x: Tensor, scale: number = 2) => x.mul(x).mul(x).mul(scale)) {}
    expect(new Cube().call(tensor([3])).itemSync()).toBe(54)
    expect(new Cube(1).call(tensor([3])).itemSync()).toBe(27)
    expect(Cube.fn(tensor([1])).itemSync()).toBe(2)
    expect([Cube.name, Cube.functionName, new Cube(5).args]).toEqual(['Cube', 'cube', [5]])
    expect(f.leakyRelu(tensor([-1]), 0.5).itemSync()).toBe(-0.5)
    expect(new LeakyReLU(0.5).call(tensor([-1])).itemSync()).toBe(-0.5)
  })

  it('RReLU draws slopes in training', () => {
    const x = ones([1000]).neg()
    const y = new RReLU(0.2, 0.6).call(x).neg()
    expect(y.min().itemSync()).toBeGreaterThanOrEqual(0.2)
    expect(y.max().itemSync()).toBeLessThan(0.6)
    expect(y.mean().itemSync()).toBeCloseTo(0.4, 1)
    expect(y.std().itemSync()).toBeGreaterThan(0.1)
  })

  it('refuse arguments outside their domain when they are made', () => {
    expect(() => new Hardtanh(1, 1)).toThrow(/low must be less than high; received 1 and 1/)
    expect(() => new Softplus(0)).toThrow(/beta must be positive/)
    expect(() => new CELU(0)).toThrow(/alpha must not be 0/)
    expect(() => new Softshrink(-1)).toThrow(/must not be negative/)
    expect(() => new GELU('fast' as never)).toThrow(/'none' or 'tanh'/)
    expect(() => new LeakyReLU(Number.NaN)).toThrow(/must be numbers; received NaN/)
    expect(() => new (Threshold as unknown as new () => ReLU)()).toThrow(/needs at least 2 arguments.*received none/)
    expect(() => new PReLU(1, Infinity)).toThrow(/init must be a finite number; received Infinity/)
    expect(() => new RReLU(1, 0)).toThrow(/lower must be at most upper/)
    expect(() => new PReLU(0)).toThrow(/channels must be a whole number of at least 1; received 0/)
    expect(() => new PReLU(3).call(ones([2, 4]))).toThrow(/one slope per channel/)
    expect(() => new GLU().call(ones([2, 3]))).toThrow(/even extent/)
    expect(() => new Softmax(0.5)).toThrow(/axis must be a whole number/)
    expect(() => new Softmax(2).call(ones([2, 3]))).toThrow(/axis 2 is out of range/)
    expect(() => f.maxout(ones([2, 3]), 2)).toThrow(/pieces must divide/)
    expect(() => new Maxout(2, 0)).toThrow(/outFeatures must be/)
  })
})

describe('tables and products', () => {
  it('maxNorm scales the rows that are read, also in a compiled function', () => {
    const table = new Embedding(3, 2, {
      maxNorm: 1,
      init: () =>
        tensor([
          [3, 4],
          [0.3, 0.4],
          [6, 8],
        ]),
    })
    const read = compile((i: Tensor) => table.call(i))
    const close = (t: Tensor, v: number[][]): void => expect(t.sub(tensor(v)).abs().max().itemSync()).toBeLessThan(1e-6)
    close(read(tensor([0, 1], { dtype: 'int32' })), [
      [0.6, 0.8],
      [0.3, 0.4],
    ])
    close(table.weight, [
      [0.6, 0.8],
      [0.3, 0.4],
      [6, 8],
    ])
    close(table.call(tensor([2], { dtype: 'int32' })), [[0.6, 0.8]])
  })

  it('offsets must begin at 0 and ascend within the indices', () => {
    const bag = new EmbeddingBag(4, 2, { mode: 'sum' })
    const indices = tensor([0, 1, 2], { dtype: 'int32' })
    const at = (...v: number[]): Tensor => bag.call(indices, { offsets: tensor(v, { dtype: 'int32' }) })
    expect(at(0, 3).shape).toEqual([2, 2])
    expect(() => at(1, 2).dataSync()).toThrow(/embeddingBag offsets/)
    expect(() => at(0, 4).dataSync()).toThrow(/embeddingBag offsets/)
    expect(() => bag.call(indices)).toThrow(/\[N\] with offsets \[B\]; received \[3\]/)
    const factors = ones([1, 3])
    const mean = new EmbeddingBag(4, 2)
    expect(() => mean.call(indices.reshape([1, 3]), { perSampleWeights: factors })).toThrow(/are for mode 'sum'/)
    expect(() => bag.call(indices.reshape([3, 1]), { perSampleWeights: factors })).toThrow(/indices' shape \[3, 1\]/)
    expect(bag.call(tensor([], { dtype: 'int32', shape: [2, 0] })).arraySync()).toEqual([
      [0, 0],
      [0, 0],
    ])
  })

  it('name what does not fit', () => {
    expect(() => new Linear(0, 2)).toThrow(/inFeatures must be a whole number of at least 1; received 0/)
    expect(() => new Bilinear(2, 3, 1).call(ones([4, 2]), ones([4, 2]))).toThrow(
      /takes \[…, 2\] and \[…, 3\] with equal/,
    )
    expect(() => f.linear(ones([1, 2]), ones([3, 2]), ones([2]))).toThrow(/one entry per output/)
    expect(() => new Embedding(3, 2, { paddingIdx: 3 })).toThrow(/paddingIdx must be a row, from -3 to 2/)
    expect(() => new Embedding(3, 2, { maxNorm: 0 })).toThrow(/maxNorm must be positive/)
    expect(() => new EmbeddingBag(3, 2, { mode: 'min' as never })).toThrow(/'sum', 'mean' or 'max'/)
    expect(() => new Unflatten(1, [2, -1, -1])).toThrow(/one of which may be −1/)
    expect(() => new Unflatten(1, [2, 2]).call(ones([1, 5]))).toThrow(/does not divide axis 1/)
  })
})
